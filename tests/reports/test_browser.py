"""The report as people open it: in a browser, light and dark, English and Japanese, on a phone, on paper."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.bench.month import Month, records
from tests.e2e.test_browser import CHROMIUM, SILENT
from tests.reports.ledgers import Ledger

pytestmark = pytest.mark.needs_browser

ARTEFACTS = Path(__file__).parents[2] / "test-artefacts"
OPTIONS = (
    *("--from", "2025-04-01", "--to", "2025-04-30", "--timezone", "Asia/Tokyo"),
    *("--gpu-hours", "2880", "--gpu-hour-usd", "1.2", "--power-kwh", "2000", "--kwh-usd", "0.2", "--people-usd", "800"),
)
LANGUAGES = {
    "en": ("--mark", "2025-04-18=training"),
    "ja": ("--mark", "2025-04-18=新人研修", "--currency", "JPY", "--per-usd", "150", "--hide-names"),
}
CHARTS = 12
"""Drawings of a month with two kinds that people use, bursts of two lengths, and failures."""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    ledger = Ledger(tmp_path_factory.mktemp("browser"))
    ledger.write(records(Month().scaled(0.05)))
    for language, options in LANGUAGES.items():
        ledger.run("usage", "report", *OPTIONS, *options, "--lang", language, "-o", f"{language}.html")
    return {language: ledger.folder / f"{language}.html" for language in LANGUAGES}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is missing: run `apt-get install chromium fonts-noto-cjk` as root")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SILENT)
        yield browser
        browser.close()


def _opened(browser: Browser, report: Path, scheme: str, width: int = 960) -> tuple[Page, list[str]]:
    """The page, and what went wrong or was asked for besides it."""
    page = browser.new_page(viewport={"width": width, "height": 1200}, color_scheme=scheme)  # type: ignore[arg-type]
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.append(request.url) if request.url != report.as_uri() else None)
    page.goto(report.as_uri())
    return page, wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_looks(browser: Browser, reports: dict[str, Path], language: str, scheme: str) -> None:
    page, wrong = _opened(browser, reports[language], scheme)
    expect(page.locator("figure svg")).to_have_count(CHARTS)
    expect(page.locator("h1")).to_contain_text({"en": "April 2025", "ja": "2025年4月"}[language])
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"usage-report-{language}-{scheme}.png", full_page=True)
    assert (
        _brightness(page, "backgroundColor") > 200 if scheme == "light" else _brightness(page, "backgroundColor") < 60
    )
    assert _brightness(page, "color") < 60 if scheme == "light" else _brightness(page, "color") > 200
    assert not wrong, "nothing is loaded, nothing fails"
    for drawing in page.locator("figure svg").all():
        box = drawing.bounding_box()
        assert box
        assert box["width"] > 250, "drawn as wide as its place"
        assert box["height"] > 30
    page.close()


def test_colours_of_charts_follow_the_page(browser: Browser, reports: dict[str, Path]) -> None:
    colours = []
    for scheme in ("light", "dark"):
        page, _ = _opened(browser, reports["en"], scheme)
        bar = page.locator("figure svg [role='graphics-symbol'][aria-label*='Code completion']").first
        colours.append(bar.evaluate("element => getComputedStyle(element).fill"))
        page.close()
    assert colours[0] != colours[1]
    assert all(re.fullmatch(r"rgb\(\d+, \d+, \d+\)", colour) for colour in colours)


def test_a_bar_tells_its_number(browser: Browser, reports: dict[str, Path]) -> None:
    page, _ = _opened(browser, reports["en"], "light")
    bar = page.locator("figure svg [aria-label^='Tue Apr 1 · Code completion']").first
    bar.scroll_into_view_if_needed()
    bar.hover(force=True)
    expect(page.locator("#tip")).to_contain_text(re.compile(r"^Tue Apr 1 · Code completion: [\d,]+$"))
    expect(page.locator("#tip")).to_have_css("opacity", "1")
    page.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_fits_a_phone_and_a_sheet_of_paper(browser: Browser, reports: dict[str, Path], language: str) -> None:
    page, _ = _opened(browser, reports[language], "light", width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=ARTEFACTS / f"usage-report-{language}-phone.png", full_page=True)
    for chart in page.locator("figure.days").all():
        newest = {"en": "Apr 30", "ja": "4/30"}[language]
        box = chart.locator(f"svg [role='graphics-symbol'][aria-label*='{newest}']").first.bounding_box()
        assert box
        assert 0 < box["x"] < 390, "the newest day is seen without a touch"
    heights = page.locator("td:first-child").evaluate_all("cells => cells.map(cell => cell.offsetHeight)")
    assert max(heights) < 120, "no word is written from top to bottom"
    page.close()
    page, _ = _opened(browser, reports[language], "dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert _brightness(page, "backgroundColor") > 200, "paper is white also for those who like it dark"
    printed = page.pdf(path=ARTEFACTS / f"usage-report-{language}.pdf", format="A4")
    sheets = len(re.findall(rb"/Type\s*/Page\b(?!s)", printed))
    assert 3 <= sheets <= 9
    page.close()


def _brightness(page: Page, name: str) -> float:
    colour = page.evaluate(f"getComputedStyle(document.body).{name}")
    parts = [int(part) for part in re.findall(r"\d+", colour)[:3]]
    return sum(parts) / 3
