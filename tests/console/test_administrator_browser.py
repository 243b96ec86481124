"""The administrator's pages in a real browser: who spent most yesterday in two clicks; readable everywhere."""

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from gateway.ledger.record import Record
from tests.bench.month import write_segments
from tests.console.company import PRICE, make_key
from tests.console.test_browser import NARROW, WIDE, axe, browser, entered, findings, opened
from tests.e2e.page import ARTEFACTS
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ENVIRONMENT, InProcess, deployment, in_process, model

__all__ = ["axe", "browser"]

BOSS = "boss@example.com"
PAGES = ("overview", "spend", "people", "access", "live", "cache", "state", "audit")
_DAY = 86_400 * 10**6


@pytest.fixture(scope="module")
def busy(upstream: tuple[FakeUpstream, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """A company with two months of use; yesterday Jirō spent most."""
    config = {
        "admin_key": "${ADMIN_KEY}",
        "open_webui": {"identity_secret": "${SEKISHO_IDENTITY_SECRET}"},
        "console": {"administrators": [BOSS]},
        "models": [
            model("gone-m", deployment("http://127.0.0.1:9")),
            *(
                model(name, deployment(upstream[1]), price={**PRICE, "cached_input": 0.3})
                for name in ("dear-m", "fast-m")
            ),
        ],
    }
    folder = tmp_path_factory.mktemp("busy")
    write_segments(folder / "data", _records(), segment_seconds=86_400)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with in_process(folder, config) as served:
            for number in range(12):
                make_key(served, f"laptop-{number}", owner=f"person{number}@example.com", team="research")
            yield served


def _records() -> Iterator[Record]:
    drawn, today = random.Random(7), int(time.time()) // 86_400 * 86_400 * 10**6
    for day in range(60, -1, -1):
        for number in range(40):
            who = number % 12
            rate = 0.8 if day > 20 else 0.2
            yield Record(
                request_id=f"r{day}-{number}",
                started_at=today - day * _DAY + number * 60 * 10**6,
                api="messages",
                model=drawn.choice(("dear-m", "fast-m")),
                deployment="dear-m/1",
                provider="openai-compatible",
                outcome="ok" if number % 20 else "error",
                status=200,
                team=("research", "sales", "開発部")[who % 3],
                user_email="jiro@example.com" if day < 2 and who < 4 else f"person{who}@example.com",
                client=("claude-code", "open-webui", "codex")[who % 3],
                input_tokens=20_000,
                cached_input_tokens=int(20_000 * rate),
                output_tokens=900,
                cost_nano_usd=drawn.randrange(10**7, 10**8) * (20 if day < 2 and who < 4 else 1),
                queue_ms=drawn.choice((0, 0, 40)),
                first_token_ms=drawn.randrange(200, 3000),
                duration_ms=9000,
            )


@pytest.fixture(scope="module")
def busy_key(busy: InProcess) -> str:
    return make_key(busy, "chat", identity="open-webui")


def test_who_spent_most_yesterday_is_two_clicks_away(browser: Browser, busy: InProcess, busy_key: str) -> None:
    context, page, complaints = opened(browser, viewport=WIDE, locale="en-US")
    entered(page, busy, busy_key, BOSS, role="admin")
    page.goto(f"{busy.url}/console/overview")
    page.get_by_role("link", name="Spend", exact=True).click()
    page.get_by_role("link", name="Yesterday", exact=True).click()
    page.wait_for_url("**period=yesterday**")

    assert page.locator("tbody tr").first.inner_text().startswith("jiro@example.com")
    page.locator("tbody tr").first.get_by_role("link").first.click()
    assert page.get_by_text("jiro@example.com").first.is_visible()
    assert complaints == []
    context.close()


def test_the_live_page_renews_itself(browser: Browser, busy: InProcess, busy_key: str) -> None:
    context, page, complaints = opened(browser, viewport=WIDE, locale="en-US")
    entered(page, busy, busy_key, BOSS, role="admin")
    page.goto(f"{busy.url}/console/live")
    assert page.get_by_text("left out").count() == 0
    body = {"model": "gone-m", "messages": [{"role": "user", "content": "hi"}]}
    assert busy.post("/v1/chat/completions", json=body).status_code >= 500
    page.get_by_text("left out").first.wait_for()
    assert complaints == []
    context.close()


@pytest.mark.parametrize(("language", "scheme"), [("ja", "light"), ("en", "dark")])
def test_pages_are_readable(
    browser: Browser,
    busy: InProcess,
    busy_key: str,
    axe: str,
    language: str,
    scheme: Any,
) -> None:
    context, page, complaints = opened(browser, viewport=NARROW, color_scheme=scheme, locale=f"{language}-XX"[:5])
    ARTEFACTS.mkdir(exist_ok=True)
    entered(page, busy, busy_key, BOSS, role="admin", language=language, timezone="Asia/Tokyo")
    found: list[str] = []
    for name in PAGES:
        page.goto(f"{busy.url}/console/{name}")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= NARROW["width"], f"{name} is wider than a phone: {wide}"
        found += findings(page, axe)
        for size, viewport in (("narrow", NARROW), ("wide", WIDE)):
            page.set_viewport_size(viewport)  # type: ignore[arg-type]
            page.screenshot(
                path=ARTEFACTS / f"console-admin-{name}-{language}-{scheme}-{size}.png",
                full_page=True,
                animations="disabled",
            )
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    assert found == []
    assert complaints == []
    context.close()
