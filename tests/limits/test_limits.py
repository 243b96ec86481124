"""Reserve, settle, expire, roll over: the same in memory and in Redis."""

from datetime import UTC, datetime

import pytest

from gateway.limits.limit import Demand, Limit, LimitStatus, Window, ratelimit_headers, scopes_of, soft_budget_headers
from gateway.limits.memory import TTL_SECONDS, MemoryLimiter
from gateway.limits.reached import LimitReached, usd
from gateway.limits.shared import RedisLimiter
from gateway.limits.windows import bounds
from tests.limits.gate import KEY, NOON, PERSON, TEAM, USD, Clock, Gate, record_of


async def test_requests_a_minute_refill_steadily(gate: Gate, clock: Clock) -> None:
    limit = Limit(KEY, "requests", 60, "minute")
    for number in range(60):
        await gate.settle(await gate.reserve(f"r{number}", [limit]))
    with pytest.raises(LimitReached, match=r"made its 60 requests of this minute; try again in 1 s") as caught:
        await gate.reserve("one more", [limit])
    assert (caught.value.status, caught.value.type, caught.value.code) == (429, "requests", "rate_limit_exceeded")
    assert caught.value.retry_after == pytest.approx(1)
    clock.now += 1
    await gate.reserve("one more", [limit])
    status = await gate.status(limit)
    assert status.left == 0
    assert status.resets_in == pytest.approx(60)


async def test_released_requests_stay_counted_in_their_minute(gate: Gate) -> None:
    requests, tokens = Limit(KEY, "requests", 2, "minute"), Limit(KEY, "tokens", 100, "minute")
    for name in ("a", "b"):
        reservation = await gate.reserve(name, [requests, tokens], Demand(tokens=50))
        await gate.limiter.release(reservation)
        await gate.limiter.release(reservation)
    assert (await gate.status(tokens)).left == 100
    with pytest.raises(LimitReached):
        await gate.reserve("c", [requests, tokens])


async def test_tokens_are_corrected_by_what_was_used(gate: Gate) -> None:
    limit = Limit(KEY, "tokens", 1000, "minute")
    reservation = await gate.reserve("a", [limit], Demand(tokens=900))
    with pytest.raises(
        LimitReached, match="has 100 left of its 1,000 tokens of this minute, and this request may take"
    ):
        await gate.reserve("b", [limit], Demand(tokens=200))
    for _ in range(2):
        await gate.settle(reservation, Demand(tokens=100))
        assert (await gate.status(limit)).left == 900, "a second settlement changes nothing"


async def test_a_prompt_larger_than_a_minute_goes_when_all_is_free(gate: Gate, clock: Clock) -> None:
    limit = Limit(KEY, "tokens", 1000, "minute")
    await gate.reserve("large", [limit], Demand(tokens=5000))
    with pytest.raises(LimitReached) as caught:
        await gate.reserve("next", [limit], Demand(tokens=1))
    assert caught.value.retry_after == pytest.approx(240, abs=0.1)
    clock.now += 241
    await gate.reserve("next", [limit], Demand(tokens=1))


async def test_an_amount_that_is_changed(gate: Gate) -> None:
    for _ in range(10):
        await gate.settle(await gate.reserve(f"r{_}", [Limit(KEY, "requests", 10, "minute")]))
    assert (await gate.status(Limit(KEY, "requests", 15, "minute"))).left == 5
    assert (await gate.status(Limit(KEY, "requests", 3, "minute"))).left <= 3


async def test_parallel_requests(gate: Gate) -> None:
    limit = Limit(KEY, "parallel", 2)
    first = await gate.reserve("a", [limit])
    await gate.reserve("b", [limit])
    with pytest.raises(LimitReached, match="2 requests running") as caught:
        await gate.reserve("c", [limit])
    assert caught.value.retry_after
    await gate.settle(first)
    await gate.reserve("c", [limit])


async def test_all_or_nothing_and_once(gate: Gate) -> None:
    roomy, full = Limit(KEY, "budget", USD, "month"), Limit(TEAM, "budget", 0, "month")
    rate, parallel = Limit(KEY, "requests", 9, "minute"), Limit(KEY, "parallel", 9)
    with pytest.raises(LimitReached) as caught:
        await gate.reserve("a", [roomy, rate, parallel, full], Demand(cost_nano_usd=5))
    assert str(caught.value) == (
        "The team 'research' has used its budget of 0.00 USD for this month; it starts anew on 2026-12-01 00:00 UTC. "
        "Ask an administrator to raise it."
    )
    assert (caught.value.type, caught.value.code) == ("insufficient_quota", "insufficient_quota")
    assert [each.limit for each in caught.value.limit_statuses] == [roomy, rate, parallel, full]
    statuses = await gate.limiter.status([roomy, rate, parallel])
    assert [(each.used, each.reserved) for each in statuses] == [(0, 0)] * 3, "a refused request holds nothing"
    same = [await gate.reserve("b", [roomy, rate], Demand(cost_nano_usd=5)) for _ in range(3)]
    assert (await gate.status(roomy)).reserved == 5
    assert (await gate.status(rate)).used == 1
    for each in same:
        await gate.limiter.settle(each, Demand(cost_nano_usd=4))
    assert (await gate.status(roomy)).used == 4


async def test_a_budget_that_is_nearly_used_says_what_is_left(gate: Gate) -> None:
    budget = Limit(KEY, "budget", USD, "day")
    await gate.settle(await gate.reserve("a", [budget], Demand(cost_nano_usd=USD)), Demand(cost_nano_usd=USD * 3 // 4))
    with pytest.raises(LimitReached, match=r"has 0\.25 USD left of its budget of 1\.00 USD for this day, and this req"):
        await gate.reserve("b", [budget], Demand(cost_nano_usd=USD))


async def test_what_is_free_needs_no_budget(gate: Gate) -> None:
    budget = Limit(KEY, "budget", 10, "day")
    await gate.settle(await gate.reserve("a", [budget], Demand(cost_nano_usd=10)), Demand(cost_nano_usd=10))
    with pytest.raises(LimitReached):
        await gate.reserve("b", [budget], Demand(cost_nano_usd=1))
    await gate.settle(await gate.reserve("c", [budget], Demand(tokens=5)), Demand(tokens=5))


async def test_several_budgets_of_one_scope_count_once(gate: Gate) -> None:
    limits = [Limit(KEY, "budget", 100, "day"), Limit(KEY, "budget", 500, "month"), Limit(TEAM, "budget", 100, "week")]
    reservation = await gate.reserve("a", limits, Demand(cost_nano_usd=60))
    assert [each.reserved for each in await gate.limiter.status(limits)] == [60, 60, 60]
    await gate.settle(reservation, Demand(cost_nano_usd=50))
    assert [(each.used, each.reserved) for each in await gate.limiter.status(limits)] == [(50, 0)] * 3


async def test_a_crash_leaves_nothing_behind(gate: Gate, clock: Clock) -> None:
    budget, parallel = Limit(KEY, "budget", 100, "month"), Limit(KEY, "parallel", 1)
    lost = await gate.reserve("lost", [budget, parallel], Demand(cost_nano_usd=100))
    clock.now += TTL_SECONDS + 1
    await gate.reserve("next", [budget, parallel], Demand(cost_nano_usd=60))
    for _ in range(2):
        await gate.limiter.settle(lost, Demand(cost_nano_usd=7))
    if isinstance(gate.limiter, RedisLimiter):
        gate.ledger.write(record_of(lost, Demand(cost_nano_usd=7)))
        await gate.limiter.publish()
    status = await gate.status(budget)
    assert (status.used, status.reserved) == (7, 60), "what was really spent still counts, once"


async def test_a_soft_limit_never_refuses(gate: Gate) -> None:
    soft = [
        Limit(TEAM, "budget", 10, "day", hard=False),
        Limit(KEY, "requests", 1, "minute", hard=False),
        Limit(KEY, "tokens", 1, "minute", hard=False),
        Limit(KEY, "parallel", 0, hard=False),
    ]
    for name in ("a", "b", "c"):
        demand = Demand(tokens=50, cost_nano_usd=50)
        await gate.settle(await gate.reserve(name, soft, demand), demand)
    statuses = await gate.limiter.status(soft)
    assert [each.left for each in statuses] == [0, 0, 0, 0]
    assert soft_budget_headers(statuses) == [(b"x-sekisho-warning", b"budget of team:research for this day used up")]


def test_a_warning_is_always_a_header() -> None:
    limit = Limit("team:営業\r\nx: y", "budget", 0, "day", hard=False)
    ((_, value),) = soft_budget_headers([LimitStatus(limit, used=1)])
    assert value == b"budget of team:%E5%96%B6%E6%A5%AD%0D%0Ax:%20y for this day used up"


async def test_who_is_idle_is_forgotten(clock: Clock) -> None:
    limiter = MemoryLimiter(clock=clock)
    running = await limiter.reserve("long", [Limit(KEY, "parallel", 1), Limit(KEY, "budget", 9, "day")], Demand())
    for number in range(20_000):
        scope = f"person:{number}"
        limits = [Limit(scope, "requests", 60, "minute"), Limit(scope, "parallel", 1)]
        await limiter.settle(await limiter.reserve(f"r{number}", limits, Demand()), Demand())
        clock.now += 0.1
    assert limiter.remembered < 4000
    with pytest.raises(LimitReached):
        await limiter.reserve("other", list(running.limits), Demand())


WINDOWS: list[tuple[Window, str, str]] = [
    ("day", "2026-11-18", "2026-11-19"),
    ("week", "2026-11-16", "2026-11-23"),
    ("month", "2026-11-01", "2026-12-01"),
]


@pytest.mark.parametrize(("window", "begin", "end"), WINDOWS)
async def test_budgets_roll_over(gate: Gate, clock: Clock, window: Window, begin: str, end: str) -> None:
    expected = tuple(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() for day in (begin, end))
    assert bounds(window, NOON) == expected
    limit = Limit(KEY, "budget", 100, window)
    clock.now = expected[1] - 1
    late = await gate.reserve("late", [limit], Demand(cost_nano_usd=90))
    clock.now = expected[1] + 1
    await gate.settle(late, Demand(cost_nano_usd=90))
    assert (await gate.status(limit)).used == 0, "it counts in the window in which it began"
    assert (await gate.status(limit)).resets_in == pytest.approx(bounds(window, clock.now)[1] - clock.now)
    clock.now = expected[1] - 1
    assert (await gate.status(limit)).used == 90


def test_headers_are_openais() -> None:
    statuses = [
        LimitStatus(Limit(KEY, "requests", 60, "minute"), used=10, resets_in=10.0),
        LimitStatus(Limit(KEY, "tokens", 1000, "minute"), used=999, resets_in=0.02),
        LimitStatus(Limit(TEAM, "requests", 600, "minute"), used=595, resets_in=360.0),
    ]
    assert dict(ratelimit_headers(statuses)) == {
        b"x-ratelimit-limit-requests": b"600",
        b"x-ratelimit-remaining-requests": b"5",
        b"x-ratelimit-reset-requests": b"6m0s",
        b"x-ratelimit-limit-tokens": b"1000",
        b"x-ratelimit-remaining-tokens": b"1",
        b"x-ratelimit-reset-tokens": b"20ms",
    }


async def test_one_person_is_one_scope(gate: Gate) -> None:
    reservation = await gate.reserve("a", [Limit(KEY, "budget", 1), Limit("person:Alice@Example.com", "budget", 1)])
    record = record_of(reservation, Demand())
    assert scopes_of(record) == (KEY, PERSON)
    record.user_id = "u-1"
    assert scopes_of(record) == (KEY, PERSON), "the address where there is one"
    record.user_email = None
    assert scopes_of(record) == (KEY, "person:u-1")


@pytest.mark.parametrize(
    ("nano", "text"), [(0, "0.00"), (USD, "1.00"), (150, "0.00000015"), (12_345_000_000, "12.345")]
)
def test_money_has_two_places_at_least(nano: int, text: str) -> None:
    assert usd(nano) == text
