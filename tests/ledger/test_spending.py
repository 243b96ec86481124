"""Budgets outlive shipping: what was spent is known after its segments are gone, with and without a checkpoint."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.config.schema import Config
from gateway.ledger.record import Record
from gateway.ledger.segments import folder
from gateway.ledger.writer import SegmentWriter
from gateway.limits.limit import Limit
from gateway.limits.memory import MemoryLimiter
from gateway.maintenance.shipping import ship
from gateway.spending.reader import SpendingReader
from tests.bench.month import write_segments
from tests.ledger.ask import configured, count

USD = 10**9
LIMITS = [
    Limit(scope, "budget", USD, "day") for scope in ("key:k1", "person:alice@example.com", "team:research", "key:k2")
]
NOW = int(datetime.now(UTC).timestamp() * 1e6)


def _records(number: int, cost: int = 3, key: str = "k1") -> list[Record]:
    who = {"key_id": key, "team": "research", "user_id": "u1", "user_email": "Alice@example.com"}
    return [
        Record(request_id=f"{key}-{each}", started_at=NOW - each, api="chat", cost_nano_usd=cost, **who)  # type: ignore[arg-type]
        for each in range(number)
    ]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = configured(tmp_path)
    write_segments(made.data_dir, _records(100))
    return made


async def _used(config: Config) -> list[int]:
    limiter = MemoryLimiter(config.data_dir)
    await limiter.start()
    used = [status.used for status in await limiter.status(LIMITS)]
    await limiter.stop()
    return used


def _segments(config: Config) -> list[str]:
    return sorted(path.suffix for path in folder(config.data_dir).iterdir())


async def test_with_a_checkpoint(config: Config) -> None:
    assert await _used(config) == [300, 300, 300, 0]
    ship(config)
    assert _segments(config) == [".shipped"], "deleted by the next one, once the checkpoint has read it"
    ship(config)
    assert _segments(config) == []
    assert await _used(config) == [300, 300, 300, 0]
    assert count(config) == (100, 100)


async def test_shipped_before_anybody_counted_it(config: Config) -> None:
    ship(config)
    ship(config)
    assert _segments(config) == [".shipped"], "it stays until somebody has"
    assert await _used(config) == [300, 300, 300, 0]
    ship(config)
    assert _segments(config) == []
    assert await _used(config) == [300, 300, 300, 0]


@pytest.mark.parametrize("damage", [None, b"", b"{torn"])
async def test_without_a_checkpoint(config: Config, damage: bytes | None) -> None:
    """Some segments gone, one shipped and there, one not shipped."""
    await _used(config)
    ship(config)
    ship(config)
    write_segments(config.data_dir, _records(10, 5, "k2"), segment_seconds=3601)
    ship(config)
    write_segments(config.data_dir, _records(7, 1, "k2"), segment_seconds=3607)
    assert _segments(config) == [".jsonl", ".shipped"]
    checkpoint = config.data_dir / "ledger" / "spending.json"
    checkpoint.unlink() if damage is None else checkpoint.write_bytes(damage)
    assert await _used(config) == [300, 357, 357, 57]
    assert await _used(config) == [300, 357, 357, 57]


async def test_one_that_counts_while_it_is_shipped(config: Config) -> None:
    spending = SpendingReader(config.data_dir)
    spending.restore()
    writer = SegmentWriter(config.data_dir, config.ledger)
    writer.start()
    for record in _records(40, 2, "k2")[:20]:
        writer.write(record)
    assert spending.advance() == 20
    for record in _records(40, 2, "k2")[20:]:
        writer.write(record)
    writer.stop()
    ship(config)
    assert spending.advance() == 20, "the rest, from the shipped segment"
    spending.save()
    ship(config)
    assert _segments(config) == []
    assert await _used(config) == [300, 380, 380, 80]
