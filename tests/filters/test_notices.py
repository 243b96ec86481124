"""filters/notices.py: people are told once what they should know, and confirm the company's notice once."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse

from tests.fakes.serving import serving
from tests.fakes.usage import KEY, SECRET, UsageGateway
from tests.fixtures.plugin_host import ROOT, PluginHost

Json = dict[str, Any]
NEWS = [{"kind": "budget", "text": "Your budget is used to 83 %."}, {"kind": "model", "text": "“gpt” ends."}]


class Setup:
    """A person, the filter, and the gateway that it asks."""

    def __init__(self, host: PluginHost, gateway: UsageGateway, url: str) -> None:
        self.host, self.gateway = host, gateway
        self.user = host.call("user", name="Hanako")
        self.valves: Json = {"gateway_url": f"{url}/v1/", "secret": SECRET}
        host.call(
            "config",
            values={
                "openai.api_base_urls": ["https://elsewhere.example/v1", f"{url}/v1"],
                "openai.api_keys": ["sk-other", KEY],
                "openai.api_configs": {"0": {"prefix_id": "other"}, "1": {"prefix_id": "gw"}},
            },
        )
        for id in ("notices", "usage_line"):
            host.call("install", id=id, content=(ROOT / "filters" / f"{id}.py").read_text(encoding="utf-8"))
        host.call("only", ids=["notices", "usage_line"])

    def lines(self, language: str = "en-US", filter_ids: tuple[str, ...] = (), **more: Any) -> list[str]:
        """The status lines after an answer."""
        messages = [{"role": "assistant", "content": "Hello", "usage": {"cost": 0.01, "total_tokens": 5}}]
        turn = self._run("outlet", {"messages": messages}, language, filter_ids=list(filter_ids), **more)
        assert turn["body"] == {"messages": messages}
        return [event["data"]["description"] for event in turn["events"] if event["type"] == "status"]

    def dialogs(self, pressed: Any, language: str = "en-US", **more: Any) -> list[Json]:
        """The dialogs before an answer."""
        body = {"messages": [{"role": "user", "content": "Hi"}]}
        turn = self._run("inlet", dict(body), language, pressed=pressed, **more)
        assert turn["body"] == body
        return [event["data"] for event in turn["events"] if event["type"] == "confirmation"]

    def _run(self, hook: str, body: Json, language: str, **more: Any) -> Json:
        self.host.call("valves", id="notices", values=self.valves)
        self.host.call("valves", id="usage_line", values=self.valves)
        variables = {"{{USER_LANGUAGE}}": language, "{{CURRENT_TIMEZONE}}": "Asia/Tokyo"}
        metadata = {"variables": variables, "session_id": "s", **more.pop("metadata", {})}
        given = {"hooks": [hook], "filter_ids": [], "user": self.user, "metadata": metadata}
        return dict(self.host.call("run", body=body, **{**given, **more}))


@pytest.fixture
def setup(plugin_host: PluginHost) -> Iterator[Setup]:
    gateway = UsageGateway()
    with serving(gateway) as url:
        yield Setup(plugin_host, gateway, url)


def test_what_the_gateway_has_to_tell_stands_below_the_answer(setup: Setup) -> None:
    setup.gateway.news = NEWS
    assert setup.lines(model={"id": "gw.gpt"})[-1] == "Your budget is used to 83 %. · “gpt” ends."
    assert setup.gateway.bodies == [{"model": "gpt"}], "by the gateway's name for it"
    [claims] = setup.gateway.told
    assert (claims["sub"], claims["language"], claims["timezone"]) == (setup.user["id"], "en-US", "Asia/Tokyo")
    assert claims["groups"] == []
    assert setup.lines(model={"id": "gw.gpt"}) == [], "and is not asked for at each answer"
    assert len(setup.gateway.bodies) == 1


def test_a_model_of_the_workspace_is_told_of_by_its_base(setup: Setup) -> None:
    setup.lines(model={"id": "helper", "info": {"base_model_id": "gw.gpt"}})
    assert setup.gateway.bodies == [{"model": "gpt"}]


def test_with_the_usage_line_it_is_one_line(setup: Setup) -> None:
    setup.gateway.news = NEWS[:1]
    last = setup.lines(filter_ids=("usage_line",))[-1]
    assert last.endswith("· Your budget is used to 83 %.")
    assert last.startswith("$0.01")
    assert last.count("83 %") == 1


@pytest.mark.parametrize(
    "news",
    [
        JSONResponse({"error": {}}, 500),
        PlainTextResponse("<html>"),
        JSONResponse([]),
        JSONResponse({"notices": "x"}),
        JSONResponse({"notices": [1, None, {"text": None}, {"text": ""}, {}]}),
        PlainTextResponse('"' + "x" * 210_000 + '"'),
    ],
)
def test_an_answer_that_is_none_is_left_out(setup: Setup, news: Any) -> None:
    setup.gateway.news = news
    assert setup.lines() == []


def test_many_and_long_ones_are_bounded(setup: Setup) -> None:
    setup.gateway.news = [{"text": f"{n}" * 5000} for n in range(10)]
    assert len(setup.lines()[-1]) < 5 * 2000 + 50


@pytest.mark.parametrize("valves", [{"gateway_url": ""}, {"secret": ""}, {"gateway_url": "http://127.0.0.1:1/v1"}])
def test_nothing_is_sent_to_who_is_not_the_gateway(setup: Setup, valves: Json) -> None:
    setup.valves |= valves
    assert setup.lines() == []
    assert setup.gateway.told == []


def test_the_notice_is_confirmed_once(setup: Setup) -> None:
    setup.valves |= {"guide": True, "guide_link": "https://intra.example/ai"}
    [dialog] = setup.dialogs(True, "ja-JP")
    assert dialog["title"] == "ご利用の前に"
    assert "誤りが含まれる" in dialog["message"]
    assert dialog["message"].endswith("社内ルール: https://intra.example/ai")
    assert setup.gateway.bodies == [{"notice": "guide", "version": "1"}]
    assert setup.dialogs(True) == []
    asked = len(setup.gateway.told)
    assert setup.dialogs(True) == []
    assert len(setup.gateway.told) == asked, "the gateway is not asked again"
    setup.valves |= {"guide_version": "2", "guide_text_en": "**Own** rules"}
    [dialog] = setup.dialogs(True)
    assert dialog["message"].startswith("**Own** rules")


def test_who_confirmed_it_elsewhere_does_not_see_it(setup: Setup) -> None:
    setup.valves["guide"] = True
    setup.gateway.acknowledged = [{"notice": "other", "version": "1"}, {"notice": "guide", "version": "1", "at": 1}]
    assert setup.dialogs(True) == []
    assert setup.gateway.bodies == []


@pytest.mark.parametrize("pressed", [False, {"error": "Client session disconnected."}, "", 0])
def test_who_does_not_confirm_it_chats_on_and_sees_it_again_later(setup: Setup, pressed: Any) -> None:
    setup.valves["guide"] = True
    assert len(setup.dialogs(pressed)) == 1
    assert setup.gateway.bodies == []
    assert setup.dialogs(pressed) == [], "not in each message"


@pytest.mark.parametrize("acknowledged", [JSONResponse({"error": {}}, 500), JSONResponse({"data": "x"}), None])
def test_without_the_gateway_nobody_is_asked(setup: Setup, acknowledged: Any) -> None:
    setup.valves["guide"] = True
    setup.gateway.acknowledged = acknowledged
    assert setup.dialogs(True) == []


def test_it_is_not_shown_where_it_is_off_or_no_page_is_there(setup: Setup) -> None:
    assert setup.dialogs(True) == []
    setup.valves["guide"] = True
    assert setup.dialogs(None) == []
    assert setup.dialogs(True, metadata={"session_id": None}) == []
    assert setup.gateway.told == []
