"""Agents in the model menu of the real Open WebUI: what a person sees, what is saved, what reaches the agent."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.conftest import account
from tests.e2e.documents import plain
from tests.e2e.page import JAPANESE, PATIENCE_MS, opened
from tests.e2e.stack import PATIENCE, Person, _first_turn, put_back, until
from tests.e2e.test_browser import CHROMIUM, SILENT
from tests.e2e.test_filter_full_text import without_embedding
from tests.fakes.agent import ANSWER, PASSAGE, RULES, USAGE, FakeAgent
from tests.fakes.serving import serving
from tests.fixtures.open_webui import OpenWebUIServer

PIPE = Path(__file__).parents[2] / "pipes" / "agents.py"
KEY = "key-of-the-agents"
GROUP = "人事部の人"
SECRET = "a-secret-of-more-than-32-characters"
EVERYONE = {"principal_type": "user", "principal_id": "*", "permission": "read"}
OPEN = ("perplexity", "tools", "slow", "dies", "open-webui", "echo", "closed")

Json = dict[str, Any]


@dataclass(frozen=True)
class Office:
    """Open WebUI with agents. Mari is in the group of personnel, Ken is not."""

    server: OpenWebUIServer
    agent: FakeAgent
    mari: Person
    ken: Person

    def asked(self, question: str) -> list[Json]:
        return [asked.body for asked in self.agent.asked if question in json.dumps(asked.body, ensure_ascii=False)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is missing: run `apt-get install chromium fonts-noto-cjk` as root")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SILENT)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def office(open_webui: OpenWebUIServer) -> Iterator[Office]:
    agent = FakeAgent(KEY)
    with serving(agent) as address, put_back(open_webui), ExitStack() as people:
        mari, ken = (people.enter_context(_person(open_webui, name)) for name in ("mari", "ken"))
        group = open_webui.request("POST", "/api/v1/groups/create", {"name": GROUP, "description": ""})["id"]
        open_webui.request("POST", f"/api/v1/groups/id/{group}/users/add", {"user_ids": [mari.id]})
        _install(open_webui, f"{address}/v1")
        _publish(open_webui, "personnel", {**EVERYONE, "principal_type": "group", "principal_id": group})
        for id in OPEN:
            _publish(open_webui, id, EVERYONE)
        _leave_files_to(open_webui, "echo")
        open_webui.request("GET", "/api/models?refresh=true")
        yield Office(open_webui, agent, mari, ken)
        open_webui.request("DELETE", f"/api/v1/groups/id/{group}/delete")


def _person(server: OpenWebUIServer, name: str) -> Any:
    return contextmanager(account)(server, name, f"{name}@example.com")


def _install(server: OpenWebUIServer, url: str) -> None:
    models = {"personnel": "chat", "closed": "chat", **{id: id for id in OPEN if id != "closed"}}
    rows: list[Json] = [{"id": id, "name": f"案内 {id}", "url": url, "model": model} for id, model in models.items()]
    next(row for row in rows if row["id"] == "closed")["groups"] = [GROUP]
    next(row for row in rows if row["id"] == "echo")["files"] = "text"
    form = {"id": "agents", "name": "Agents", "content": PIPE.read_text(encoding="utf-8"), "meta": {"description": ""}}
    server.request("POST", "/api/v1/functions/create", form)
    valves = {"agents": json.dumps(rows), "keys": json.dumps(dict.fromkeys(models, KEY)), "identity_secret": SECRET}
    server.request("POST", "/api/v1/functions/id/agents/valves/update", valves)
    server.request("POST", "/api/v1/functions/id/agents/toggle")


def _publish(server: OpenWebUIServer, id: str, grant: Json) -> None:
    form = {"id": f"agents.{id}", "name": f"案内 {id}", "access_grants": [grant]}
    server.request("POST", "/api/v1/models/model/access/update", form)


def _leave_files_to(server: OpenWebUIServer, id: str) -> None:
    """As the guide says, so that Open WebUI adds nothing of them to the question."""
    meta = {"capabilities": {"file_context": False}}
    form = {"id": f"agents.{id}", "base_model_id": None, "name": f"案内 {id}", "meta": meta, "params": {}}
    server.request("POST", "/api/v1/models/model/update", form)


def text(message: Json) -> str:
    parts = [item["content"] for item in message["output"] if item["type"] == "message"]
    return "".join(part["text"] for content in parts for part in content)


def title(person: Person, chat_id: str) -> str:
    return str(person.get(f"/api/v1/chats/{chat_id}")["title"])


def test_an_agent_is_in_the_menu_of_those_who_may_ask_it(office: Office) -> None:
    mine, theirs = (
        {model["id"]: model["name"] for model in person.get("/api/models")["data"]}
        for person in (office.mari, office.ken)
    )
    assert mine["agents.personnel"] == "案内 personnel"
    assert "agents.personnel" not in theirs
    assert {f"agents.{id}" for id in OPEN} <= theirs.keys()


def test_answer_source_and_usage_are_saved_and_the_title_costs_the_agent_nothing(office: Office) -> None:
    question = "有給休暇は何日ありますか。"
    turn = office.mari.ask(question, model="agents.perplexity")
    assert text(turn.message) == "".join(ANSWER)
    first, second = turn.message["sources"]
    assert first["source"] == {"name": "Rules of employment", "url": RULES}
    assert first["document"] == [PASSAGE]
    assert second["source"]["url"] == "https://example.org/two"
    assert {key: turn.message["usage"][key] for key in USAGE} == USAGE
    until(lambda: title(office.mari, turn.chat_id) == question or None, "the chat has no title")
    assert len(office.asked(question)) == 1


def test_the_agent_learns_who_asks_and_in_which_chat(office: Office) -> None:
    question = "私は誰ですか。"
    turn = office.ken.ask(question, model="agents.perplexity")
    [asked] = [asked for asked in office.agent.asked if question in json.dumps(asked.body, ensure_ascii=False)]
    said = jwt.decode(asked.headers["x-openwebui-user-jwt"], SECRET, algorithms=["HS256"])
    assert (said["sub"], said["email"], said["groups"]) == (office.ken.id, "ken@example.com", [])
    assert said["chat_id"] == asked.headers["x-openwebui-chat-id"] == turn.chat_id


def test_tools_are_shown_and_not_run_and_not_sent_again(office: Office) -> None:
    turn = office.mari.ask("規程を調べてください。", model="agents.tools")
    output = turn.message["output"]
    assert [item["type"] for item in output] == [
        *("function_call", "function_call_output", "function_call", "function_call_output", "message"),
    ]
    assert [(item["name"], item["arguments"], item["status"]) for item in output if "name" in item] == [
        ("search_rules", '{"query": "有給"}', "completed"),
        ("look_at_clock", "{}", "completed"),
    ]
    assert output[1]["output"] == [{"type": "input_text", "text": PASSAGE}]
    assert len(office.asked("規程を調べてください。")) == 1


def test_stop_closes_the_agent_within_a_second(office: Office) -> None:
    question = "止めてください。"
    chat_id, answer_id = begun(office.mari, question, "agents.slow")
    asked = until(lambda: next(iter(a for a in office.agent.asked if question in str(a.body)), None), "nobody asked")
    time.sleep(1)  # some words come
    stopped = time.monotonic()
    office.mari.post(f"/api/tasks/chat/{chat_id}/stop", {})
    assert asked.closed.wait(PATIENCE)
    assert asked.closed_at - stopped < 1
    message = until(lambda: _done(office.mari, chat_id, answer_id), "the answer does not end")
    assert text(message).startswith("0 1 ")
    assert all(status["done"] for status in message.get("statusHistory", [])[-1:])


def test_an_agent_that_dies_leaves_a_sentence_and_what_it_said(office: Office) -> None:
    chat_id, answer_id = begun(office.mari, "最後まで答えてください。", "agents.dies")
    message = until(lambda: _done(office.mari, chat_id, answer_id), "the answer does not end")
    assert text(message) == "".join(ANSWER[:2])
    assert "回答の途中で 案内 dies との接続が切れました" in message["error"]["content"]["message"]


def test_a_picture_becomes_a_file_of_the_chat(office: Office) -> None:
    turn = office.mari.ask("図を見せてください。", model="agents.open-webui")
    stored = next(file["url"] for file in turn.message["files"] if file["type"] == "image")
    assert stored.startswith("/api/v1/files/")
    assert turn.message["embeds"] == ["<p>one</p>", "<p>two</p>"]
    assert [status["done"] for status in turn.message["statusHistory"]] == [False, True]


def test_a_file_reaches_the_agent_once_as_text_and_not_the_other_person_s(office: Office) -> None:
    passage = "合言葉は山と川です。"
    with without_embedding(office.server):
        file = office.mari.upload(plain("合言葉.txt", passage))
        office.mari.ask("合言葉は?", [file], model="agents.echo")
        [asked] = office.asked("合言葉は?")
        assert json.dumps(asked, ensure_ascii=False).count(passage) == 1
        turn = office.ken.ask("他人の合言葉は?", [file], model="agents.echo")
    [asked] = office.asked("他人の合言葉は?")
    assert passage not in json.dumps(asked, ensure_ascii=False)
    assert turn.statuses[-1] == "合言葉.txt は読み取れないため、エージェントに渡していません"


def test_who_was_never_shown_an_agent_cannot_ask_it(office: Office) -> None:
    question = "人事の秘密は?"
    body = {**_first_turn(office.ken, question, [], str(uuid.uuid4())), "model": "agents.personnel"}
    with pytest.raises(httpx2.HTTPStatusError):
        office.ken.post("/api/chat/completions", body)
    assert office.asked(question) == []


def test_the_groups_of_the_manifest_hold_where_the_menu_shows_too_much(office: Office) -> None:
    question = "内緒の規程は?"
    chat_id, answer_id = begun(office.ken, question, "agents.closed")
    message = until(lambda: _done(office.ken, chat_id, answer_id), "the answer does not end")
    assert "公開されていません" in message["error"]["content"]["message"]
    assert office.asked(question) == []
    assert text(office.mari.ask("私には?", model="agents.closed").message) == "".join(ANSWER)


@pytest.mark.needs_browser
def test_choose_ask_see_the_tools_open_a_source(office: Office, browser: Browser) -> None:
    with opened(browser, JAPANESE) as chat:
        chat.sign_in(office.mari)
        chat.page.locator("#model-selector-model-button").click()
        chat.page.get_by_role("option", name="案内 open-webui").click()
        chat.send("出典を確かめます。")
        answer = chat.answers.last
        expect(answer).to_contain_text(ANSWER[-1])
        expect(chat.statuses.last).to_contain_text("案内 open-webui の作業時間")
        answer.get_by_role("button", name="ソースを表示: Rules").click()
        expect(chat.page.get_by_role("dialog")).to_contain_text(PASSAGE)

        chat.open_model(office.server.url, "agents.tools")
        chat.send("道具の表示を確かめます。")
        expect(chat.answers.last).to_contain_text(ANSWER[-1])
        expect(chat.answers.last).to_contain_text("search_rules, look_at_clock")


@pytest.mark.needs_browser
def test_reload_in_the_middle_and_stop(office: Office, browser: Browser) -> None:
    question = "再読み込みしてから止めます。"
    with opened(browser, JAPANESE) as chat:
        chat.sign_in(office.mari)
        chat.open_model(office.server.url, "agents.slow")
        chat.send(question)
        expect(chat.answers.last).to_contain_text("0 1 2 3")
        chat.page.reload()
        expect(chat.answers.last).to_contain_text("0 1 2 3")
        [asked] = [asked for asked in office.agent.asked if question in str(asked.body)]
        assert not asked.closed.is_set()
        chat.page.get_by_role("button", name="停止", exact=True).click()
        assert asked.closed.wait(PATIENCE)
        chat.page.reload()
        expect(chat.answers.last).to_contain_text("0 1 2 3")
        expect(chat.page.get_by_role("button", name="停止", exact=True)).to_have_count(0)


def begun(person: Person, question: str, model: str) -> tuple[str, str]:
    """Chat and answer, of which only the beginning was waited for."""
    answer_id = str(uuid.uuid4())
    body = {**_first_turn(person, question, [], answer_id), "model": model}
    return person.post("/api/chat/completions", body)["chat_id"], answer_id


def _done(person: Person, chat_id: str, answer_id: str) -> Json | None:
    message = person.get(f"/api/v1/chats/{chat_id}")["chat"]["history"]["messages"].get(answer_id, {})
    return message if message.get("done") else None
