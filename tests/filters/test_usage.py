"""filters/usage_line.py and functions/my_usage.py: what an answer and a month cost, as the gateway says it."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from tests.fakes.serving import serving
from tests.fakes.usage import KEY, MONTH, SECRET, UsageGateway
from tests.fixtures.plugin_host import ROOT, PluginHost

Json = dict[str, Any]
USAGE = {"prompt_tokens": 1000, "completion_tokens": 40, "input_tokens": 1200, "output_tokens": 40, "cost": 0.012}


class Setup:
    """A person, the two plugins, and the gateway that they ask."""

    def __init__(self, host: PluginHost, gateway: UsageGateway, url: str) -> None:
        self.host, self.gateway = host, gateway
        self.user = host.call("user", name="Hanako")
        self.valves: Json = {"gateway_url": f"{url}/v1/", "secret": SECRET, "currency": "JPY", "rate": 150}
        host.call(
            "config",
            values={
                "openai.api_base_urls": ["https://elsewhere.example/v1", f"{url}/v1"],
                "openai.api_keys": ["sk-other", KEY],
            },
        )
        for folder, id in (("filters", "usage_line"), ("functions", "my_usage")):
            host.call("install", id=id, content=(ROOT / folder / f"{id}.py").read_text(encoding="utf-8"))
        host.call("only", ids=["usage_line", "my_usage"])

    def line(self, usage: Any = USAGE, language: str = "en-US", **arguments: Any) -> list[str]:
        """The status lines after an answer with this usage."""
        self.host.call("valves", id="usage_line", values=self.valves)
        messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello", "usage": usage}]
        metadata = {"variables": {"{{USER_LANGUAGE}}": language}, **arguments.pop("metadata", {})}
        given = {"hooks": ["outlet"], "filter_ids": ["usage_line"], "user": self.user, "metadata": metadata}
        turn = self.host.call("run", body={"messages": messages}, **{**given, **arguments})
        assert turn["body"] == {"messages": messages}
        assert all(event["type"] == "status" and event["data"]["done"] for event in turn["events"])
        return [event["data"]["description"] for event in turn["events"]]

    def press(self, browser: Any = "en-US light", **headers: str) -> Json:
        self.host.call("valves", id="my_usage", values=self.valves)
        return dict(self.host.call("action", id="my_usage", user=self.user, browser=browser, headers=headers))

    def page(self, browser: Any = "en-US light", **headers: str) -> str:
        pressed = self.press(browser, **headers)
        assert pressed["events"] == []
        [page] = pressed["embeds"]
        return str(page)


@pytest.fixture
def setup(plugin_host: PluginHost) -> Iterator[Setup]:
    gateway = UsageGateway()
    with serving(gateway) as url:
        yield Setup(plugin_host, gateway, url)


def test_the_line_of_an_answer(setup: Setup) -> None:
    setup.gateway.answer = {**MONTH, "budget": {"usd": 20.0, "window": "month"}}
    assert setup.line() == ["¥1.8 · 1,240 tokens · this month ¥312 of ¥3,000"]
    assert setup.line(language="ja-JP") == ["¥1.8 · 1,240トークン · 今月 ¥312 / ¥3,000"]


def test_the_month_and_its_days_are_the_persons(setup: Setup) -> None:
    setup.line(metadata={"variables": {"{{CURRENT_TIMEZONE}}": "Asia/Tokyo"}})
    setup.line()
    setup.page("ja-JP dark America/New_York")
    setup.page("ja-JP dark ../../etc/passwd&by=user")
    setup.page("ja-JP  Asia/Tokyo")
    assert setup.gateway.zones == ["Asia/Tokyo", "UTC", "America/New_York", "UTC", "Asia/Tokyo"]


def test_the_line_counts_a_budget_as_a_refusal_does(setup: Setup) -> None:
    setup.gateway.answer = {**MONTH, "budget": {"usd": 20.0, "window": "month", "used_usd": 4.0}}
    assert setup.line() == ["¥1.8 · 1,240 tokens · this month ¥600 of ¥3,000"]


def test_who_asks_is_signed(setup: Setup) -> None:
    setup.line()
    [claims] = setup.gateway.asked
    assert (claims["sub"], claims["email"], claims["iss"]) == (setup.user["id"], setup.user["email"], "sekisho")
    assert claims["exp"] - claims["iat"] <= 60
    setup.valves["email"] = False
    setup.line()
    assert "email" not in setup.gateway.asked[-1]


def test_it_is_off_until_switched_on(setup: Setup) -> None:
    assert setup.line(filter_ids=[]) == []
    assert setup.gateway.asked == []


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 5, "completion_tokens": 5}, {"cost": None}])
def test_it_is_silent_without_the_gateway_s_figure(setup: Setup, usage: Any) -> None:
    assert setup.line(usage) == []
    assert setup.gateway.asked == []


@pytest.mark.parametrize("budget", [None, {"usd": 1.0, "window": "day"}, {"window": "month"}])
def test_without_a_budget_of_the_month(setup: Setup, budget: Any) -> None:
    setup.gateway.answer = {**MONTH, "budget": budget}
    assert setup.line() == ["¥1.8 · 1,240 tokens · this month ¥312"]


NO_ANSWERS = {
    "error": JSONResponse({"error": {}}, 500),
    "not json": PlainTextResponse("<html>"),
    "a list": JSONResponse([]),
    "no total": JSONResponse({"rows": []}),
    "elsewhere": RedirectResponse("/v1/me/usage?by=model,day"),
    "too long": PlainTextResponse('"' + "x" * 2_100_000 + '"'),
}


@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_the_month_is_left_out_where_the_gateway_does_not_tell_it(setup: Setup, answer: Response) -> None:
    setup.gateway.answer = answer
    assert setup.line() == ["¥1.8 · 1,240 tokens"]


@pytest.mark.parametrize(
    "valves", [{"gateway_url": ""}, {"secret": ""}, {"gateway_url": "http://127.0.0.1:1/v1"}, {"secret": "x" * 32}]
)
def test_nothing_is_sent_to_who_is_not_the_gateway(setup: Setup, valves: Json) -> None:
    setup.valves |= valves
    assert setup.line() == ["¥1.8 · 1,240 tokens"]
    assert setup.gateway.asked == []


def test_an_unreachable_gateway_costs_no_answer(setup: Setup) -> None:
    setup.host.call("config", values={"openai.api_base_urls": ["http://127.0.0.1:1/v1"], "openai.api_keys": [KEY]})
    setup.valves["gateway_url"] = "http://127.0.0.1:1/v1"
    assert setup.line() == ["¥1.8 · 1,240 tokens"]


def test_without_an_event_emitter_nothing_is_asked(setup: Setup) -> None:
    assert setup.line(with_emitter=False) == []
    assert setup.gateway.asked == []


def test_its_line_carries_what_was_told_before(setup: Setup) -> None:
    setup.valves["secret"] = ""
    assert setup.line(metadata={"sekisho_lines": ["1 file, whole"]}) == ["1 file, whole · ¥1.8 · 1,240 tokens"]


@pytest.mark.parametrize(
    ("usd", "currency", "rate", "said"),
    [
        (0.012, "USD", 1, "$0.012"),
        (0.00012, "USD", 1, "$0.00012"),
        (0.0000001, "USD", 1, "<$0.0001"),
        (0, "JPY", 150, "¥0"),
        (0.5, "USD", 1, "$0.50"),
        (0.001, "JPY", 150, "¥0.15"),
        (0.02, "JPY", 150, "¥3"),
        (12.345, "EUR", 1, "€12.35"),
        (1234.5, "USD", 1, "$1,234.50"),
        (80, "JPY", 150, "¥12,000"),
        (3, "chf", 1, "CHF 3.00"),
    ],
)
def test_money_is_written_as_people_write_it(setup: Setup, usd: float, currency: str, rate: float, said: str) -> None:
    setup.valves |= {"currency": currency, "rate": rate, "secret": ""}
    assert setup.line({"cost": usd}) == [said]


class Reader(HTMLParser):
    """Words, tags and everything that a browser would load."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.feed(page)
        self.loads += re.findall(r"url\(|@import|https?:|fetch\(|XMLHttp", page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [name for name, _ in attrs if name in ("src", "href", "srcset", "data", "action")]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is None and data.strip():
            self.words.append(data.strip())


def test_the_chart_shows_models_days_and_budget(setup: Setup) -> None:
    reader = Reader(setup.page())
    assert reader.words[1:4] == ["My usage", "2026-11-01 to 2026-11-30 (UTC)", "This month's budget"]
    assert {"¥312 of ¥3,000", "¥2,688 left"} <= set(reader.words)
    assert reader.tags.count("rect") == 2
    assert "2026-11-21 gemma: ¥12" in reader.words
    table = reader.words[reader.words.index("Model") :]
    assert table[5:20] == [
        *("gpt-5", "30", "100,000", "6,000", "¥300"),
        *("gemma", "12", "20,000", "2,000", "¥12"),
        *("Total", "42", "120,000", "8,000", "¥312"),
    ]
    assert reader.loads == []


def test_it_speaks_the_language_of_the_page_and_wears_its_theme(setup: Setup) -> None:
    page = setup.page("ja-JP dark")
    assert '<html lang="ja" class="dark">' in page
    assert {"自分の利用状況", "¥3,000 のうち ¥312", "残り ¥2,688", "入力トークン"} <= set(Reader(page).words)
    assert '<html lang="en" class="light">' in setup.page("en-US light", **{"accept-language": "ja"})


@pytest.mark.parametrize("browser", [None, {"error": "Client session disconnected."}, 7, " "])
def test_without_a_page_that_answers_the_request_s_language_counts(setup: Setup, browser: Any) -> None:
    page = setup.page(browser, **{"accept-language": "ja,en;q=0.5"})
    assert '<html lang="ja" class="">' in page


BUDGETS = [
    MONTH["budget"] | {"scope": "person", "resets_at": "2026-12-01T00:00:00Z"},
    MONTH["budget"] | {"scope": "team", "name": "研究<b>", "used_usd": 20.0, "left_usd": 0.0, "window": "week"},
]


def test_every_budget_tells_whose_what_is_left_until_when_and_what_goes_on(setup: Setup) -> None:
    setup.gateway.answer = {**MONTH, "budgets": BUDGETS, "free_models": ["own", "small"]}
    words = Reader(setup.page("ja-JP dark Asia/Tokyo")).words
    assert words[2] == "2026-11-01 ～ 2026-11-30（Asia/Tokyo）"
    assert {"今月の予算", "残り ¥2,688", "2026-12-01 09:00（Asia/Tokyo）に新しくなります。", "残り ¥0"} <= set(words)
    assert "チーム 研究<b>: 今週の予算" in words
    free = "予算を使い切っても、料金のかからないモデルは使えます: own、small。"
    assert f"{free}増やす必要がある場合は管理者にご相談ください。" in words
    english = Reader(setup.page("en-US light America/New_York")).words
    assert {"This month's budget", "Team 研究<b>: This week's budget"} <= set(english)
    assert "Starts anew on 2026-11-30 19:00 (America/New_York)." in english
    assert "When a budget is used up, models that cost nothing go on: own, small. If you need more, " in " ".join(
        english
    )


@pytest.mark.parametrize("told", ["soon", 7, None, "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", ["x"]])
def test_a_time_that_is_none_is_left_out(setup: Setup, told: Any) -> None:
    setup.gateway.answer = {**MONTH, "budgets": [{**BUDGETS[0], "resets_at": told}, None, "x"], "free_models": "x"}
    assert "¥312 of ¥3,000" in Reader(setup.page("en-US light Asia/Tokyo")).words


def test_many_models_become_others(setup: Setup) -> None:
    rows = [
        {"model": f"m{n}", "day": "2026-11-03", "requests": 1, "input_tokens": 10, "output_tokens": 1, "cost_usd": n}
        for n in range(10)
    ]
    setup.gateway.answer = {**MONTH, "rows": rows, "budget": None}
    words = Reader(setup.page()).words
    assert words[words.index("others") : words.index("others") + 5] == ["others", "4", "40", "4", "¥900"]
    assert "m9" in words
    assert "m3" not in words


def test_without_prices_the_bars_are_tokens(setup: Setup) -> None:
    setup.gateway.answer = {**MONTH, "rows": [{**row, "cost_usd": 0} for row in MONTH["rows"]], "budget": None}
    words = Reader(setup.page()).words
    assert {"Tokens by day", "2026-11-02 gpt-5: 106k"} <= set(words)


def test_a_month_without_use(setup: Setup) -> None:
    setup.gateway.answer = {**MONTH, "rows": [], "budget": None}
    assert "Nothing was used yet in this period." in Reader(setup.page()).words


def test_names_are_only_text(setup: Setup) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    row = {"model": nasty, "day": nasty, "requests": 1, "input_tokens": "many", "output_tokens": None, "cost_usd": 1.0}
    setup.gateway.answer = {**MONTH, "from": nasty, "to": nasty, "rows": [row, None], "budget": "none"}
    reader = Reader(setup.page())
    assert nasty in reader.words
    assert "img" not in reader.tags


@pytest.mark.parametrize(("browser", "said"), [("en-US light", "does not tell"), ("ja-JP dark", "取得できません")])
def test_a_gateway_that_does_not_answer_is_said_so(setup: Setup, browser: str, said: str) -> None:
    setup.gateway.answer = JSONResponse({}, 503)
    pressed = setup.press(browser)
    assert pressed["embeds"] == []
    [event] = pressed["events"]
    assert event["type"] == "notification"
    assert said in event["data"]["content"]
