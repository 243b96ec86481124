"""Two gateways with one database share links, sessions and what ends them."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest

from tests.console.person import Browser, signed
from tests.fixtures.gateway import GatewayProcess

SESSION = "sekisho-session"
KEY_SECRET = "key-secret-of-the-tests-0123456789abcdef"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GatewayProcess, GatewayProcess]]:
    shared = tmp_path_factory.mktemp("shared") / "keys.db"
    config: dict[str, Any] = {
        "database": f"sqlite+aiosqlite:///{shared}",
        "key_secret": KEY_SECRET,
        "admin_key": "${ADMIN_KEY}",
        "open_webui": {"identity_secret": "${SEKISHO_IDENTITY_SECRET}"},
        "own_keys": {"most": 3},
        "models": [],
    }
    with ExitStack() as stack:
        first, second = (GatewayProcess(tmp_path_factory.mktemp(name), config) for name in ("first", "second"))
        for each in (first, second):
            each.start()
            stack.callback(each.stop)
        yield first, second


def test_a_link_of_one_is_used_at_the_other_once(pair: tuple[GatewayProcess, GatewayProcess]) -> None:
    first, second = pair
    key = first.key("chat", "--identity", "open-webui")
    headers = {"authorization": f"Bearer {key}", "x-openwebui-user-jwt": signed(sub="u", email="a@example.com")}
    link = httpx2.post(f"{first.url}/v1/me/console-link", headers=headers, timeout=30).json()["url"]
    path = link.removeprefix(first.url)
    here, there = Browser(first.url), Browser(second.url)
    page = here.get(path)
    entered = there.submit(there.get(path))
    assert entered.status_code == 303
    assert here.submit(page).status_code == 410, "used at the other"

    session = there.http.cookies[SESSION]
    here.http.cookies.clear()
    here.http.cookies.set(SESSION, session)
    account = here.get("/console/account")
    assert account.status_code == 200, "signed in at both"
    made = here.submit(here.get("/console/keys"), "/console/keys", alias="laptop")
    assert "sk-" in there.follow(made).text, "what one made the other shows"
    here.submit(account, "/console/sign-out", everywhere="1")
    assert there.get("/console/account").status_code == 303, "signed out at both"


def test_guesses_at_both_count_together(pair: tuple[GatewayProcess, GatewayProcess]) -> None:
    statuses = [Browser(pair[count % 2].url).with_admin_key("guess").status_code for count in range(11)]
    assert statuses == [401] * 10 + [429]
