"""The name of this ledger among those that share a destination or a store of limits."""

import secrets
from pathlib import Path

from gateway.files import create_once


def source_of(data_dir: Path) -> str:
    """Return the name in `ledger/source`, 16 hex digits; the first caller creates it."""
    return create_once(data_dir / "ledger" / "source", secrets.token_hex(8).encode()).decode()
