"""What Full text tells, as people see it: on a phone and on a wide screen, in Japanese and in English."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.documents import PDF, Document, plain
from tests.e2e.page import ENGLISH, JAPANESE, Language, opened
from tests.e2e.stack import Person, Stack
from tests.e2e.test_browser import browser
from tests.e2e.upstream import ANSWER
from tests.filters import office_files
from tests.filters.test_full_text_formats import LONG, mixed_pdf

__all__ = ["browser"]

pytestmark = pytest.mark.needs_browser

MIXED = Document("scans.pdf", PDF, mixed_pdf(LONG, "scan", "scan"), (), ())
BOOK = Document(
    "sales.xlsx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    office_files.workbook(office_files.sales),
    (),
    (),
)
PHONE = {"width": 390, "height": 844}
TOLD = {
    "ja-JP": ("scans.pdf は一部のみ: 3ページ中2ページは", "sales.xlsx は全文", "notes.txt は全文"),
    "en-US": ("scans.pdf in part: 3 pages, 2 of them scans", "sales.xlsx whole", "notes.txt whole"),
}


@pytest.mark.parametrize("language", [JAPANESE, ENGLISH], ids=["ja", "en"])
def test_what_was_not_read_comes_first_and_a_click_opens_the_rest(
    stack: Stack, hanako: Person, browser: Browser, language: Language
) -> None:
    first, *others = TOLD[language.locale]
    with opened(browser, language) as chat:
        chat.sign_in(hanako)
        chat.switch_on(language.full_text)
        for document in (MIXED, BOOK, plain("notes.txt", "売上の覚え書き。 Notes.\n" * 30)):
            chat.upload(document)
        chat.send("比べてください。 Compare them.")
        expect(chat.answers.last).to_contain_text(ANSWER)
        expect(chat.status_line.first).to_contain_text(first)
        chat.shoot("told-wide")
        chat.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        expect(chat.status_line.first).to_be_visible()
        chat.shoot("told-phone")
        lines = chat.open_statuses()
        for told in (first, *others):
            expect(lines.filter(has_text=told).last).to_be_visible()
        boxes = [box for line in lines.all() if (box := line.bounding_box())]
        assert boxes
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"] for box in boxes)
        chat.shoot("told-phone-open")
        chat.page.set_viewport_size({"width": 1280, "height": 800})
        chat.shoot("told-wide-open")
