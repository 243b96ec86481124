"""Access tokens of Google Cloud: renewed early, once for all, and kept while they last."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import CredentialsMissing
from gateway.providers.google_auth import EARLY_SECONDS, TokenSource, credentials_problem
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
    clock = Clock()
    source = TokenSource(account, clock)
    assert set(await asyncio.gather(*(source.token() for _ in range(20)))) == {google.tokens[0]}
    clock.ahead = 3600 - EARLY_SECONDS - 30
    assert await source.token() == google.tokens[0]
    clock.ahead = 3600 - EARLY_SECONDS + 5
    assert set(await asyncio.gather(*(source.token() for _ in range(20)))) == {google.tokens[1]}
    assert len(google.tokens) == 2


async def test_one_that_cannot_be_renewed_is_used_while_it_lasts(google: Google, account: Path) -> None:
    clock = Clock()
    source = TokenSource(account, clock)
    first = await source.token()
    google.lives = -1  # no token any more
    clock.ahead = 3600 - EARLY_SECONDS + 5
    assert await source.token() == first
    clock.ahead = 3600
    with pytest.raises(CredentialsMissing) as missing:
        await source.token()
    assert missing.value.status == 503
    google.lives = 3600
    assert await source.token() == google.tokens[-1]


async def test_a_caller_that_leaves_ends_nobody_elses_wait(google: Google, account: Path) -> None:
    source = TokenSource(account)
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
    assert "no credentials of Google Cloud" in credentials_problem(file)
    with pytest.raises(CredentialsMissing):
        TokenSource(file).renew()


def test_a_secret_is_not_told(google: Google, account: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = json.loads(account.read_text())
    content["private_key"] = content["private_key"].replace("BEGIN", "BEGUN")
    account.write_text(json.dumps(content))
    with pytest.raises(CredentialsMissing):
        TokenSource(account).renew()
    body = content["private_key"].split("\n")[1]
    assert body not in caplog.text
    assert body not in credentials_problem(account)


def test_a_file_that_is_replaced_is_read_again(google: Google, account: Path) -> None:
    source, content = TokenSource(account), account.read_text()
    account.write_text("{}")
    with pytest.raises(CredentialsMissing):
        source.renew()
    account.write_text(content)
    source.renew()
    assert len(google.tokens) == 1
