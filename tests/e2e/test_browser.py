"""The Full text switch as people meet it: in a real browser, in Japanese and in English."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Locator, expect, sync_playwright

from tests.e2e.documents import Document, plain
from tests.e2e.page import ENGLISH, JAPANESE, PATIENCE_MS, Language, opened
from tests.e2e.stack import SMALL_MODEL, Person, Stack, until
from tests.e2e.upstream import ANSWER, FIRST_HALF, SECOND_HALF

pytestmark = pytest.mark.needs_browser

CHROMIUM = Path("/usr/bin/chromium")
READABLE_PIXELS = 9
"""Height of a line of text."""
SILENT = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is missing: run `apt-get install chromium fonts-noto-cjk` as root")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SILENT)
        yield browser
        browser.close()


@pytest.mark.parametrize("language", [JAPANESE, ENGLISH], ids=["ja", "en"])
def test_switching_full_text_on_and_off(
    stack: Stack, hanako: Person, rules_pdf: Document, browser: Browser, language: Language
) -> None:
    with opened(browser, language) as chat:
        chat.sign_in(hanako)
        with chat.integrations():
            expect(chat.switch).to_have_attribute("aria-checked", "false")
            chat.switch.click()
            expect(chat.switch).to_have_attribute("aria-checked", "true")
            chat.shoot("menu")
        expect(chat.chip).to_be_visible()
        with chat.settings() as dialog:
            expect(dialog).to_contain_text(language.default)
            chat.shoot("settings")

        chat.upload(rules_pdf)
        with stack.upstream.paused():
            chat.send("全章の要点は? Summarise it all.")
            expect(chat.answers.last).to_contain_text(FIRST_HALF)
            expect(chat.answers.last).not_to_contain_text(SECOND_HALF)
            expect(chat.status_line).to_contain_text(language.status)
            chat.shoot("answering")
        expect(chat.answers.last).to_contain_text(ANSWER)

        expect(chat.status_line).to_contain_text(language.status)
        expect(chat.status_line).to_be_visible()
        chat.shoot("answered")
        assert missing(rules_pdf, stack) == []

        chat.switch_off()
        chat.send("日当はいくら? And the travel allowance?")
        expect(chat.answers).to_have_count(2)
        expect(chat.answers.last).to_contain_text(ANSWER)
        chat.shoot("searched")
        expect(chat.open_statuses().filter(has_text=language.status)).to_have_count(0)
        assert 0 < len(missing(rules_pdf, stack)) < len(rules_pdf.markers)


@pytest.mark.parametrize("language", [JAPANESE, ENGLISH], ids=["ja", "en"])
def test_what_an_answer_costs_and_the_month(stack: Stack, hanako: Person, browser: Browser, language: Language) -> None:
    with opened(browser, language) as chat:
        chat.sign_in(hanako)
        chat.switch_on(language.full_text)
        chat.switch_on(language.usage_line)
        chat.upload(plain("memo.txt", "短い覚え書き。 A short memo."))
        chat.send("いくらですか。 What does it cost?")
        expect(chat.answers.last).to_contain_text(ANSWER)
        expect(chat.status_line).to_contain_text(language.month)
        expect(chat.status_line).to_contain_text(language.status)
        chat.shoot("cost")
        chart = chat.press(language.my_usage)
        expect(chart.content_frame.locator("main")).to_contain_text(language.budget)
        expect(chart.content_frame.locator("svg rect").first).to_be_visible()
        until(
            lambda: height(chart) >= height(chart.content_frame.locator("main")) > 100, "the frame cuts the chart off"
        )
        expect(chart).to_be_in_viewport()
        chat.shoot("my-usage")
        chat.page.set_viewport_size({"width": 390, "height": 844})
        expect(chart).to_be_visible()
        for text in chart.content_frame.locator("svg text, td, p").all():
            assert height(text) >= READABLE_PIXELS, "too small on a phone"
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert chart.content_frame.locator("main").evaluate(f"() => {wide}") <= 0, "wider than a phone"
        chart.scroll_into_view_if_needed()
        chat.shoot("my-usage-phone")


@pytest.mark.parametrize("language", [JAPANESE, ENGLISH], ids=["ja", "en"])
def test_what_is_too_long_is_stopped_with_a_sentence(
    stack: Stack, hanako: Person, browser: Browser, language: Language
) -> None:
    with opened(browser, language) as chat:
        chat.sign_in(hanako)
        chat.open_model(stack.open_webui.url, SMALL_MODEL)
        chat.send("要約してください。 " + "予算と納期。" * 3000)
        expect(chat.answers.last).to_contain_text(language.stopped)
        chat.answers.last.scroll_into_view_if_needed()
        chat.shoot("stopped")


@pytest.mark.parametrize("language", [JAPANESE, ENGLISH], ids=["ja", "en"])
def test_from_a_chat_to_a_key_for_claude_code(
    stack: Stack, hanako: Person, browser: Browser, language: Language
) -> None:
    """Seven steps, none of an administrator: button, dialog, sign-in, tools, Claude Code, key, its use."""
    with opened(browser, language) as chat:
        chat.sign_in(hanako)
        chat.send("キーがほしいです。 I would like a key.")
        expect(chat.answers.last).to_contain_text(ANSWER)
        page = chat.open_my_page()
        page.get_by_role("button").first.click()
        page.wait_for_url("**/console")
        expect(page.locator("html")).to_have_attribute("lang", language.locale[:2])
        expect(page.locator("header")).to_contain_text(hanako.name)
        page.locator('nav a[href="/console/tools"]').click()
        page.get_by_role("link", name="Claude Code").click()
        page.locator("form[data-once] button").click()
        page.wait_for_url("**done=*")
        key = page.locator("#new-key").inner_text()
        settings = json.loads(page.locator("#file-1").inner_text())["env"]
        assert settings["ANTHROPIC_AUTH_TOKEN"] == key
        said = {"model": settings["ANTHROPIC_DEFAULT_SONNET_MODEL"], "messages": [{"role": "user", "content": "hi"}]}
        headers = {"authorization": f"Bearer {key}"}
        asked = httpx2.post(f"{settings['ANTHROPIC_BASE_URL']}/v1/chat/completions", headers=headers, json=said)
        assert asked.status_code == 200, asked.text
        record = stack.gateway.record(asked.headers["x-sekisho-request-id"])
        assert record.user_email == hanako.email


def height(element: Locator) -> float:
    box = element.bounding_box()
    return box["height"] if box else 0.0


def missing(document: Document, stack: Stack) -> list[str]:
    """What the model did not get to read for its last answer."""
    prompt = stack.upstream.chats[-1].prompt
    return [marker for marker in document.markers if marker not in prompt]
