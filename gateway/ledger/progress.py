"""How far shipping is: counters that outlive processes, and how the ledger stands."""

import contextlib
from collections.abc import Collection
from pathlib import Path

import msgspec

from gateway.files import write_file
from gateway.ledger.disk_quota import CLOSED, OPEN


class Progress(msgspec.Struct):
    """Since this ledger's first day. `records_in` = `records_out`, or something was damaged."""

    records_in: int = 0
    """Lines of shipped segments."""
    records_out: int = 0
    """Rows of Parquet made of them."""
    damaged: int = 0
    """Lines whose checksum is wrong; they are kept in `ledger/damaged`."""
    counted: list[str] = []
    """Segments that are in these numbers and not yet renamed: a crash in between counts them once."""
    shipped_at: float | None = None
    problem: str | None = None
    """Why the last shipping failed."""
    problem_at: float | None = None


def file_of(data_dir: Path) -> Path:
    return data_dir / "ledger" / "shipping.json"


def load_progress(data_dir: Path) -> Progress:
    """Return the shipping progress, all zero before the first run."""
    with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
        return msgspec.json.decode(file_of(data_dir).read_bytes(), type=Progress)
    return Progress()


def save_progress(data_dir: Path, progress: Progress) -> None:
    write_file(file_of(data_dir), msgspec.json.encode(progress))


def count_waiting(data_dir: Path, counted: Collection[str] = ()) -> int:
    """Whole lines that are not in Parquet yet; not those of the segments that are `counted` as shipped."""
    paths = [
        path
        for path in (data_dir / "ledger" / "segments").glob("*")
        if path.suffix in (OPEN, CLOSED) and path.stem not in counted
    ]
    return sum(_lines(path) for path in paths)


def _lines(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        return sum(1 for line in file if line.endswith(b"}\n"))
    return 0
