"""A person signs `sekisho` in with a real browser: from its address over the page that asks, and back to it."""

from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser

from install.client import asking
from install.client.signing_in import loopback
from install.client.signing_in.grants import Granted, read_server
from tests.console.test_browser import NARROW, axe, browser, entered, findings, opened
from tests.e2e.page import ARTEFACTS
from tests.fixtures.gateway import InProcess

__all__ = ["axe", "browser"]


def sign_in(url: str, addresses: Queue[str]) -> Granted | None:
    """Sign in as the command does; the address that a browser is to open is put into the queue."""

    def opening(address: str) -> bool:
        addresses.put(address)
        return True

    with asking.client(url) as http:
        return loopback.sign_in(http, read_server(http), lambda text: None, opening)


@pytest.mark.parametrize(("language", "allow"), [("en", "Allow"), ("ja", "許可する")])
def test_from_the_program_and_back(
    browser: Browser, company: InProcess, chat_key: str, axe: str, language: str, allow: str
) -> None:
    context, page, complaints = opened(browser, viewport=NARROW, color_scheme="dark", locale=f"{language}-XX"[:5])
    addresses: Queue[str] = Queue()
    with ThreadPoolExecutor(1) as pool:
        program = pool.submit(sign_in, company.url, addresses)
        entered(page, company, chat_key, f"taro-{language}@example.com", language=language)
        page.goto(addresses.get(timeout=60))
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
        found: list[Any] = findings(page, axe)
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / f"approve-{language}.png", full_page=True)
        page.get_by_role("button", name=allow, exact=True).click()
        page.get_by_text("You are signed in").wait_for()
        granted = program.result(timeout=60)
    assert granted
    me = httpx2.get(f"{company.url}/v1/me", headers={"authorization": f"Bearer {granted.key.reveal()}"}, timeout=30)
    assert me.json()["person"]["email"] == f"taro-{language}@example.com"
    assert (found, complaints) == ([], [])
    context.close()
