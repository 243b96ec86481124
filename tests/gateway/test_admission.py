"""The gate: urgent first, oldest first within a class, bounded, and no place is ever lost."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.admission import Gate
from gateway.config.schema import Admission, Config, Patience
from gateway.errors import Busy
from gateway.identity.policy import CLASSES, TrafficClass
from gateway.routing.routes import build_routes
from gateway.routing.target import Health, Target


def _targets(*limits: int | None, name: str = "m") -> list[Target]:
    deployments = [
        {"provider": "vllm", "base_url": f"http://gpu{number}/v1", "model": "x", "max_concurrency": limit}
        for number, limit in enumerate(limits)
    ]
    config = Config.model_validate({"models": [{"name": name, "deployments": deployments}]})
    return list(build_routes(config, {}).targets[name])


def _gate(**more: object) -> Gate:
    return Gate(Admission.model_validate(more))


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_free_places_are_given_at_once() -> None:
    targets = _targets(1, 2)
    gate = _gate()
    taken = [await gate.enter(targets, "chat") for _ in range(3)]
    assert [target.id for target in taken] == [targets[0].id, targets[1].id, targets[1].id]
    assert (gate.running, gate.waiting) == (3, 0)


async def test_persons_take_turns() -> None:
    """A file of three hundred pages is embedded beside everybody else's, not before them."""
    (target,) = _targets(1)
    gate = _gate()
    await gate.enter([target], "task", "aoi")
    order: list[str] = []

    async def wait(person: str) -> None:
        await gate.enter([target], "task", person)
        order.append(person)

    asked = [*["aoi"] * 5, "ben", "ben", "chie"]
    waiting = [asyncio.create_task(wait(person)) for person in asked]
    await _settle()
    for _ in asked:
        gate.leave(target)
        await _settle()
    assert order == ["aoi", "ben", "chie", "aoi", "ben", "aoi", "aoi", "aoi"]
    assert all(task.done() for task in waiting)


async def test_a_queue_that_one_person_filled_takes_others() -> None:
    (target,) = _targets(1)
    gate = _gate(max_waiting=4)
    await gate.enter([target], "task", "aoi")
    flood = [asyncio.create_task(gate.enter([target], "task", "aoi")) for _ in range(4)]
    await _settle()
    other = asyncio.create_task(gate.enter([target], "task", "ben"))
    await _settle()
    assert [task.done() for task in flood] == [False, False, False, True]
    with pytest.raises(Busy, match="another person's"):
        await flood[-1]
    with pytest.raises(Busy, match="the queue is full"):
        await gate.enter([target], "task", "aoi")
    assert gate.waiting == 4
    for task in (*flood, other):
        task.cancel()
    await asyncio.gather(*flood, other, return_exceptions=True)
    assert gate.waiting == 0


async def test_the_most_urgent_goes_first_then_the_oldest() -> None:
    (target,) = _targets(1)
    gate = _gate()
    await gate.enter([target], "chat")
    order: list[str] = []

    async def wait(name: str, kind: TrafficClass) -> None:
        await gate.enter([target], kind)
        order.append(name)

    asked: list[tuple[str, TrafficClass]] = [
        ("task 1", "task"),
        ("chat 1", "chat"),
        ("batch 1", "batch"),
        ("chat 2", "chat"),
        ("completion 1", "completion"),
        ("agent 1", "agent"),
    ]
    waiting = [asyncio.create_task(wait(name, kind)) for name, kind in asked]
    await _settle()
    assert gate.waiting_by_class() == {"completion": 1, "chat": 2, "agent": 1, "task": 1, "batch": 1}
    for _ in asked:
        gate.leave(target)
        await _settle()
    assert order == ["completion 1", "chat 1", "chat 2", "agent 1", "task 1", "batch 1"]
    assert all(task.done() for task in waiting)
    assert (gate.running, gate.waiting) == (1, 0)


async def test_patience_ends_in_a_refusal_with_retry_after() -> None:
    (target,) = _targets(1)
    gate = Gate(Admission(patience=Patience(task=0.05)))
    await gate.enter([target], "chat")
    with pytest.raises(Busy) as caught:
        await gate.enter([target], "task")
    assert caught.value.code == "queue_timeout"
    assert caught.value.retry_after
    assert gate.waiting == 0


async def test_a_full_queue_drops_the_least_urgent() -> None:
    (target,) = _targets(1)
    gate = _gate(max_waiting=2)
    await gate.enter([target], "chat")
    title = asyncio.create_task(gate.enter([target], "task"))
    chat = asyncio.create_task(gate.enter([target], "chat"))
    await _settle()
    with pytest.raises(Busy):
        await gate.enter([target], "task")
    completion = asyncio.create_task(gate.enter([target], "completion"))
    await _settle()
    with pytest.raises(Busy, match="more urgent"):
        await title
    gate.leave(target)
    assert await completion is target
    gate.leave(target)
    assert await chat is target


async def test_a_newcomer_does_not_overtake_those_who_wait() -> None:
    slow, other = _targets(1)[0], _targets(1, name="other")[0]
    gate = _gate(max_running=1)
    await gate.enter([slow], "chat")
    waiting = asyncio.create_task(gate.enter([slow], "chat"))
    await _settle()
    late = asyncio.create_task(gate.enter([other], "completion"))
    await _settle()
    gate.leave(slow)
    assert await late is other, "across models the class decides"
    gate.leave(other)
    assert await waiting is slow


async def test_a_reloaded_configuration_serves_those_who_wait() -> None:
    health: dict[str, Health] = {}
    (before,) = _targets(1)
    gate = _gate()
    await gate.enter([before], "chat")
    waiting = asyncio.create_task(gate.enter([before], "chat"))
    await _settle()
    assert before.health.running == 1
    gate.leave(before)
    assert await waiting is before
    assert not health


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(CLASSES), st.floats(0, 0.004), st.booleans()), min_size=1, max_size=60),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(0, 20),
)
def test_no_place_is_lost_and_no_limit_passed(
    requests: list[tuple[TrafficClass, float, bool]], places: int, deployments: int, max_waiting: int
) -> None:
    """Whatever comes, waits, leaves early or is refused: places come back, limits hold."""

    async def run() -> None:
        targets = _targets(*[places] * deployments)
        gate = Gate(Admission(max_waiting=max_waiting, patience=Patience(task=0.001, completion=0.002)))

        waits: list[float | None] = []

        async def request(kind: TrafficClass, seconds: float) -> None:
            try:
                target = await gate.enter(targets, kind)
            except Busy as busy:
                waits.append(busy.retry_after)
                return
            assert target.health.running <= places
            try:
                await asyncio.sleep(seconds)
            finally:
                gate.leave(target, seconds)

        running = []
        for kind, seconds, leaves in requests:
            task = asyncio.create_task(request(kind, seconds))
            running.append(task)
            if leaves:
                asyncio.get_running_loop().call_later(random.random() * 0.004, task.cancel)
            assert gate.waiting <= max_waiting
            await asyncio.sleep(0)
        await asyncio.gather(*running, return_exceptions=True)
        assert [task.exception() for task in running if not task.cancelled() and task.exception()] == []
        assert all(waits), "every refusal says when to come again"
        assert (gate.running, gate.waiting) == (0, 0)
        assert all(target.health.running == 0 for target in targets)

    asyncio.run(run())
