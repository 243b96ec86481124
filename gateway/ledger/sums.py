"""Where the ledger's sums are kept (`gateway.reports.rollup`), and how who rewrites the ledger makes them anew."""

import contextlib
from pathlib import Path


def sums_folder(data_dir: Path) -> Path:
    """Return the folder of the sums."""
    return data_dir / "ledger" / "rollup"


def rewritten_mark(data_dir: Path) -> Path:
    """Return the file whose time tells when this machine rewrote the ledger last."""
    return data_dir / "ledger" / "rewritten"


def drop_sums(data_dir: Path) -> None:
    """Delete all sums; they are made again from the ledger's files as these are now."""
    for path in sums_folder(data_dir).glob("*"):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
    note_rewritten(data_dir)


def note_rewritten(data_dir: Path) -> None:
    """Let running gateways look at all files of the ledger before they answer again."""
    rewritten_mark(data_dir).parent.mkdir(parents=True, exist_ok=True)
    rewritten_mark(data_dir).touch()
