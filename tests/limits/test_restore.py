"""Spending comes back from the ledger: quickly, once, and also where a file is torn."""

import itertools
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.ledger.lines import to_line
from gateway.ledger.record import Record
from gateway.ledger.segments import folder
from gateway.limits.limit import Limit, scopes_of
from gateway.limits.memory import MemoryLimiter
from tests.limits.gate import KEY, USD

MONTH_OF_RECORDS = 400_000


def _records(count: int, people: int = 1) -> list[Record]:
    began = int(datetime.now(UTC).timestamp() * 1e6)
    return [
        Record(
            request_id=f"r{number}",
            started_at=began,
            api="chat",
            key_id="k1",
            team="research",
            user_id=f"u{number % people}",
            user_email=f"Alice{number % people}@example.com",
            cost_nano_usd=3,
        )
        for number in range(count)
    ]


async def _restored(data_dir: Path, limits: list[Limit]) -> list[int]:
    limiter = MemoryLimiter(data_dir)
    await limiter.start()
    used = [status.used for status in await limiter.status(limits)]
    await limiter.stop()
    return used


@pytest.fixture
def segments(tmp_path: Path) -> Path:
    directory = folder(tmp_path)
    directory.mkdir(parents=True)
    return directory


async def test_what_came_since_the_checkpoint_is_added(tmp_path: Path, segments: Path) -> None:
    lines = [to_line(record) for record in _records(1000)]
    path = segments / "20261101T000000-1-aa.open"
    path.write_bytes(b"".join(lines[:600]) + lines[600][:50])
    limits = [Limit(scope, "budget", USD, "month") for scope in scopes_of(_records(1)[0])]
    assert [limit.scope for limit in limits] == ["key:k1", "person:alice0@example.com", "team:research"]
    assert await _restored(tmp_path, limits) == [1800] * 3, "a torn last line waits for its rest"
    path.write_bytes(b"".join(lines))
    path.rename(path.with_suffix(".jsonl"))
    assert await _restored(tmp_path, limits) == [3000] * 3, "under its new name too"
    assert await _restored(tmp_path, limits) == [3000] * 3


@pytest.mark.parametrize("damage", [b"", b"{torn", b'{"version": 99}', b'{"version": 1, "days": 3}', None])
async def test_a_damaged_checkpoint_means_reading_all(tmp_path: Path, segments: Path, damage: bytes | None) -> None:
    (segments / "20261101T000000-1-aa.jsonl").write_bytes(b"".join(map(to_line, _records(100))))
    limits = [Limit(KEY, "budget", USD, "month")]
    assert await _restored(tmp_path, limits) == [300]
    checkpoint = tmp_path / "ledger" / "spending.json"
    checkpoint.unlink() if damage is None else checkpoint.write_bytes(damage)
    assert await _restored(tmp_path, limits) == [300]
    assert [path.name for path in checkpoint.parent.iterdir() if "partial" in path.name] == []


async def test_segments_that_were_shipped_away_stay_counted(tmp_path: Path, segments: Path) -> None:
    path = segments / "20261101T000000-1-aa.jsonl"
    path.write_bytes(b"".join(map(to_line, _records(100))))
    limits = [Limit(KEY, "budget", USD, "month")]
    assert await _restored(tmp_path, limits) == [300]
    path.unlink()
    assert await _restored(tmp_path, limits) == [300]


async def test_a_damaged_line_costs_only_itself(tmp_path: Path, segments: Path) -> None:
    lines = [to_line(record) for record in _records(100)]
    lines[50] = lines[50].replace(b'"cost_nano_usd":3', b'"cost_nano_usd":9')
    (segments / "20261101T000000-1-aa.jsonl").write_bytes(b"".join(lines))
    assert await _restored(tmp_path, [Limit(KEY, "budget", USD, "month")]) == [297]


async def test_a_month_of_the_large_company_restores_quickly(tmp_path: Path, segments: Path) -> None:
    """Times are printed, not asserted, for machines differ."""
    lines = [to_line(record) for record in _records(MONTH_OF_RECORDS, people=300)]
    for number, start in enumerate(range(0, MONTH_OF_RECORDS, 5000)):
        (segments / f"20261101T0000{number:02}-1-aa.jsonl").write_bytes(b"".join(lines[start : start + 5000]))
    limits = [Limit(KEY, "budget", USD, "month"), Limit("person:alice7@example.com", "budget", USD, "month")]
    person = len(list(itertools.islice(range(MONTH_OF_RECORDS), 7, None, 300)))
    for name in ("first start", "second start"):
        limiter, began = MemoryLimiter(tmp_path), time.perf_counter()
        await limiter.start()
        print(f"\n{name}, {MONTH_OF_RECORDS:,} records: {(time.perf_counter() - began) * 1000:.0f} ms", end="")
        used = [status.used for status in await limiter.status(limits)]
        assert used == [MONTH_OF_RECORDS * 3, person * 3]
        await limiter.stop()
