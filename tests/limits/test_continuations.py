"""What is kept for callers: theirs alone, bounded, renewed by reading, shared where there is a store."""

import pytest

from gateway.continuations.memory import MemoryContinuations
from gateway.continuations.store import LONGEST_KEY, LONGEST_VALUE_BYTES
from gateway.identity.caller import Caller
from gateway.identity.keys import Key
from gateway.identity.person import Person
from gateway.identity.policy import Policy
from tests.limits.conftest import RedisServer


def caller(key: str, user: str | None = None) -> Caller:
    made = Key(key, "", key, None, None, None, 0, None, Policy())
    return Caller(made, Person(user_id=user))


async def test_nobody_finds_what_is_anothers() -> None:
    store = MemoryContinuations()
    await store.put(caller("k1", "taro"), {"a": b"1"})
    assert await store.get(caller("k1", "taro"), ["a", "b"]) == {"a": b"1"}
    for other in (caller("k1"), caller("k1", "hanako"), caller("k2", "taro"), caller("k1\0taro")):
        assert await store.get(other, ["a"]) == {}
    await store.delete(caller("k1", "hanako"), "a")
    assert await store.get(caller("k1", "taro"), ["a"]) == {"a": b"1"}
    await store.delete(caller("k1", "taro"), "a")
    assert await store.get(caller("k1", "taro"), ["a"]) == {}


async def test_it_is_bounded() -> None:
    store, me = MemoryContinuations(most_bytes=100_000), caller("k")
    for number in range(200):
        await store.put(me, {f"key{number}": b"x" * 1000})
    found = await store.get(me, [f"key{number}" for number in range(200)])
    assert 50 < len(found) < 100
    assert "key199" in found
    await store.put(me, {"large": b"x" * 90_000, "x" * (LONGEST_KEY + 1): b"1"})
    assert await store.get(me, ["large", "x" * (LONGEST_KEY + 1)]) == {}


@pytest.mark.parametrize("away", [False, True])
async def test_it_is_shared_and_lives_without_the_shared_store(shared_redis: RedisServer, away: bool) -> None:
    from gateway.continuations.shared import SharedContinuations

    url = "redis://127.0.0.1:1" if away else shared_redis.url
    here, there = SharedContinuations(url), SharedContinuations(url)
    try:
        await here.put(caller("k", "taro"), {"a": b"1", "large": b"x" * (LONGEST_VALUE_BYTES + 1)})
        assert await here.get(caller("k", "taro"), ["a", "large"]) == {"a": b"1"}
        assert await there.get(caller("k", "taro"), ["a"]) == ({} if away else {"a": b"1"})
        assert await there.get(caller("k"), ["a"]) == {}
        await there.delete(caller("k", "taro"), "a")
    finally:
        await here.stop()
        await there.stop()
