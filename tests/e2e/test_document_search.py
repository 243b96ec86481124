"""The search of documents in the real Open WebUI: what people see, what they may not see, what the ledger knows."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.conftest import account
from tests.e2e.documents import Document, plain
from tests.e2e.page import ENGLISH, JAPANESE, PATIENCE_MS, Language, opened
from tests.e2e.stack import CHAT_MODEL, Person, Stack, put_back, until
from tests.e2e.test_browser import CHROMIUM, SILENT
from tests.fixtures.gateway import IDENTITY_SECRET

pytestmark = pytest.mark.timeout(400)

PIPE = Path(__file__).parents[2] / "pipes" / "document_search.py"
MODEL = "document_search"
NAME = "社内文書検索"
EVERYONE = {"principal_type": "user", "principal_id": "*", "permission": "read"}
LEAVE = "年次有給休暇は勤続6か月で10日とする。"
SALARY = "部長の基本給は月額72万円とする。"
QUESTION = "年次有給休暇は勤続6か月で何日ですか。"

Json = dict[str, Any]


@dataclass(frozen=True)
class Office:
    """Rules for everyone; salaries that only Aoi may read."""

    stack: Stack
    aoi: Person
    ren: Person


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
def office(stack: Stack) -> Iterator[Office]:
    server = stack.open_webui
    with put_back(server), ExitStack() as everything:
        aoi, ren = (everything.enter_context(person(stack, name)) for name in ("aoi", "ren"))
        administrator = Person(server, "Admin", "", "", server.admin_token)
        form = {"id": MODEL, "name": NAME, "content": PIPE.read_text(encoding="utf-8"), "meta": {"description": ""}}
        server.request("POST", "/api/v1/functions/create", form)
        valves = {"gateway_url": f"{stack.gateway.url}/v1", "secret": IDENTITY_SECRET, "model": CHAT_MODEL}
        server.request("POST", f"/api/v1/functions/id/{MODEL}/valves/update", valves)
        server.request("POST", f"/api/v1/functions/id/{MODEL}/toggle")
        access = {"id": MODEL, "name": NAME, "access_grants": [EVERYONE]}
        server.request("POST", "/api/v1/models/model/access/update", access)
        server.request("GET", "/api/models?refresh=true")
        for_aoi = {**EVERYONE, "principal_id": aoi.id}
        rules = [plain("就業規則.txt", LEAVE), plain("安全規程.txt", "パスワードは16文字以上とする。")]
        everything.enter_context(knowledge(administrator, "規程集", rules, EVERYONE))
        everything.enter_context(knowledge(administrator, "給与", [plain("給与規程.txt", SALARY)], for_aoi))
        yield Office(stack, aoi, ren)


def person(stack: Stack, name: str) -> Any:
    return contextmanager(account)(stack.open_webui, name, f"{name}@example.com")


@contextmanager
def knowledge(owner: Person, name: str, files: list[Document], readers: Json) -> Iterator[str]:
    form = {"name": name, "description": name, "access_grants": [readers]}
    id = str(owner.post("/api/v1/knowledge/create", form)["id"])
    for file in files:
        owner.post(f"/api/v1/knowledge/{id}/file/add", {"file_id": owner.upload(file)["id"]})
    yield id
    owner.server.request("DELETE", f"/api/v1/knowledge/{id}/delete")


def text(message: Json) -> str:
    parts = [item["content"] for item in message["output"] if item["type"] == "message"]
    return "".join(part["text"] for content in parts for part in content)


def test_an_answer_is_saved_with_its_source_and_costs_are_of_the_asker(office: Office) -> None:
    """The model's answer stands in no document, so that the document's own sentence is shown."""
    answer_id = str(uuid.uuid4())
    turn = office.ren.ask(QUESTION, model=MODEL, answer_id=answer_id)
    assert "10日とする" in text(turn.message)
    assert "[1]" in text(turn.message)
    assert turn.message["sources"][0]["document"] == [LEAVE]
    assert turn.message["statusHistory"][-1]["done"] is True
    assert "2件の文書を検索し" in turn.statuses[-1]
    rows = [row for row in office.stack.gateway.records() if row.message_id == answer_id and row.task == MODEL]
    assert [(row.user_id, row.chat_id) for row in rows] == [(office.ren.id, turn.chat_id)] * 2, "plan and answer"


@pytest.fixture
def models_away(office: Office) -> Iterator[None]:
    """The gateway does not answer: its models leave the menu."""
    server = office.stack.open_webui
    known = server.request("GET", "/openai/config")
    away = {**known, "OPENAI_API_BASE_URLS": ["http://127.0.0.1:9/v1" for _ in known["OPENAI_API_BASE_URLS"]]}
    try:
        server.request("POST", "/openai/config/update", away)
        server.request("GET", "/api/models?refresh=true")
        yield
    finally:
        server.request("POST", "/openai/config/update", known)
        server.request("GET", "/api/models?refresh=true")


def test_a_chat_that_opened_here_as_no_model_is_left_says_so_first(office: Office, models_away: None) -> None:
    answer = text(office.aoi.ask(QUESTION, model=MODEL).message)
    assert answer.startswith("**現在AIモデルに接続できないため、このチャットは「社内文書検索」で開いています。**")
    assert "10日とする" in answer, "what the documents say follows"


def test_a_chat_with_the_search_beside_models_says_nothing_of_them(office: Office) -> None:
    assert "AIモデル" not in text(office.aoi.ask(QUESTION, model=MODEL).message)


def test_the_title_costs_no_search(office: Office) -> None:
    turn = office.ren.ask("パスワードは何文字以上ですか。", model=MODEL)
    title = until(lambda: named(office.ren, turn.chat_id), "the chat has no title")
    assert title.startswith("パスワードは何文字")
    assert "16文字以上" in text(turn.message)


def named(person: Person, chat_id: str) -> str | None:
    title = str(person.get(f"/api/v1/chats/{chat_id}")["title"])
    return title if title not in ("", "New Chat") else None


def test_two_people_get_what_they_may_read(office: Office) -> None:
    question = "部長の基本給は月額いくらですか。"
    assert "72万円" in text(office.aoi.ask(question, model=MODEL).message)
    refused = office.ren.ask(question, model=MODEL).message
    assert "72万" not in str(refused)
    assert "給与規程" not in str(refused)


@pytest.mark.needs_browser
@pytest.mark.parametrize(
    ("language", "done", "opens"),
    [
        (JAPANESE, "3件の文書を検索し", "ソースを表示: 就業規則.txt"),
        (ENGLISH, "Documents searched: 3", "View source: 就業規則.txt"),
    ],
    ids=["ja", "en"],
)
def test_choose_it_ask_and_open_the_citation(
    office: Office, browser: Browser, language: Language, done: str, opens: str
) -> None:
    with opened(browser, language) as chat:
        chat.sign_in(office.aoi)
        chat.page.locator("#model-selector-model-button").click()
        chat.page.get_by_role("option", name=NAME).click()
        chat.send(QUESTION)
        answer = chat.answers.last
        expect(answer).to_contain_text("10日とする")
        expect(chat.statuses.last).to_contain_text(done)
        chat.shoot("document-search")
        answer.get_by_role("button", name=opens).first.click()
        expect(chat.page.get_by_role("dialog")).to_contain_text(LEAVE)
        chat.shoot("document-search-source")


@pytest.mark.needs_browser
def test_the_second_number_opens_the_second_passage(office: Office, browser: Browser) -> None:
    with opened(browser, JAPANESE) as chat:
        chat.sign_in(office.aoi)
        chat.open_model(office.stack.open_webui.url, MODEL)
        chat.send("部長の基本給と年次有給休暇とパスワードを比べるとどうですか。")
        answer = chat.answers.last
        expect(answer).to_contain_text("検索した範囲")
        names = answer.locator("blockquote button")
        expect(names).to_have_count(3)
        quoted = answer.locator("blockquote").nth(1).inner_text()
        names.nth(1).click()
        passages = {"10日": LEAVE, "72万円": SALARY, "16文字": "パスワードは16文字以上とする。"}
        [passage] = [passage for mark, passage in passages.items() if mark in quoted]
        expect(chat.page.get_by_role("dialog")).to_contain_text(passage)
