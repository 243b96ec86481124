"""Fifty million records in Parquet, and how long questions about them take: `python -m tests.bench.usage_rows`.

The rows are a year of a company with 26 times as many people as the published month (`tests.bench.month`).
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gateway.ledger.duck import COLUMNS, connect, quoted, rows_of_segments
from tests.bench.child import measured
from tests.bench.month import Month, records, write_segments

QUESTIONS = (
    "user",
    "model",
    "team",
    "key",
    "client",
    "day",
    "hour_of_day",
    "kind",
    "outcome",
    "team,model",
    "user,model,day",
)
MOST_SECONDS, MOST_BYTES = 5.0, 10**9
_MONTHS = 12


@dataclass(frozen=True)
class Took:
    """One question: wall seconds, CPU seconds, the process's largest memory in bytes, how many rows it answered."""

    by: str
    seconds: float
    cpu_seconds: float
    bytes: int
    rows: int

    @property
    def good(self) -> bool:
        return self.seconds <= MOST_SECONDS and self.bytes <= MOST_BYTES


def generate(folder: Path, rows: int, month: Month = Month()) -> Path:  # noqa: B008
    """Parquet below `folder` as the gateway ships and compacts it; gives the configuration's file."""
    write_segments(folder / "month", records(month))
    parquet = folder / "data" / "ledger" / "parquet"
    parquet.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch, connect(Path(scratch), "4GB") as connection:
        segments = sorted((folder / "month" / "ledger" / "segments").glob("*.jsonl"))
        connection.execute(f"CREATE TABLE month AS FROM ({rows_of_segments(segments)}) ORDER BY user_id, started_at")
        copies = rows / month.requests / _MONTHS
        for number in range(_MONTHS):
            connection.execute(_copy(number, copies, parquet, scratch))
    config = folder / "sekisho.yaml"
    config.write_text("data_dir: data\nmodels: []\n")
    return config


def _copy(month: int, copies: float, parquet: Path, scratch: str) -> str:
    changed = {
        "request_id": f"request_id || '{month}/' || copy",
        "started_at": f"started_at + INTERVAL '{month * 30} days' + copy * INTERVAL '700 milliseconds'",
        "user_email": "copy || user_email",
        "user_id": "copy || user_id",
        "key_id": "copy || key_id",
        "key_alias": "copy || key_alias",
    }
    columns = ", ".join(f"{changed[name]} AS {name}" if name in changed else name for name in COLUMNS)
    whole, part = int(copies), copies - int(copies)
    return (
        f"COPY (SELECT *, strftime(started_at, '%Y-%m-%d') AS dt, strftime(started_at, '%H') AS hour FROM "
        f"(SELECT {columns} FROM month, (SELECT unnest(range({whole + 1})) AS copy) "
        f"WHERE copy < {whole} OR hash(request_id) % 1000 < {part * 1000})) "
        f"TO {quoted(str(parquet))} (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (dt, hour), "
        f"OVERWRITE_OR_IGNORE, FILENAME_PATTERN 'compacted.bench.{month}')"
    )


def ask(config: Path, by: str, first: str = "2025-03-01", last: str = "2026-05-31") -> Took:
    """A question in a process of its own, as people ask it."""
    options = ["usage", "summary", "--from", first, "--to", last, "--by", by, "--json", "--limit", "100"]
    call = [sys.executable, "-m", "gateway", *options, "--config", str(config)]
    began = time.monotonic()
    done = measured(call)
    rows = json.loads(done.printed)["total"]["requests"]
    return Took(by, time.monotonic() - began, done.cpu_seconds, done.bytes, rows)


def measure(folder: Path, rows: int) -> dict[str, Any]:
    """Every question once, on rows made here."""
    began = time.monotonic()
    config = generate(folder, rows)
    made = time.monotonic() - began
    files = list((folder / "data").rglob("*.parquet"))
    size = sum(file.stat().st_size for file in files)
    print(
        f"{rows:,} rows in {len(files):,} files, {size / rows:.1f} bytes a row, made in {made:.0f} s", file=sys.stderr
    )
    took = [ask(config, by) for by in QUESTIONS]
    return {
        "rows": took[0].rows,
        "files": len(files),
        "questions": [asdict(each) | {"good": each.good} for each in took],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000_000)
    parser.add_argument("--config", type=Path, help="rows that are there already")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sekisho-rows-") as folder:
        told = (
            measure(Path(folder), given.rows)
            if not given.config
            else {"questions": [asdict(ask(given.config, by)) for by in QUESTIONS]}
        )
    for each in told["questions"]:
        print(
            f"{each['by']:18} {each['seconds']:6.2f} s  {each['cpu_seconds']:6.2f} s CPU  {each['bytes'] / 1e6:6.0f} MB"
        )
    print(json.dumps(told))


if __name__ == "__main__":
    main()
