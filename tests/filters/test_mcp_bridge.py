"""filters/mcp_bridge.py in the real Open WebUI, before the gateway's hub: what native leaves out of a tool's call."""

import base64
import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import mcp_types as types
import pytest

from plugins.mcp_bridge.bridge import Bridge
from plugins.mcp_bridge.progress import percent_of
from plugins.mcp_bridge.results import LONGEST_PAGE, MOST_SOURCES, PAPER, complete, framed
from plugins.mcp_bridge.texts import TEXT
from plugins.shared.tool_names import LONGEST_LINE, one_line
from tests.fakes.mcp_everything.call import Call, Offer, offering
from tests.fakes.mcp_everything.content import WAV, embedded, link, result, text
from tests.fakes.mcp_everything.serving import Everything, everything_app
from tests.fakes.serving import free_port, serving
from tests.fixtures.plugin_host import ROOT, PluginHost
from tests.mcp.hub import hub

Json = dict[str, Any]
EXTRA: dict[str, Offer] = {}
offer = offering(EXTRA)
PAGE = "<!doctype html><h1>売上</h1>"


@offer()
async def pages_and_links(call: Call) -> Any:
    """Returns what Open WebUI drops."""
    page = embedded("ui://chart", PAGE, "text/html;profile=mcp-app")
    return result(text("hello"), link("https://example.com/doc"), embedded("memo://1", "a memo"), page)


@offer()
async def files(call: Call) -> Any:
    """Returns files of kinds that Open WebUI does not keep."""
    csv = base64.b64encode("品,円\n松,100\n".encode()).decode()
    blob = types.BlobResourceContents(uri="file:///a/%E4%BE%A1%E6%A0%BC.csv", mime_type="text/csv", blob=csv)
    sound = types.AudioContent(type="audio", data=WAV, mime_type="audio/mpeg")
    svg = types.ImageContent(type="image", data=base64.b64encode(b"<svg/>").decode(), mime_type="image/svg+xml")
    return result(types.EmbeddedResource(type="resource", resource=blob), sound, svg)


class Setup:
    """A person, the filter, and a hub with a server and one that is down."""

    def __init__(self, host: PluginHost, server: Everything, url: str, key: str) -> None:
        self.host, self.server, self.url, self.key = host, server, url, key
        self.user = host.call("user", name="Hanako")
        content = (ROOT / "filters" / "mcp_bridge.py").read_text(encoding="utf-8")
        host.call("install", id="mcp_bridge", content=content)
        host.call("only", ids=["mcp_bridge"])

    def call(self, tool: str, arguments: Json | None = None, **more: Any) -> Json:
        headers = {"Authorization": f"Bearer {self.key}"}
        given = {"url": f"{self.url}/mcp", "headers": headers, "tool": tool, "arguments": arguments or {}}
        return dict(self.host.call("call_tool", **given, user=self.user, **more))


@pytest.fixture(scope="module")
def setup(plugin_host: PluginHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    server = Everything(EXTRA)
    with serving(everything_app("modern", server), lifespan="on") as url:
        servers = {"x": {"url": f"{url}/mcp"}, "dead": {"url": f"http://127.0.0.1:{free_port()}/mcp"}}
        with hub(tmp_path_factory.mktemp("hub"), servers) as gateway:
            yield Setup(plugin_host, server, gateway.url, gateway.key)


def lines(turn: Json) -> list[tuple[str, bool]]:
    return [(e["data"]["description"], e["data"]["done"]) for e in turn["events"] if e["type"] == "status"]


def test_progress_is_told_with_percent_and_ends(setup: Setup) -> None:
    turn = setup.call("x__test_tool_with_progress", rounds=2)
    away, first, *_, last = lines(turn)
    assert away == ("The tools “gone” cannot be reached at the moment; the answer comes without them.", True)
    assert first == ("x: test_tool_with_progress: 0 of 100 (0%)", False)
    assert last == ("x: test_tool_with_progress: done", True)
    assert turn["result"] == "Done in three steps."
    # Run before each call of the model, and still once each.
    assert len({line for line, _ in lines(turn)}) == len(lines(turn))


def test_progress_in_japanese(setup: Setup) -> None:
    away, first, *_, last = lines(setup.call("x__test_tool_with_progress", language="ja-JP"))
    assert away == ("ツール「gone」に現在接続できません。ツールなしで回答します。", True)
    assert first == ("x: test_tool_with_progress：0 of 100（0%）", False)
    assert last == ("x: test_tool_with_progress：完了", True)


def test_reports_of_a_tool_are_lines(setup: Setup) -> None:
    told = lines(setup.call("x__test_tool_with_logging"))
    assert ("x: test_tool_with_logging: Tool execution started", False) in told
    assert told[-1] == ("x: test_tool_with_logging: done", True)
    setup.host.call("valves", id="mcp_bridge", values={"logs": False})
    try:
        assert lines(setup.call("x__test_tool_with_logging"))[1:] == []
    finally:
        setup.host.call("valves", id="mcp_bridge", values={})


@pytest.mark.parametrize(("language", "said"), [("en-US", "x: slow: stopped"), ("ja-JP", "x: slow：停止しました")])
def test_a_stop_reaches_the_server(setup: Setup, language: str, said: str) -> None:
    setup.server.happened.cancelled.clear()
    turn = setup.call("x__slow", {"seconds": 600, "steps": 3}, stop_at="step 0", language=language)
    assert turn["error"] == "stopped"
    assert lines(turn)[-1] == (said, True)
    counted = setup.call("x__cancelled_calls")
    while counted["result"] == "0" or counted["result"] == 0:
        counted = setup.call("x__cancelled_calls")
    assert setup.server.happened.cancelled == ["slow"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en-US", "dead does not answer at the moment. Try again later, or tell an administrator."),
        ("ja-JP", "dead は現在応答していません。後でもう一度試すか、管理者に知らせてください。"),
    ],
)
def test_a_server_that_is_down_is_told_in_the_persons_words(setup: Setup, language: str, said: str) -> None:
    turn = setup.call("dead__anything", language=language)
    assert lines(turn)[-1] == (said, True)
    assert "The tool server 'dead' does not answer" in turn["error"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en-US", "Not reachable at the moment: dead. The answer comes without them."),
        ("ja-JP", "現在接続できません：dead。これらを使わずに回答します。"),
    ],
)
def test_servers_whose_tools_are_not_there_are_told_once_a_chat(setup: Setup, language: str, said: str) -> None:
    told = [setup.call("x__test_simple_text", language=language, chat=f"chat-{language}", rounds=2) for _ in range(2)]
    assert [[line for line, _ in lines(turn)].count(said) for turn in told] == [1, 0]


async def test_the_link_to_sign_in_is_shown() -> None:
    events: list[Json] = []

    async def emit(event: Json) -> None:
        events.append(event)

    shown = Bridge(None, emit, TEXT["ja"], logs=True, pages=True).show_sign_in
    for given in ("https://gateway.example.com/sign-in/crm?for=x", "javascript:alert(1)", None, 5):
        error = {"code": "mcp_sign_in_needed", "server": "crm", "sign_in": given}
        await shown(SimpleNamespace(meta={"sekisho/error": error}))
    [event] = events
    assert event["data"]["source"] == {
        "name": "crm にサインイン",
        "url": "https://gateway.example.com/sign-in/crm?for=x",
    }


def test_links_are_cited_pages_shown_and_the_model_reads_of_both(setup: Setup) -> None:
    turn = setup.call("x__pages_and_links")
    cited = [event["data"] for event in turn["events"] if event["type"] == "source"]
    assert [each["source"] for each in cited] == [
        {"name": "a link", "url": "https://example.com/doc"},
        {"name": "memo://1"},
    ]
    assert cited[1]["document"] == ["a memo"]
    [page] = [event["data"]["embeds"][0] for event in turn["events"] if event["type"] == "embeds"]
    assert page.startswith(f"<!doctype html>{PAPER}<h1>売上</h1><script>"), "dark pages have no white of their own"
    assert "https://example.com/doc" in turn["result"]
    assert "a memo" in turn["result"]
    assert "売上" not in turn["result"]


def test_what_native_does_happens_once(setup: Setup) -> None:
    files = setup.call("x__files")
    shown = [file["name"] for event in files["events"] if event["type"] == "files" for file in event["data"]["files"]]
    assert shown == ["価格.csv", "audio.mpeg", "image.svg"]
    assert "松" in files["result"]
    picture = setup.call("x__test_image_content")
    assert picture["kinds"] == ["image"]
    assert lines(picture)[1:] == []
    asked = setup.call("x__test_elicitation", {"message": "Who?"})
    assert [event["type"] for event in asked["events"]].count("request:elicitation") == 1
    assert "action=accept" in asked["result"]
    [form] = [event["data"] for event in asked["events"] if event["type"] == "request:elicitation"]
    assert form["server_name"] == "x", "the server that asks, not the id of the hub"
    wrong = setup.call("x__test_error_handling")
    assert wrong["error"] == "This tool intentionally returns an error for testing"
    assert lines(wrong)[1:] == []


@pytest.mark.parametrize(
    ("progress", "total", "percent"),
    [
        (1, 4, 25),
        (5, 4, 100),
        (-1, 4, 0),
        (1, 0, None),
        (1, None, None),
        (math.nan, 1, None),
        (1, math.inf, None),
        ("1", 2, None),
        (True, 2, None),
        (1, -2, None),
        (1e308, 1e-308, 100),
    ],
)
def test_percent(progress: Any, total: Any, percent: int | None) -> None:
    assert percent_of(progress, total) == percent


def test_lines_are_short_and_hold_nothing_invisible() -> None:
    assert one_line("a\n\u202eb\u200b" + "c" * 10_000) == ("a b" + "c" * 10_000)[:LONGEST_LINE]
    assert [one_line(each) for each in (None, 1, {"a": 1}, "\x00")] == ["", "", "", ""]


@pytest.mark.parametrize("content", [None, "text", 1, [], [None, 1, "x", {"type": []}, {"type": "resource"}]])
def test_answers_of_another_form_pass(content: Any) -> None:
    assert complete(content, TEXT["en"], True) == (content, [])


@pytest.mark.parametrize("page", ["", "x", "<html>", "<!DOCTYPE html", "\n <!DOCTYPE HTML PUBLIC 'a'>\n<p>"])
def test_a_page_of_any_form_is_framed(page: str) -> None:
    assert framed(page).replace(PAPER, "").startswith(page)
    assert framed(page).count(PAPER) == 1


def test_hostile_links_and_pages_are_bounded() -> None:
    hostile = {"type": "resource_link", "uri": "javascript:alert(1)", "name": {"a": 1}}
    [shown], [event] = complete([hostile], TEXT["en"], True)
    assert shown == {"type": "text", "text": "javascript:alert(1)"}
    assert "url" not in event["data"]["source"]
    many, events = complete([hostile] * 1000, TEXT["en"], True)
    assert (len(many), len(events)) == (1000, MOST_SOURCES)
    large = {"type": "resource", "resource": {"uri": "u", "mimeType": "text/html", "text": "x" * (LONGEST_PAGE + 1)}}
    [kept], _ = complete([large], TEXT["en"], True)
    assert kept is large
    assert complete([large], TEXT["en"], False)[0] == [large]


def test_both_languages_say_the_same() -> None:
    assert TEXT["en"].keys() == TEXT["ja"].keys()
