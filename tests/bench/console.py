"""How long the console's questions and pages take: `python -m tests.bench.console`.

A year of 385,000 records a month, of 300 people with 2,000 keys, shipped and joined. Questions are asked through
`QueryRunner`, as the routes do; pages are opened over HTTP by an administrator. The limit for a page is 150 ms.
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

import pytest
from sqlalchemy import insert

from gateway.config.schema import Config
from gateway.db import tables
from gateway.identity.key_admin import raise_revision
from gateway.identity.keys import opened
from gateway.ledger.duck import COLUMNS, connect, quoted, rows_of_segments
from gateway.preflight import load
from gateway.reports.query_runner import Query, QueryRunner
from gateway.reports.rollup import keep_sums
from gateway.reports.span import Span
from tests.bench.month import Month, records, write_segments
from tests.console.person import Browser
from tests.fixtures.gateway import ENVIRONMENT, in_process

MOST_SECONDS = 0.15
_ANSWERS_KEPT = 2.1
"""Seconds after which equal questions are asked anew."""
PEOPLE, KEYS, MONTHS = 300, 2000, 12
_PAGES = (
    *("/console/overview", "/console/spend", "/console/spend?by=team&period=month", "/console/spend?by=key"),
    *("/console/people", "/console/people?q=person12", "/console/access", "/console/live", "/console/cache"),
    *("/console/state", "/console/audit"),
)
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
    person, key = f"hash(user_id, model) % {PEOPLE}", f"hash(user_id, model, hour(started_at)) % {KEYS}"
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


def pages(config: Path, rounds: int = 3) -> dict[str, dict[str, float]]:
    """Return the median seconds and the bytes of each page, of a gateway with 2,000 keys."""
    with in_process(config.parent, {"admin_key": "${ADMIN_KEY}", "models": []}) as served:
        asyncio.run(_make_keys(load(config, ENVIRONMENT).config))
        browser = Browser(served.url)
        browser.with_admin_key()
        return {path: _opened(browser, path, rounds) for path in _PAGES}


def _opened(browser: Browser, path: str, rounds: int) -> dict[str, float]:
    times, size = [], 0
    for number in range(rounds + 1):
        time.sleep(_ANSWERS_KEPT)
        began = time.monotonic()
        answer = browser.get(f"{path}{'&' if '?' in path else '?'}round={number}")
        times.append(time.monotonic() - began)
        assert answer.status_code == 200, answer.text
        size = len(answer.content)
    return {"seconds": statistics.median(times[1:]), "bytes": size}


async def _make_keys(config: Config) -> None:
    async with opened(config) as store:
        keys = store.all()
        rows = [
            {
                "id": f"key_{number:016}",
                "hash": number.to_bytes(32),
                "hint": "sk-…0000",
                "alias": f"laptop-{number}",
                "owner": f"person{number % PEOPLE}@example.com",
                "team": "research",
                "created_at": number,
            }
            for number in range(KEYS if len(keys) < KEYS else 0)
        ]
        async with store.engine.begin() as connection:
            if rows:
                await connection.execute(insert(tables.keys), rows)
                await raise_revision(connection)


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
        with pytest.MonkeyPatch.context() as patch:
            for name, value in ENVIRONMENT.items():
                patch.setenv(name, value)
            told["pages"] = pages(config)
    for name, seconds in told["seconds"].items():
        print(f"{name:40} {seconds * 1e3:6.0f} ms")
    for path, page in told["pages"].items():
        print(f"{path:40} {page['seconds'] * 1e3:6.0f} ms {page['bytes'] / 1e3:6.0f} kB")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
