"""A company with a console, in this process, and people with browsers."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.console.person import Browser, signed
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ADMIN_KEY, ENVIRONMENT, InProcess, deployment, in_process, model

ENDS = datetime.now(UTC).date() + timedelta(days=40)
"""The day on which `old-m` ends."""
PRICE = {"input": 3, "output": 15}
CONFIG: dict[str, Any] = {
    "admin_key": "${ADMIN_KEY}",
    "open_webui": {"identity_secret": "${SEKISHO_IDENTITY_SECRET}"},
    "own_keys": {"most": 5, "longest_days": 30},
    "console": {
        "administrators": ["boss@example.com"],
        "team_leads": {"research": ["lead@example.com"], "Ｗide  Team": ["wide@example.com"]},
    },
}


@pytest.fixture(scope="session")
def company(upstream: tuple[FakeUpstream, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    models = [
        model("dear-m", deployment(upstream[1]), price=PRICE, context_window=8192, description="For the tests"),
        model("free-m", deployment(upstream[1])),
        model("old-m", deployment(upstream[1]), end_of_life=f"{ENDS}", successor="dear-m"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        # The process that reads the ledger reads the configuration, too.
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with in_process(tmp_path_factory.mktemp("company"), {**CONFIG, "models": models}) as served:
            yield served


@pytest.fixture(scope="session")
def chat_key(company: InProcess) -> str:
    """The key of the company's Open WebUI."""
    return make_key(company, "chat", identity="open-webui")


def make_key(company: InProcess, alias: str, **more: Any) -> str:
    """Make a key as an administrator does."""
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    made = httpx2.post(f"{company.url}/admin/keys", headers=headers, json={"alias": alias, **more}, timeout=60)
    assert made.status_code == 200, made.text
    return str(made.json()["key"])


def ask_link(company: InProcess, key: str, **claims: Any) -> httpx2.Response:
    """Ask for a one-time link as the pack's action does."""
    headers = {"authorization": f"Bearer {key}", "x-openwebui-user-jwt": signed(**claims)}
    return httpx2.post(f"{company.url}/v1/me/console-link", headers=headers, timeout=60)


SignIn = Callable[..., Browser]


@pytest.fixture(scope="session")
def sign_in(company: InProcess, chat_key: str) -> SignIn:
    """Signs somebody in from Open WebUI."""

    def signing(mail: str = "alice@example.com", language: str = "en", **claims: Any) -> Browser:
        browser = Browser(company.url, **{"accept-language": language})
        role = "admin" if mail in CONFIG["console"]["administrators"] else "user"
        given = {"sub": f"id-{mail}", "role": role, **claims}
        link = ask_link(company, chat_key, email=mail, **given)
        entered = browser.enter(link.json()["url"])
        assert entered.status_code == 303, entered.text
        return browser

    return signing
