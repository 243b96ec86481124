"""tools/mcp.py in the real Open WebUI, before the gateway's hub: prompts and documents of tool servers."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from plugins.mcp.texts import FOR_THE_MODEL, TEXT
from tests.fakes.mcp_everything.serving import everything_app
from tests.fakes.mcp_library import HTML, LONG, RULES, Library
from tests.fakes.serving import free_port, serving
from tests.fixtures.plugin_host import ROOT, PluginHost
from tests.mcp.hub import hub

Json = dict[str, Any]
NAMES = ["list_prompts", "list_resources", "read_resource", "search_prompts_and_resources", "use_prompt"]


class Setup:
    """A person, the tool, and a hub with a library and a server that is down."""

    def __init__(self, host: PluginHost, url: str, key: str) -> None:
        self.host, self.url, self.key = host, url, key
        self.user = host.call("user", name="Hanako")
        self.specs = host.call("install_tool", id="mcp", content=(ROOT / "tools" / "mcp.py").read_text("utf-8"))
        self.connect()

    def connect(self, *, grants: Any = None, **changes: Any) -> None:
        everyone = [{"principal_type": "user", "principal_id": "*", "permission": "read"}]
        config = {"enable": True, "access_grants": everyone if grants is None else grants}
        info = {"id": "hub", "name": "Tools", "sekisho": True}
        own = {"type": "mcp", "url": f"{self.url}/mcp", "path": "", "auth_type": "bearer", "key": self.key}
        headers = {"X-Person": "{{USER_EMAIL}}"}
        other = {**own, "url": "http://127.0.0.1:9/mcp", "info": {"id": "other"}, "config": config}
        mine = {**own, "headers": headers, "info": info, "config": config, **changes}
        self.host.call("tool_servers", connections=[{}, {"info": None}, other, mine])

    def use(self, tool: str, arguments: Any = None, *answers: Any, **more: Any) -> Json:
        given = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
        return dict(
            self.host.call(
                "use_tool", id="mcp", tool=tool, arguments=given, user=self.user, answers=list(answers), **more
            )
        )


@pytest.fixture(scope="module")
def setup(plugin_host: PluginHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    with serving(everything_app("modern", Library()), lifespan="on") as url:
        servers = {"lib": {"url": f"{url}/mcp"}, "dead": {"url": f"http://127.0.0.1:{free_port()}/mcp"}}
        with hub(tmp_path_factory.mktemp("hub"), servers) as gateway:
            yield Setup(plugin_host, gateway.url, gateway.key)


def accept(**content: Any) -> Json:
    return {"action": "accept", "content": content}


def forms(turn: Json) -> list[Json]:
    return [event["data"] for event in turn["events"] if event["type"] == "request:elicitation"]


def lines(turn: Json) -> list[str]:
    return [event["data"]["description"] for event in turn["events"] if event["type"] == "status"]


def options(form: Json) -> dict[str, str]:
    return {each["title"]: each["const"] for each in form["requestedSchema"]["properties"]["chosen"]["oneOf"]}


def sources(turn: Json) -> list[tuple[str, str]]:
    return [(e["data"]["source"]["name"], e["data"]["document"][0]) for e in turn["events"] if e["type"] == "source"]


def test_what_a_model_is_told_of_the_tools(setup: Setup) -> None:
    by_name = {spec["name"]: spec for spec in setup.specs}
    assert sorted(by_name) == NAMES
    shown = by_name["use_prompt"]["parameters"]
    assert [name for name in shown["properties"] if not name.startswith("__")] == ["name", "arguments"]
    assert not {"name", "arguments"} & set(shown.get("required", []))


def test_a_prompt_is_chosen_and_filled_in(setup: Setup) -> None:
    first = setup.use("use_prompt", {}, {"action": "cancel"}, language="ja-JP")
    [form] = forms(first)
    assert form["server_name"] == "プロンプト"
    assert form["message"] == "プロンプトを選んでください。その内容に沿って回答します。"
    chosen = options(form)["lib: 週報を書く – 今週のまとめを決まった形で書きます。"]
    assert lines(first)[-1] == "選択されませんでした"
    assert "chose nothing" in first["result"]

    told = accept(project="松", tone="")
    turn = setup.use("use_prompt", {}, accept(chosen=chosen), told, language="ja-JP")
    _, form = forms(turn)
    fields = form["requestedSchema"]["properties"]
    assert form["requestedSchema"]["required"] == ["project"]
    assert fields["project"]["title"] == "案件"
    assert fields["project"]["description"] == "案件の名前\n例：paris、park、party、tokyo、東京"
    assert "「松」の週報をふつうの文体で書いてください。" in turn["result"]
    assert lines(turn)[-1] == "プロンプト「lib: 週報を書く」"
    assert sources(turn) == [("lib: 週報を書く", "「松」の週報をふつうの文体で書いてください。")]


@pytest.mark.parametrize("name", ["lib__weekly_report", "weekly_report", "lib: 週報を書く", " LIB__WEEKLY_REPORT "])
@pytest.mark.parametrize("arguments", [{"project": "松"}, '{"project": "松"}', {"project": "松", "evil": 1}])
def test_a_model_that_knows_all_asks_nobody(setup: Setup, name: str, arguments: Any) -> None:
    turn = setup.use("use_prompt", {"name": name, "arguments": arguments}, session="")
    assert forms(turn) == []
    assert "「松」の週報を" in turn["result"]


def test_what_is_missing_is_asked_for(setup: Setup) -> None:
    turn = setup.use(
        "use_prompt", {"name": "weekly_report", "arguments": {"tone": "短い"}}, accept(project="竹", tone="短い")
    )
    [form] = forms(turn)
    assert form["requestedSchema"]["properties"]["tone"]["default"] == "短い"
    assert "「竹」の週報を短い文体で" in turn["result"]
    alone = setup.use("use_prompt", {"name": "weekly_report"}, session="")
    assert alone["result"] == "'lib__weekly_report' needs these arguments: project. Give them, or ask the person."
    assert "lib__weekly_report" in setup.use("use_prompt", {"name": "nothing like it"}, session="")["result"]


@pytest.mark.parametrize("answer", [None, {}, "x", accept(), accept(chosen="99"), accept(chosen=[1])])
def test_a_page_that_answers_oddly_chose_nothing(setup: Setup, answer: Any) -> None:
    assert "chose nothing" in setup.use("use_prompt", {}, answer)["result"]


@pytest.mark.parametrize(
    "arguments", ["", "{", "[]", '{"name": 5, "arguments": 7}', '{"name": null, "arguments": null}']
)
def test_broken_arguments_of_a_model_break_nothing(setup: Setup, arguments: str) -> None:
    turn = setup.use("use_prompt", arguments, {"action": "cancel"})
    assert "Traceback" not in str(turn["result"])
    assert "error" not in str(turn["result"]).lower() or "JSON object" in turn["result"]


@pytest.mark.parametrize("closed", [{"error": "Client session disconnected."}, {"error": "Event call timed out."}])
def test_a_page_that_was_closed_asks_nobody(setup: Setup, closed: Json) -> None:
    turn = setup.use("use_prompt", {}, closed)
    assert turn["result"].startswith("Nobody can be asked here. Name one of these: lib__")
    assert "needs these arguments: project" in setup.use("use_prompt", {"name": "weekly_report"}, closed)["result"]
    assert "Nobody can be asked here" in setup.use("read_resource", {}, closed)["result"]


def test_odd_prompts(setup: Setup) -> None:
    listed = setup.use("list_prompts")
    rows = [json.loads(line) for line in listed["result"].splitlines()]
    assert {"lib__weekly_report", "lib__emoji", "lib__many"} <= {row["name"] for row in rows}
    assert lines(listed) == ["Not reachable at the moment: dead"]
    [form] = forms(setup.use("use_prompt", {}))
    title = next(title for title in options(form) if "🎉" in title)
    assert len(title) < 500
    assert not {"\u202e", "\n"} & set(title)
    assert "🎉" in setup.use("use_prompt", {"name": "emoji"})["result"]
    assert FOR_THE_MODEL["empty"] in setup.use("use_prompt", {"name": "empty"})["result"]
    many = setup.use("use_prompt", {"name": "many"}, accept(**{f"a{at}": "1" for at in range(100)}))
    assert len(forms(many)[0]["requestedSchema"]["properties"]) == 20
    picture = setup.use("use_prompt", {"name": "test_prompt_with_image"})
    assert [each["type"] for each in picture["files"]] == ["image"]
    embedded = setup.use(
        "use_prompt", {"name": "test_prompt_with_embedded_resource", "arguments": {"resourceUri": "a://b"}}
    )
    assert "Embedded resource content" in embedded["result"]


def test_a_prompt_that_asks_by_itself(setup: Setup) -> None:
    turn = setup.use("use_prompt", {"name": "test_input_required_result_prompt"}, accept(context="松"))
    assert "With the context 松." in turn["result"]


def test_a_prompt_that_fails_is_told_to_both(setup: Setup) -> None:
    turn = setup.use("use_prompt", {"name": "gone"}, language="ja-JP")
    assert lines(turn)[-1] == "lib: gone を取得できませんでした。わかる範囲で回答します"
    assert "The disk is full." in turn["result"]


def test_a_document_is_chosen_and_cited(setup: Setup) -> None:
    [form] = forms(setup.use("read_resource", {}, language="ja-JP"))
    chosen = next(const for title, const in options(form).items() if title.startswith("出張規程.txt"))
    turn = setup.use("read_resource", {}, accept(chosen=chosen), language="ja-JP")
    assert RULES in turn["result"]
    assert sources(turn) == [("出張規程.txt", RULES)]
    assert lines(turn)[-1] == "「出張規程.txt」を読みました"


def test_a_document_with_a_place_to_fill_in(setup: Setup) -> None:
    [form] = forms(setup.use("read_resource", {}))
    chosen = next(const for title, const in options(form).items() if title.startswith("問い合わせ"))
    turn = setup.use("read_resource", {}, accept(chosen=chosen), accept(number="7/8 九"))
    assert "Ticket 7%2F8%20%E4%B9%9D" in turn["result"]
    by_model = setup.use("read_resource", {"uri": "lib://tickets/{number}"}, accept(number="9"))
    assert "Ticket 9" in by_model["result"]


def test_documents_of_every_kind(setup: Setup) -> None:
    def read(uri: str) -> Json:
        return setup.use("read_resource", {"uri": uri})

    long = read("lib://long")["result"]
    assert len(long) < 60_500
    assert f"of {len(LONG):,} characters" in long
    page = read("lib://page")
    assert HTML in page["result"]
    assert [event["type"] for event in page["events"]] == ["source", "status"]
    assert FOR_THE_MODEL["empty"] in read("lib://empty")["result"]
    assert [each["type"] for each in read("lib://picture")["files"]] == ["image"]
    assert "cannot be shown" in read("lib://broken")["result"]
    missing = read("lib://nothing")
    assert "cannot be had: Resource not found" in missing["result"]


def test_a_file_is_stored_for_the_person_and_read_for_the_model(setup: Setup) -> None:
    turn = setup.use("read_resource", {"uri": "lib://files/%E4%BE%A1%E6%A0%BC.csv"})
    [file] = next(event["data"]["files"] for event in turn["events"] if event["type"] == "files")
    assert (file["type"], file["name"]) == ("file", "価格.csv")
    assert "松" in turn["result"]
    odd = setup.use("read_resource", {"uri": "lib://files/odd.bin"})
    assert "odd.bin" in odd["result"]


def test_words_find_prompts_and_documents(setup: Setup) -> None:
    found = setup.use("search_prompts_and_resources", {"words": "週報"})["result"].splitlines()
    assert json.loads(found[0])["name"] == "lib__weekly_report"
    found = setup.use("search_prompts_and_resources", {"words": "出張 規程"})["result"].splitlines()
    assert json.loads(found[0])["uri"] == "lib://rules"
    assert setup.use("search_prompts_and_resources", {"words": "ZZZZ"})["result"] == "Nothing fits these words."
    assert "Nothing fits" in setup.use("search_prompts_and_resources", {"words": ""})["result"]


def test_a_server_that_is_down(setup: Setup) -> None:
    turn = setup.use("use_prompt", {"name": "dead__x"}, {"action": "cancel"}, language="ja-JP")
    assert "現在接続できません：dead" in lines(turn)


def test_the_turns_connection_is_used_and_stays(setup: Setup) -> None:
    turn = setup.use("read_resource", {"uri": "lib://rules"}, held="hub")
    assert RULES in turn["result"]
    assert turn["still_connected"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"grants": []}, "no_access"),
        ({"config": {"enable": False}}, "no_access"),
        ({"info": {"id": "hub"}}, "no_hub"),
        ({"url": "http://127.0.0.1:9/mcp"}, "not_connected"),
        ({"key": "sk-wrong"}, "not_connected"),
    ],
)
@pytest.mark.parametrize(("locale", "language"), [("en-US", "en"), ("ja-JP", "ja")])
def test_what_is_told_where_there_is_no_hub_for_the_person(
    setup: Setup, changes: Json, said: str, locale: str, language: str
) -> None:
    setup.connect(**changes)
    try:
        turn = setup.use("list_prompts", language=locale)
    finally:
        setup.connect()
    assert lines(turn) == [TEXT[language][said]]
    assert turn["result"] == FOR_THE_MODEL[said]


def test_both_languages_say_the_same() -> None:
    assert TEXT["en"].keys() == TEXT["ja"].keys()
    for key, english in TEXT["en"].items():
        assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", TEXT["ja"][key])), key
