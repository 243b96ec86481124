"""Two gateway processes with one database: a sign-in goes on at whichever a program or a browser meets."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.oauth.conftest import ALICE, Company, refused, running

Two = tuple[Company, Company]


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    async with running(tmp_path) as first, running(tmp_path) as second:
        yield first, second


async def test_begun_here_approved_there(two: Two) -> None:
    first, second = two
    begun = await first.begin()
    assert await second.devices.decide(begun["user_code"], ALICE, None, True)
    polled = await asyncio.gather(first.poll(begun["device_code"]), second.poll(begun["device_code"]))
    assert sorted(answer.status_code for answer in polled) == [200, 400], "one of two polls at once gets the key"
    (key,) = [answer.json()["access_token"] for answer in polled if answer.status_code == 200]
    assert await first.works(key)
    assert await second.works(key)


async def test_made_here_renewed_there_at_once(two: Two) -> None:
    first, second = two
    granted = await first.signed_in()
    form = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
    renewed = await asyncio.gather(*(each.post("/oauth/token", **form) for each in (second, first, second)))
    assert {answer.status_code for answer in renewed} == {200}
    assert len({answer.json()["access_token"] for answer in renewed}) == 1, "renewed once"


async def test_a_code_that_was_used_here_ends_the_key_there(two: Two) -> None:
    first, second = two
    code = await first.code()
    granted = (await first.redeem(code)).json()
    assert refused(await second.redeem(code)) == (400, "invalid_grant")
    assert not await second.works(granted["access_token"])
    await first.runtime.keys.refresh()
    assert not await first.works(granted["access_token"])


async def test_guesses_are_counted_together(two: Two) -> None:
    first, second = two
    begun = await first.begin()
    for number in range(10):
        await (first, second)[number % 2].devices.find("BBBBBBBB", "person:mallory")
    for each in two:
        with pytest.raises(Exception, match="Too many wrong codes"):
            await each.devices.find(begun["user_code"], "person:mallory")
