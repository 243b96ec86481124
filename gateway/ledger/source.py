"""This ledger's name among those that share a destination or a store of limits."""

import secrets
from pathlib import Path

from gateway.files import create_once


def source_of(data_dir: Path) -> str:
    """The name in `ledger/source`, made by whoever comes first: 16 hex digits."""
    return create_once(data_dir / "ledger" / "source", secrets.token_hex(8).encode()).decode()
