"""How long the console's questions about usage take: `python -m tests.bench.console`.

A year of 385,000 records a month, of 300 people with 2,000 keys, shipped and joined; asked through `QueryRunner`, as
the routes do. The limit for a page is 150 ms.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.ledger.duck import COLUMNS, connect, quoted, rows_of_segments
from gateway.preflight import load
from gateway.reports.query_runner import Query, QueryRunner
from gateway.reports.rollup import keep_sums
from gateway.reports.span import Span
from tests.bench.month import Month, records, write_segments

MOST_SECONDS = 0.15
PEOPLE, KEYS, MONTHS = 300, 2000, 12
_QUESTIONS: tuple[tuple[str, int, str], ...] = (
    ("overview, today", 1, ""),
    ("overview, 7 days", 7, ""),
    ("overview, 30 days", 30, ""),
    ("teams, 30 days", 30, "team"),
    ("people, 30 days", 30, "user"),
    ("keys, 30 days", 30, "key"),
    ("models and days, 30 days", 30, "model,day"),
    ("tools, 30 days", 30, "client"),
    ("people, models and days, 30 days", 30, "user,model,day"),
    ("cache: team, model, tool, day, 60 days", 60, "team,model,client,day"),
    ("people, a year", 365, "user"),
    ("months and teams, a year", 365, "month,team"),
)


def generate(folder: Path, scale: float = 1.0) -> Path:
    """Write the year until today as Parquet, an hour a file, as it is shipped and joined; return the configuration."""
    month = Month().scaled(scale)
    write_segments(folder / "month", records(month))
    parquet = folder / "data" / "ledger" / "parquet"
    parquet.mkdir(parents=True)
    first = datetime.now(UTC).date() - timedelta(days=30 * MONTHS - 1)
    with tempfile.TemporaryDirectory(dir=folder) as scratch, connect(Path(scratch), "1GB") as connection:
        segments = sorted((folder / "month" / "ledger" / "segments").glob("*.jsonl"))
        connection.execute(f"CREATE TABLE month AS FROM ({rows_of_segments(segments)})")
        for number in range(MONTHS):
            shift = (first - month.first).days + 30 * number
            connection.execute(_copy(number, shift, parquet))
    config = folder / "sekisho.yaml"
    config.write_text("data_dir: data\nmodels: []\n")
    return config


def _copy(number: int, shift: int, parquet: Path) -> str:
    person, key = f"hash(user_id, model) % {PEOPLE}", f"hash(user_id, started_at) % {KEYS}"
    changed = {
        "request_id": f"request_id || '/{number}'",
        "started_at": f"started_at + INTERVAL '{shift} days'",
        "user_email": f"'person' || ({person}) || '@example.com'",
        "user_id": f"'u' || ({person})",
        "key_id": f"'key' || ({key})",
        "key_alias": f"'laptop-' || ({key})",
    }
    columns = ", ".join(f"{changed[name]} AS {name}" if name in changed else name for name in COLUMNS)
    return (
        f"COPY (SELECT *, strftime(started_at, '%Y-%m-%d') AS dt, strftime(started_at, '%H') AS hour FROM "
        f"(SELECT {columns} FROM month)) TO {quoted(str(parquet))} (FORMAT parquet, COMPRESSION zstd, "
        f"PARTITION_BY (dt, hour), OVERWRITE_OR_IGNORE, FILENAME_PATTERN 'compacted.bench.{number}')"
    )


def query(days: int, by: str) -> Query:
    last = datetime.now(UTC).date()
    names = tuple(name for name in by.split(",") if name)
    return Query(Span(last - timedelta(days=days - 1), last, "Asia/Tokyo"), names, limit=1000, details=not by)


async def measure(config: Path, rounds: int = 5) -> dict[str, Any]:
    """Ask every question some times; the cached results of equal ones are passed over."""
    runner = QueryRunner(config)
    began = time.monotonic()
    await runner.ask(query(2, ""))
    first = time.monotonic() - began
    took: dict[str, float] = {}
    for name, days, by in _QUESTIONS:
        times = []
        for number in range(rounds):
            asked = query(days, by)
            began = time.monotonic()
            await runner.ask(Query(asked.span, asked.by, {"outcome": ["ok", "error", f"round {number}"]}, 1000))
            times.append(time.monotonic() - began)
        took[name] = statistics.median(times)
    await runner.stop()
    return {"first_seconds": first, "seconds": took, "good": max(took.values()) <= MOST_SECONDS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the months")
    parser.add_argument("--config", type=Path, help="records that are there already")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sekisho-console-") as folder:
        config = given.config or generate(Path(folder), given.scale)
        began = time.monotonic()
        keep_sums(load(config).config)
        kept = time.monotonic() - began
        told = {"sums_seconds": kept, **asyncio.run(measure(config))}
    for name, seconds in told["seconds"].items():
        print(f"{name:40} {seconds * 1e3:6.0f} ms")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
