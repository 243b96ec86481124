"""Open WebUI's page as a person uses it; found by ids and names, as its class names change with every release."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.e2e.documents import Document
from tests.e2e.stack import Person

ARTEFACTS = Path(__file__).parents[2] / "test-artefacts"
PATIENCE_MS = 120_000
DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}


@dataclass(frozen=True)
class Language:
    locale: str
    full_text: str
    """The filter's name."""
    status: str
    """How its status line begins."""
    default: str
    """What its settings do with files unless somebody chooses."""
    usage_line: str
    my_usage: str
    my_page: str
    month: str
    """How the usage line tells it."""
    budget: str
    """A heading of the chart."""
    stopped: str
    """How the sentence begins in place of an answer."""


JAPANESE = Language(
    locale="ja-JP",
    full_text="全文",
    status="全文: 1件、",
    default="モデルに収まるときは全文",
    usage_line="利用料金の表示",
    my_usage="自分の利用状況",
    my_page="マイページ",
    month="今月 $",
    budget="入力トークン",
    stopped="送信しませんでした",
)
ENGLISH = Language(
    locale="en-US",
    full_text="Full text",
    status="1 file, ",
    default="The whole text if the model has room for it",
    usage_line="Usage line",
    my_usage="My usage",
    my_page="My page",
    month="this month $",
    budget="Tokens read",
    stopped="Not sent: ",
)


class ChatPage:
    """Somebody's browser after sign-in."""

    def __init__(self, page: Page, language: Language) -> None:
        self.page, self.language = page, language
        self.composer = page.locator("#message-input-container")
        self.chip = self.composer.get_by_role("button", name=language.full_text)
        self.switch = page.get_by_role("menuitemcheckbox", name=language.full_text)
        self.answers = page.locator(".chat-assistant")
        self.statuses = self.answers.last.locator(".status-description")
        self.status_history = self.answers.last.locator(
            "button[aria-expanded]", has=page.locator(".status-description")
        )

    def sign_in(self, person: Person) -> None:
        self.page.goto(person.server.url)
        self.page.locator("input[type=email]").fill(person.email)
        self.page.locator("input[type=password]").fill(person.password)
        self.page.locator("input[type=password]").press("Enter")
        expect(self.page.locator("#chat-input")).to_be_visible()
        greeting = self.page.locator("[data-sonner-toast]")
        greeting.locator("[data-close-button]").click()
        expect(greeting).to_have_count(0)

    @contextmanager
    def integrations(self) -> Iterator[None]:
        """The menu next to the plus sign."""
        self.page.locator("#integration-menu-button").click()
        expect(self.page.get_by_role("menu")).to_be_visible()
        yield
        self.page.keyboard.press("Escape")
        expect(self.page.get_by_role("menu")).to_have_count(0)

    def switch_on(self, name: str) -> None:
        with self.integrations():
            self.page.get_by_role("menuitemcheckbox", name=name).click()
        expect(self.composer.get_by_role("button", name=name)).to_be_visible()

    def press(self, action: str) -> Locator:
        """A button below the last answer; gives the frame that it embeds."""
        self.page.get_by_role("button", name=action).last.click()
        return self.page.locator("iframe").last

    def open_my_page(self) -> Page:
        """The button below the last answer, and its dialog; gives the tab that opens."""
        self.page.get_by_role("button", name=self.language.my_page).last.click()
        dialog = self.page.get_by_role("dialog")
        expect(dialog.get_by_role("link")).to_have_attribute("href", re.compile(r"/console/enter/"))
        self.page.screenshot(path=ARTEFACTS / f"my-page-{self.language.locale[:2]}.png", animations="disabled")
        with self.page.context.expect_page() as opening:
            dialog.get_by_role("button").last.click()
        return opening.value

    def open_model(self, url: str, model: str) -> None:
        """A new chat with this model."""
        self.page.goto(f"{url}/?models={model}")
        expect(self.page.locator("#chat-input")).to_be_visible()

    @contextmanager
    def settings(self) -> Iterator[Locator]:
        """The filter's, as the person set them."""
        self.chip.click()
        dialog = self.page.get_by_role("dialog")
        yield dialog
        self.page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)

    def switch_off(self) -> None:
        """By the chip's cross, there while the mouse is over it; elsewhere the chip opens its settings."""
        self.chip.hover()
        self.chip.locator("svg").click()
        expect(self.chip).to_have_count(0)

    def upload(self, document: Document) -> None:
        file = {"name": document.name, "mimeType": document.content_type, "buffer": document.content}
        self.page.locator("input[type=file][multiple]").set_input_files(file)  # type: ignore[arg-type]
        item = self.composer.get_by_role("button", name=document.name)
        expect(item).to_be_visible()
        expect(item.locator("[class^=spinner]")).to_have_count(0)

    def send(self, question: str) -> None:
        self.page.locator("#chat-input").click()
        self.page.keyboard.insert_text(question)
        self.page.locator("#send-message-button").click()

    @property
    def status_line(self) -> Locator:
        """What is seen of the last answer's statuses before anybody opens their history: the latest."""
        expect(self.status_history).to_have_attribute("aria-expanded", "false")
        return self.statuses

    def open_statuses(self) -> Locator:
        """All status lines of the last answer."""
        self.status_history.click()
        expect(self.status_history).to_have_attribute("aria-expanded", "true")
        return self.statuses

    def shoot_narrow(self, name: str) -> None:
        """Light and dark, on a desk and on a phone."""
        self.shoot(name)
        self.page.set_viewport_size(PHONE)
        self.shoot(f"{name}-narrow")
        self.page.set_viewport_size(DESK)

    def shoot(self, name: str) -> None:
        """Light and dark."""
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            self.page.wait_for_function(
                "dark => document.documentElement.classList.contains('dark') === dark", arg=scheme == "dark"
            )
            self.page.screenshot(
                path=ARTEFACTS / f"{name}-{self.language.locale[:2]}-{scheme}.png", animations="disabled"
            )
        self.page.emulate_media(color_scheme="light")


@contextmanager
def opened(browser: Browser, language: Language) -> Iterator[ChatPage]:
    """A fresh browser profile; a picture is left behind where a test fails."""
    context = browser.new_context(locale=language.locale, viewport=DESK)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    try:
        yield ChatPage(page, language)
    except BaseException:
        page.screenshot(path=ARTEFACTS / f"failed-{language.locale[:2]}.png")
        raise
    finally:
        context.close()
