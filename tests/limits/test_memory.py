"""Reserve, settle, expire, roll over: against a simple model, whatever the order."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ledger.lines import to_line
from gateway.ledger.record import Record
from gateway.ledger.segments import folder
from gateway.limits.limit import (
    Demand,
    Limit,
    Reservation,
    Standing,
    Window,
    ratelimit_headers,
    scopes_of,
    soft_budget_headers,
)
from gateway.limits.memory import TTL_SECONDS, MemoryLimiter
from gateway.limits.reached import LimitReached
from gateway.limits.windows import bounds

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC).timestamp()
USD = 10**9
KEY, TEAM = "key:k1", "team:research"


class Clock:
    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> MemoryLimiter:
    return MemoryLimiter(clock=clock)


async def _standing(limiter: MemoryLimiter, limit: Limit) -> Standing:
    (found,) = await limiter.standing([limit])
    return found


async def test_requests_a_minute_refill_steadily(limiter: MemoryLimiter, clock: Clock) -> None:
    limit = Limit(KEY, "requests", 60, "minute")
    for number in range(60):
        await limiter.settle(await limiter.reserve(f"r{number}", [limit], Demand()), Demand())
    with pytest.raises(LimitReached) as caught:
        await limiter.reserve("one more", [limit], Demand())
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.retry_after == pytest.approx(1)
    clock.now += 1
    await limiter.reserve("one more", [limit], Demand())
    assert (await _standing(limiter, limit)).left == 0


async def test_tokens_are_corrected_by_what_was_used(limiter: MemoryLimiter) -> None:
    limit = Limit(KEY, "tokens", 1000, "minute")
    reservation = await limiter.reserve("a", [limit], Demand(tokens=900))
    with pytest.raises(LimitReached):
        await limiter.reserve("b", [limit], Demand(tokens=200))
    await limiter.settle(reservation, Demand(tokens=100))
    assert (await _standing(limiter, limit)).left == 900
    await limiter.settle(reservation, Demand(tokens=100))
    assert (await _standing(limiter, limit)).left == 900, "a second settlement changes nothing"


async def test_a_prompt_larger_than_a_minute_goes_when_all_is_free(limiter: MemoryLimiter) -> None:
    limit = Limit(KEY, "tokens", 1000, "minute")
    await limiter.reserve("large", [limit], Demand(tokens=5000))
    with pytest.raises(LimitReached):
        await limiter.reserve("next", [limit], Demand(tokens=1))


async def test_parallel_requests(limiter: MemoryLimiter) -> None:
    limit = Limit(KEY, "parallel", 2)
    first = await limiter.reserve("a", [limit], Demand())
    await limiter.reserve("b", [limit], Demand())
    with pytest.raises(LimitReached, match="2 requests running"):
        await limiter.reserve("c", [limit], Demand())
    await limiter.settle(first, Demand())
    await limiter.reserve("c", [limit], Demand())


async def test_all_or_nothing_and_once(limiter: MemoryLimiter) -> None:
    roomy, full = Limit(KEY, "budget", USD, "month"), Limit(TEAM, "budget", 0, "month")
    with pytest.raises(LimitReached, match=r"The team 'research' has used its budget of 0\.00 USD"):
        await limiter.reserve("a", [roomy, full], Demand(cost_nano_usd=5))
    assert (await _standing(limiter, roomy)).reserved == 0, "a refused request holds nothing"
    same = [await limiter.reserve("b", [roomy], Demand(cost_nano_usd=5)) for _ in range(3)]
    assert (await _standing(limiter, roomy)).reserved == 5
    for each in same:
        await limiter.settle(each, Demand(cost_nano_usd=4))
    assert (await _standing(limiter, roomy)).used == 4


async def test_a_crash_leaves_no_phantom_spend(limiter: MemoryLimiter, clock: Clock) -> None:
    budget, parallel = Limit(KEY, "budget", 100, "month"), Limit(KEY, "parallel", 1)
    lost = await limiter.reserve("lost", [budget, parallel], Demand(cost_nano_usd=100))
    clock.now += TTL_SECONDS + 1
    await limiter.reserve("next", [budget, parallel], Demand(cost_nano_usd=60))
    await limiter.settle(lost, Demand(cost_nano_usd=7))
    standing = await _standing(limiter, budget)
    assert (standing.used, standing.reserved) == (7, 60), "what was really spent still counts"


async def test_a_soft_budget_warns_only(limiter: MemoryLimiter) -> None:
    soft = Limit(TEAM, "budget", 10, "day", hard=False)
    await limiter.settle(await limiter.reserve("a", [soft], Demand(cost_nano_usd=50)), Demand(cost_nano_usd=50))
    await limiter.reserve("b", [soft], Demand(cost_nano_usd=50))
    headers = soft_budget_headers(await limiter.standing([soft]))
    assert headers == [(b"x-sekisho-warning", b"budget of team:research for this day used up")]


WINDOWS: list[tuple[Window, str, str]] = [
    ("day", "2026-11-18", "2026-11-19"),
    ("week", "2026-11-16", "2026-11-23"),
    ("month", "2026-11-01", "2026-12-01"),
]


@pytest.mark.parametrize(("window", "begin", "end"), WINDOWS)
async def test_budgets_roll_over(limiter: MemoryLimiter, clock: Clock, window: Window, begin: str, end: str) -> None:
    expected = tuple(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() for day in (begin, end))
    assert bounds(window, NOON) == expected
    limit = Limit(KEY, "budget", 100, window)
    clock.now = expected[1] - 1
    late = await limiter.reserve("late", [limit], Demand(cost_nano_usd=90))
    clock.now = expected[1] + 1
    await limiter.settle(late, Demand(cost_nano_usd=90))
    assert (await _standing(limiter, limit)).used == 0, "it counts in the window in which it began"
    clock.now = expected[1] - 1
    assert (await _standing(limiter, limit)).used == 90


def test_headers_are_openais() -> None:
    standings = [
        Standing(Limit(KEY, "requests", 60, "minute"), used=10, resets_in=10.0),
        Standing(Limit(KEY, "tokens", 1000, "minute"), used=999, resets_in=0.02),
        Standing(Limit(TEAM, "requests", 600, "minute"), used=595, resets_in=360.0),
    ]
    assert dict(ratelimit_headers(standings)) == {
        b"x-ratelimit-limit-requests": b"600",
        b"x-ratelimit-remaining-requests": b"5",
        b"x-ratelimit-reset-requests": b"6m0s",
        b"x-ratelimit-limit-tokens": b"1000",
        b"x-ratelimit-remaining-tokens": b"1",
        b"x-ratelimit-reset-tokens": b"20ms",
    }


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "settle", "wait"]),
        st.integers(0, 7),
        st.integers(0, 60),
        st.integers(0, 60),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(STEPS, st.integers(0, 200))
def test_spending_never_passes_the_budget_by_more_than_estimates_were_wrong(
    steps: list[tuple[str, int, int, int]], budget: int
) -> None:
    """The model: used = what was settled, reserved = estimates that are open; together never over the budget."""

    async def run() -> None:
        clock = Clock()
        limiter = MemoryLimiter(clock=clock)
        limits = [Limit(KEY, "budget", budget, "month"), Limit(KEY, "parallel", 4)]
        open_: dict[str, Reservation] = {}
        used = 0
        for step, number, estimate, real in steps:
            name = f"r{number}"
            if step == "reserve" and name not in open_:
                room = used + sum(each.demand.cost_nano_usd for each in open_.values()) + estimate <= budget
                room = room and len(open_) < 4 and budget > used + sum(e.demand.cost_nano_usd for e in open_.values())
                try:
                    open_[name] = await limiter.reserve(name, limits, Demand(cost_nano_usd=estimate))
                    assert room
                except LimitReached:
                    assert not room
            elif step == "settle" and name in open_:
                reservation = open_.pop(name)
                real = min(real, reservation.demand.cost_nano_usd)
                used += real
                await limiter.settle(reservation, Demand(cost_nano_usd=real))
            elif step == "wait" and number == 0:
                clock.now += TTL_SECONDS + 1
                open_.clear()
            standing = await _standing(limiter, limits[0])
            assert standing.used == used
            assert used <= budget or budget == 0

    asyncio.run(run())


def _records(count: int) -> list[Record]:
    began = int(datetime.now(UTC).timestamp() * 1e6)
    return [
        Record(
            request_id=f"r{number}",
            started_at=began,
            api="chat",
            key_id="k1",
            team="research",
            user_id="u1",
            user_email="Alice@example.com",
            cost_nano_usd=3,
        )
        for number in range(count)
    ]


async def test_spending_is_restored_from_the_ledger_and_its_checkpoint(tmp_path: Path) -> None:
    segments = folder(tmp_path)
    segments.mkdir(parents=True)
    lines = [to_line(record) for record in _records(1000)]
    path = segments / "20261101T000000-1-aa.open"
    path.write_bytes(b"".join(lines[:600]) + lines[600][:50])
    limits = [Limit(scope, "budget", USD, "month") for scope in scopes_of(_records(1)[0])]
    assert [limit.scope for limit in limits] == ["key:k1", "person:alice@example.com", "team:research"]

    async def restored() -> list[int]:
        limiter = MemoryLimiter(tmp_path)
        await limiter.start()
        used = [standing.used for standing in await limiter.standing(limits)]
        await limiter.stop()
        return used

    assert await restored() == [1800] * 3
    path.write_bytes(b"".join(lines))
    path.rename(path.with_suffix(".jsonl"))
    assert await restored() == [3000] * 3, "only what came since the checkpoint is read, under its new name too"
    (tmp_path / "ledger/spending.json").write_text("{torn")
    assert await restored() == [3000] * 3, "a damaged checkpoint means reading all"


async def test_a_month_of_the_large_company_restores_quickly(tmp_path: Path) -> None:
    """385,000 requests a month; printed, not asserted, for machines differ."""
    segments = folder(tmp_path)
    segments.mkdir(parents=True)
    block = b"".join(to_line(record) for record in _records(5000))
    for number in range(77):
        (segments / f"20261101T0000{number:02}-1-aa.jsonl").write_bytes(block)
    for name in ("first start", "second start"):
        clock = datetime.now(UTC)
        limiter = MemoryLimiter(tmp_path)
        await limiter.start()
        print(f"{name}: {(datetime.now(UTC) - clock).total_seconds():.2f} s for 385,000 records")
        standing = await _standing(limiter, Limit("key:k1", "budget", USD, "month"))
        assert standing.used == 385_000 * 3
