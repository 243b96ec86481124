"""This ledger's name among those that share a destination or a store of limits."""

import contextlib
import os
import secrets
from pathlib import Path


def source_of(data_dir: Path) -> str:
    """The name in `ledger/source`, made by whoever comes first: 16 hex digits."""
    path = data_dir / "ledger" / "source"
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        made = path.with_suffix(f".{secrets.token_hex(4)}")
        made.write_text(secrets.token_hex(8))
        try:
            os.link(made, path)
        finally:
            made.unlink()
    return path.read_text()
