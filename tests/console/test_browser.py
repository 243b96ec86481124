"""The console in a real browser: both languages, both themes, wide and narrow; by keyboard; judged by axe."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.coding_tools import tools
from tests.console.company import ask_link, make_key
from tests.e2e.page import ARTEFACTS
from tests.fixtures.gateway import ADMIN_KEY, InProcess

CHROMIUM = Path("/usr/bin/chromium")
SILENT = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
FOLDER = Path(__file__).parent
AXE = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PERSON = ("", "/models", "/keys", "/tools", "/tools/claude-code", "/try", "/account")
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}}
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is missing: run `apt-get install chromium fonts-noto-cjk` as root")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=SILENT)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def axe() -> str:
    """Return axe-core's source."""
    problem = None if AXE.exists() else tools.install(FOLDER)
    if problem or not AXE.exists():
        pytest.skip(f"axe-core is missing; to mend it: cd tests/console && {' '.join(tools.INSTALL)} ({problem})")
    return AXE.read_text()


@pytest.fixture(scope="module")
def used(company: InProcess) -> str:
    """Somebody who has a budget and used something."""
    mail = "hanako@example.com"
    key = make_key(company, "hanakos", owner=mail, purpose="Claude Code")
    admin = {"authorization": f"Bearer {ADMIN_KEY}"}
    budget = {"nano_usd": 250_000_000, "window": "month", "hard": True}
    httpx2.put(f"{company.url}/admin/budgets/person:{mail}", headers=admin, json=budget).raise_for_status()
    for model in ("dear-m", "dear-m", "free-m"):
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
        headers = {"authorization": f"Bearer {key}", "user-agent": "claude-cli/2.1"}
        httpx2.post(f"{company.url}/v1/chat/completions", headers=headers, json=body).raise_for_status()
    return mail


def opened(browser: Browser, **options: Any) -> tuple[BrowserContext, Page, list[str]]:
    """Return a page, and what its console complains of."""
    context = browser.new_context(**options)
    context.set_default_timeout(60_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return context, page, complaints


def entered(page: Page, company: InProcess, chat_key: str, mail: str, **claims: Any) -> None:
    link = ask_link(company, chat_key, sub=f"id-{mail}", email=mail, **claims).json()["url"]
    page.goto(link)
    page.get_by_role("button").first.click()
    page.wait_for_url("**/console")


def findings(page: Page, axe: str) -> list[str]:
    """Return what axe finds serious; it runs beside the page's policy, which allows no script of others."""
    page.evaluate(axe)
    found = page.evaluate("rules => axe.run(document, rules)", RULES)
    return [
        f"{page.url} {each['id']}: {json.dumps([node['target'] for node in each['nodes'][:3]])}"
        for each in found["violations"]
        if each["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_readable(
    browser: Browser, company: InProcess, chat_key: str, used: str, axe: str, language: str, scheme: Any
) -> None:
    context, page, complaints = opened(browser, viewport=NARROW, color_scheme=scheme, locale=f"{language}-XX"[:5])
    ARTEFACTS.mkdir(exist_ok=True)
    page.goto(f"{company.url}/console/sign-in?lang={language}")
    found = findings(page, axe)
    page.screenshot(path=ARTEFACTS / f"console-sign-in-{language}-{scheme}.png", full_page=True)
    name = "山田 花子" if language == "ja" else "Hanako Yamada"
    entered(page, company, chat_key, used, name=name, language=language, timezone="Asia/Tokyo")
    for path in PERSON:
        page.goto(f"{company.url}/console{path}")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= NARROW["width"], f"{path} is wider than a phone: {wide}"
        found += findings(page, axe)
        for size, viewport in (("narrow", NARROW), ("wide", WIDE)):
            page.set_viewport_size(viewport)  # type: ignore[arg-type]
            shot = f"console{path.replace('/', '-')}-{language}-{scheme}-{size}.png"
            page.screenshot(path=ARTEFACTS / shot, full_page=True, animations="disabled")
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    assert found == []
    assert complaints == []
    context.close()


def test_a_key_is_made_and_copied_by_keyboard_alone(browser: Browser, company: InProcess, chat_key: str) -> None:
    context, page, complaints = opened(browser, viewport=WIDE, locale="en-US")
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=company.url)
    entered(page, company, chat_key, "keyboard@example.com")
    page.goto(f"{company.url}/console/tools/claude-code")
    page.get_by_role("button", name="Make a key for Claude Code").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**done=*")
    page.locator("button[data-copy=new-key]").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Copied", exact=True).wait_for()
    key = page.evaluate("navigator.clipboard.readText()")
    assert key.startswith("sk-")
    assert key in page.locator("#file-1").inner_text()
    body = {"model": "dear-m", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
    answer = httpx2.post(f"{company.url}/v1/messages", headers={"x-api-key": key}, json=body)
    assert answer.status_code == 200, "the key works as Claude Code uses it"
    assert complaints == []
    context.close()


def test_a_double_click_makes_one_key_and_shows_it(browser: Browser, company: InProcess, chat_key: str) -> None:
    for scripts in (True, False):
        context, page, _ = opened(browser, viewport=WIDE, locale="en-US", java_script_enabled=scripts)
        mail = f"double-{scripts}@example.com".lower()
        entered(page, company, chat_key, mail)
        page.goto(f"{company.url}/console/keys")
        page.get_by_label("Name").fill("laptop")
        page.get_by_role("button", name="Make a key").dblclick()
        page.wait_for_url("**done=*")
        assert page.locator("#new-key").inner_text().startswith("sk-")
        assert page.locator("tbody tr").count() == 1
        context.close()


def test_the_theme_and_the_language_are_switched_without_scripts(browser: Browser, company: InProcess) -> None:
    context, page, _ = opened(browser, viewport=NARROW, locale="en-US", java_script_enabled=False)
    page.goto(f"{company.url}/console/sign-in")
    page.get_by_role("link", name="日本語").click()
    page.get_by_role("heading", name="サインイン").first.wait_for()
    page.get_by_role("link", name="ダーク").click()
    page.goto(f"{company.url}/console/sign-in")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.locator("html").get_attribute("lang") == "ja"
    context.close()


def test_nothing_of_others_frames_a_page_or_runs_in_it(browser: Browser, company: InProcess) -> None:
    context, page, complaints = opened(browser, viewport=WIDE)
    page.set_content(f'<iframe src="{company.url}/console/sign-in"></iframe>')
    page.frame_locator("iframe").locator("body").wait_for(state="attached")
    assert page.frame_locator("iframe").locator("form").count() == 0
    page.goto(f"{company.url}/console/sign-in")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in each for each in complaints)
    context.close()
