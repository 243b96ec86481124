"""Progress of shipping: counters that outlive processes."""

import contextlib
from collections.abc import Collection
from pathlib import Path

import msgspec

from gateway.files import write_file
from gateway.ledger.disk_quota import CLOSED, OPEN


class Progress(msgspec.Struct):
    """Counters since this ledger's first day. `records_in` = `records_out` + `damaged`."""

    records_in: int = 0
    """Number of lines in shipped segments."""
    records_out: int = 0
    """Number of Parquet rows written from them."""
    damaged: int = 0
    """Number of lines with a wrong checksum; they are kept in `ledger/damaged`."""
    counted: list[str] = []
    """Stems of segments that are counted and not yet renamed, so that a crash in between counts them once."""
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
    """Return the number of whole lines that are not in Parquet yet, without the `counted` segments."""
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
