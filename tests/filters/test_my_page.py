"""The pack's button: from Open WebUI to one's own page at the gateway, without a password."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.console.company import chat_key, company
from tests.console.person import Browser
from tests.fixtures.gateway import IDENTITY_SECRET, InProcess
from tests.fixtures.plugin_host import ROOT, PluginHost

__all__ = ["chat_key", "company"]

Press = Callable[..., dict[str, Any]]


@pytest.fixture
def press(plugin_host: PluginHost, company: InProcess, chat_key: str) -> Press:
    plugin_host.call(
        "config",
        values={"openai.api_base_urls": [f"{company.url}/v1"], "openai.api_keys": [chat_key]},
    )
    source = (ROOT / "functions" / "my_page.py").read_text(encoding="utf-8")
    plugin_host.call("install", id="my_page", content=source)
    user = plugin_host.call("user", name="Hanako")
    usual = {"gateway_url": f"{company.url}/v1/", "secret": IDENTITY_SECRET}

    def pressing(browser: Any = "ja-JP Asia/Tokyo", agrees: bool = True, **valves: Any) -> dict[str, Any]:
        plugin_host.call("valves", id="my_page", values={**usual, **valves})
        return dict(plugin_host.call("action", id="my_page", user=user, browser=browser, agrees=agrees))

    return pressing


def test_the_button_leads_to_ones_own_page(press: Press, company: InProcess) -> None:
    pressed = press()
    about, dialog, opened = pressed["asked"]
    assert about["type"] == "execute"
    assert dialog["data"]["title"] == "マイページ"
    link = re.search(r"\((http[^)]+)\)", dialog["data"]["message"])
    assert link
    assert f'window.open("{link[1]}"' in opened["data"]["code"]
    assert pressed["events"] == []
    browser = Browser(company.url)
    path = "/" + link[1].split("/", 3)[3]
    home = browser.follow(browser.submit(browser.get(path)))
    assert home.status_code == 200
    assert "Hanako" in home.text
    assert 'lang="ja"' in home.text
    assert "Asia/Tokyo" in home.text


def test_nothing_opens_where_the_person_does_not_agree(press: Press) -> None:
    assert [each["type"] for each in press(agrees=False)["asked"]] == ["execute", "confirmation"]


@pytest.mark.parametrize(
    ("told", "words"), [("ja-JP Asia/Tokyo", "マイページを開けません"), ("en-US UTC", "does not open your page")]
)
@pytest.mark.parametrize(
    "valves",
    [{"secret": ""}, {"secret": "another-secret-of-32-characters-0123"}, {"gateway_url": "http://127.0.0.1:9/v1"}],
    ids=["none", "other", "away"],
)
def test_what_does_not_work_is_said(press: Press, valves: dict[str, str], told: str, words: str) -> None:
    pressed = press(told, **valves)
    assert [each["type"] for each in pressed["asked"]] == ["execute"]
    (event,) = pressed["events"]
    assert words in event["data"]["content"]
    assert "secret" not in event["data"]["content"]


@pytest.mark.parametrize("told", [None, "", "x" * 5000, "ja-JP", "'; alert(1) //"])
def test_an_odd_page_changes_nothing(press: Press, told: Any) -> None:
    assert "console/enter/" in press(told)["asked"][1]["data"]["message"]
