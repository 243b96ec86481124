"""Tools of the hub in the real Open WebUI, put there by `sekisho apply`: in a chat, and as people see them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect
from playwright.sync_api import TimeoutError as PageTimeout

from install.doctor.probes import PROBES
from tests.e2e.page import ENGLISH, JAPANESE, ChatPage, Language, opened
from tests.e2e.stack import CHAT_MODEL, Person, Stack, until
from tests.e2e.test_browser import browser
from tests.e2e.test_doctor import rows, run_doctor
from tests.e2e.tool_servers import ANSWER, HUB, HUB_MODEL, OFFERS, tool_servers
from tests.fakes.mcp_everything.serving import Everything

__all__ = ["browser"]


@dataclass(frozen=True)
class Words:
    """What people read, in one language."""

    page: Language
    percent: str
    done: str
    stopped: str
    away: str
    down: str
    prompts: str
    chosen: str
    used: str
    read: str
    sources: str
    sign_in: str
    decline: str
    sign_in_first: str


WORDS = (
    Words(
        JAPANESE,
        percent="x: slow：step 1（50%）",
        done="x: slow：完了",
        stopped="x: slow：停止しました",
        away="現在接続できません：wiki。これらを使わずに回答します。",
        down="fragile は現在応答していません。後でもう一度試すか、管理者に知らせてください。",
        prompts="プロンプトを選んでください。その内容に沿って回答します。",
        chosen="x: 週報を書く – 今週のまとめを決まった形で書きます。",
        used="プロンプト「x: 週報を書く」",
        read="「出張規程.txt」を読みました",
        sources="1件のソース",
        sign_in="サインインが必要です",
        decline="拒否",
        sign_in_first="crm を使うには、先にサインインが必要です。",
    ),
    Words(
        ENGLISH,
        percent="x: slow: step 1 (50%)",
        done="x: slow: done",
        stopped="x: slow: stopped",
        away="Not reachable at the moment: wiki. The answer comes without them.",
        down="fragile does not answer at the moment. Try again later, or tell an administrator.",
        prompts="Choose a prompt. The answer does what it says.",
        chosen="x: 週報を書く – 今週のまとめを決まった形で書きます。",
        used="Prompt “x: 週報を書く”",
        read="Read “出張規程.txt”",
        sources="1 Source",
        sign_in="Sign in to “crm”",
        decline="Decline",
        sign_in_first="crm needs you to sign in first.",
    ),
)


@pytest.fixture(scope="module")
def tools(stack: Stack) -> Iterator[Everything]:
    with tool_servers(stack) as everything:
        yield everything


def test_a_tool_with_progress_in_a_chat(stack: Stack, tools: Everything, hanako: Person) -> None:
    turn = hanako.ask("call hub_x__test_tool_with_progress {}", model=HUB_MODEL, tool_ids=[HUB])
    assert "x: test_tool_with_progress：0 of 100（0%）" in turn.statuses
    assert turn.statuses[-1] == "x: test_tool_with_progress：完了"
    assert "現在接続できません：wiki。これらを使わずに回答します。" in turn.statuses
    assert turn.message["content"].endswith(ANSWER)

    def recorded() -> Any:
        return [row for row in stack.gateway.records() if row.api == "mcp" and row.user_id == hanako.id]

    [row, *_] = until(recorded, "no record of the call")
    assert (row.model, row.upstream_model, row.client) == ("x", "test_tool_with_progress", "open-webui")


def test_a_document_is_read_in_the_persons_name(stack: Stack, tools: Everything, hanako: Person) -> None:
    turn = hanako.ask(
        'call read_resource {"uri": "lib://files/%E4%BE%A1%E6%A0%BC.csv"}', model=HUB_MODEL, tool_ids=[OFFERS]
    )
    [file] = turn.message["files"]
    assert (file["type"], file["name"]) == ("file", "価格.csv")
    assert "松" in hanako.extracted(file)

    def recorded() -> Any:
        rows = [
            row for row in stack.gateway.records() if row.api == "mcp" and str(row.upstream_model).startswith("lib://")
        ]
        return [row.user_id for row in rows]

    assert until(recorded, "no record of the document") == [hanako.id]


@pytest.mark.parametrize(
    ("model", "state", "detail", "remedy"),
    [
        (HUB_MODEL, "attributed", "by headers", "FORWARD_USER_INFO_HEADER_JWT_SECRET"),
        (CHAT_MODEL, "failed", "the model called no tool", "--model"),
    ],
    ids=["calls", "calls none"],
)
def test_the_doctor_lets_a_model_call_a_tool_of_the_hub(
    stack: Stack, tools: Everything, tmp_path: Path, model: str, state: str, detail: str, remedy: str
) -> None:
    others = [part for probe in PROBES if probe.name != "tool server" for part in ("--skip", probe.name)]
    done = run_doctor(stack, tmp_path, "--json", "--model", model, *others)
    assert rows(done, "checks")["tool_servers"]["state"] == "ok"
    found = rows(done, "paths")["tool server"]
    assert found["state"] == state, found
    assert detail in found["detail"]
    assert remedy in found["remedy"]


@dataclass(frozen=True)
class Visit:
    """Somebody's page with the tools switched on, for all tests of one language."""

    chat: ChatPage
    person: Person
    words: Words

    def ask(self, question: str) -> None:
        """Ask in a new chat."""
        until(self._has_tools, "the page does not take up the tools")
        self.chat.send(question)

    def _has_tools(self) -> bool:
        """Open a new chat; return whether the tools are chosen there: a page that still loads forgets its address."""
        self.chat.page.goto(f"{self.person.server.url}/?models={HUB_MODEL}&tools={HUB},{OFFERS}")
        expect(self.chat.page.locator("#chat-input")).to_be_visible()
        try:
            self.chat.composer.get_by_text("2", exact=True).wait_for(timeout=20_000)
        except PageTimeout:
            return False
        return True

    @property
    def dialog(self) -> Locator:
        return self.chat.page.get_by_role("dialog")

    def hand_in(self) -> None:
        self.dialog.locator("button[type=submit]").click()
        expect(self.chat.answers.last).to_contain_text(ANSWER)


@pytest.fixture(scope="module", params=WORDS, ids=["ja", "en"])
def visit(tools: Everything, hanako: Person, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    with opened(browser, request.param.page) as chat:
        chat.sign_in(hanako)
        yield Visit(chat, hanako, request.param)


@pytest.mark.needs_browser
def test_progress_is_a_line_with_percent(visit: Visit) -> None:
    visit.ask('call hub_x__slow {"seconds": 6, "steps": 2}')
    expect(visit.chat.statuses.last).to_contain_text(visit.words.percent)
    visit.chat.shoot_narrow("tool-progress")
    expect(visit.chat.answers.last).to_contain_text(ANSWER)
    expect(visit.chat.statuses.last).to_contain_text(visit.words.done)
    expect(visit.chat.open_statuses().filter(has_text=visit.words.away)).to_have_count(1)


@pytest.mark.needs_browser
def test_a_question_of_a_tool_is_answered(visit: Visit) -> None:
    visit.ask('call hub_x__test_elicitation {"message": "担当者はだれですか。"}')
    expect(visit.dialog).to_contain_text("担当者はだれですか。")
    visit.chat.shoot_narrow("tool-question")
    for field in visit.dialog.locator("input").all():
        field.fill("hanako")
    visit.hand_in()


@pytest.mark.needs_browser
def test_a_picture_is_seen(visit: Visit) -> None:
    visit.ask("call hub_x__chart {}")
    picture = visit.chat.answers.last.locator("img[src*='/api/v1/files/']").last
    expect(picture).to_be_visible()
    visit.chat.shoot_narrow("tool-picture")


@pytest.mark.needs_browser
def test_a_prompt_is_picked_and_filled_in(visit: Visit) -> None:
    visit.ask("call use_prompt {}")
    expect(visit.dialog).to_contain_text(visit.words.prompts)
    visit.dialog.locator("select").select_option(label=visit.words.chosen)
    visit.chat.shoot_narrow("prompt-choice")
    visit.dialog.locator("button[type=submit]").click()
    field = visit.dialog.get_by_label("案件")
    field.fill("松")
    visit.chat.shoot_narrow("prompt-form")
    visit.hand_in()
    expect(visit.chat.statuses.last).to_contain_text(visit.words.used)


@pytest.mark.needs_browser
def test_a_document_is_picked_and_cited(visit: Visit) -> None:
    visit.ask("call read_resource {}")
    visit.dialog.locator("select").select_option(label="出張規程.txt – 出張規程.txtです。")
    visit.hand_in()
    expect(visit.chat.statuses.last).to_contain_text(visit.words.read)
    visit.chat.answers.last.get_by_role("button", name=visit.words.sources).click()
    expect(visit.chat.answers.last).to_contain_text("出張規程.txt")
    visit.chat.shoot_narrow("document")


@pytest.mark.needs_browser
def test_a_call_is_stopped(tools: Everything, visit: Visit) -> None:
    tools.happened.cancelled.clear()
    visit.ask('call hub_x__slow {"seconds": 600, "steps": 3}')
    expect(visit.chat.statuses.last).to_contain_text("step 0")
    visit.chat.page.keyboard.press("Escape")
    until(lambda: tools.happened.cancelled == ["slow"], "the server does not know of the stop")
    expect(visit.chat.statuses.last).to_contain_text(visit.words.stopped)


@pytest.mark.needs_browser
def test_who_must_sign_in_gets_the_link(stack: Stack, visit: Visit) -> None:
    visit.ask("call hub_crm__sign_in {}")
    link = visit.dialog.get_by_role("link")
    expect(link).to_have_attribute("href", re.compile(rf"^{re.escape(stack.gateway.url)}/mcp-sign-in/crm\?for=\w+$"))
    expect(visit.dialog).to_contain_text(visit.words.sign_in)
    visit.chat.shoot_narrow("tool-sign-in")
    visit.dialog.get_by_role("button", name=visit.words.decline).click()
    expect(visit.chat.answers.last).to_contain_text(ANSWER)
    expect(visit.chat.statuses.last).to_contain_text(visit.words.sign_in_first)


@pytest.mark.needs_browser
def test_a_server_that_went_down_is_told_in_plain_words(visit: Visit) -> None:
    visit.ask("call hub_fragile__breaks {}")
    expect(visit.chat.answers.last).to_contain_text(ANSWER)
    expect(visit.chat.statuses.last).to_contain_text(visit.words.down)
    visit.chat.shoot_narrow("server-down")
