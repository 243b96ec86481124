"""Access tokens of Google Cloud: renewed early, once for all, and kept while they last."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import CredentialsMissing
from gateway.providers.google_auth import GoogleSource
from gateway.providers.tokens import EARLY_SECONDS
from tests.fakes.google import Google
from tests.fakes.serving import serving


class Clock:
    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture(scope="module")
def google() -> Google:
    return Google(lambda results: [])


@pytest.fixture
def account(google: Google, tmp_path: Path) -> Iterator[Path]:
    google.tokens.clear()
    google.lives = 3600
    with serving(google) as address:
        file = tmp_path / "account.json"
        file.write_text(json.dumps(google.service_account(address)))
        yield file


async def test_a_token_is_renewed_early_and_once_for_all(google: Google, account: Path) -> None:
    """Nobody waits for the new one while the old one holds."""
    clock = Clock()
    source = GoogleSource(account, clock=clock)
    assert set(await asyncio.gather(*(source.token() for _ in range(20)))) == {google.tokens[0]}
    clock.ahead = 3600 - EARLY_SECONDS - 30
    assert await source.token() == google.tokens[0]
    clock.ahead = 3600 - EARLY_SECONDS + 5
    assert set(await asyncio.gather(*(source.token() for _ in range(20)))) == {google.tokens[0]}
    assert source._renewing
    await source._renewing
    assert set(await asyncio.gather(*(source.token() for _ in range(20)))) == {google.tokens[1]}
    assert (len(google.tokens), set(source.secrets)) == (2, set(google.tokens))


async def test_one_that_cannot_be_renewed_is_used_while_it_lasts(
    google: Google, account: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    source = GoogleSource(account, clock=clock)
    first = await source.token()
    google.lives = -1  # no token any more
    clock.ahead = 3600 - EARLY_SECONDS + 5
    assert await source.token() == first
    assert await asyncio.to_thread(source.problem) is None
    clock.ahead = 3600
    for _ in range(3):  # the second time without a new attempt
        with pytest.raises(CredentialsMissing) as missing:
            await source.token()
    assert missing.value.status == 503
    assert caplog.text.count(f"credentials_file {account}") == 2
    google.lives = 9000
    clock.ahead += 11
    assert await source.token() == google.tokens[-1]


async def test_a_caller_that_leaves_ends_nobody_elses_wait(google: Google, account: Path) -> None:
    source = GoogleSource(account)
    waiting = [asyncio.create_task(source.token()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [google.tokens[0]] * 2


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"type": "service_account"}', '{"type": 1}', "\0", "{" * 9999])
def test_any_file_is_read_or_refused_in_words(content: str, tmp_path: Path) -> None:
    file = tmp_path / "odd.json"
    file.write_text(content)
    told = GoogleSource(file).problem() or ""
    assert (f"credentials_file {file}" in told, "no credentials can be had" in told) == (True, True)


def test_a_secret_is_not_told(google: Google, account: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = json.loads(account.read_text())
    content["private_key"] = content["private_key"].replace("BEGIN", "BEGUN")
    account.write_text(json.dumps(content))
    body = content["private_key"].split("\n")[1]
    told = GoogleSource(account).problem()
    assert told
    assert body not in told + caplog.text


def test_a_file_that_is_replaced_is_read_again(google: Google, account: Path) -> None:
    clock = Clock()
    source, content = GoogleSource(account, clock=clock), account.read_text()
    account.write_text("{}")
    assert source.problem()
    account.write_text(content)
    assert source.problem()  # not tried again at once
    clock.ahead = 11
    assert source.problem() is None
    assert len(google.tokens) == 1
