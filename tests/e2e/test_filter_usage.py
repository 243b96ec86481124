"""What people are told beside an answer: its cost and their month from the real gateway, and what cannot be sent."""

import re
from typing import Any

import pytest

from tests.e2e import documents
from tests.e2e.stack import CHAT_MODEL, FULL_TEXT, SMALL_MODEL, FileItem, Person, Stack, Turn, until
from tests.e2e.test_filter_full_text import without_embedding
from tests.e2e.upstream import CALL_A_TOOL

LINE = "usage_line"
STOPPED = r"送信しませんでした。この会話は約[\d,]+トークンで、small-model が読めるのは12,000"
COST = "$0.00054"
"""120 tokens at 3 USD and 12 at 15 USD a million."""
ROUNDING = 0.05
"""The line shows two digits of a small amount."""


def line_of(person: Person, turn: Turn) -> str:
    """The latest status; the cost is told a moment after the answer is complete."""

    def told() -> str | None:
        messages = person.get(f"/api/v1/chats/{turn.chat_id}")["chat"]["history"]["messages"]
        lines = [status.get("description", "") for status in messages[turn.message["id"]].get("statusHistory", [])]
        return lines[-1] if lines and "今月" in lines[-1] else None

    return until(told, "the cost was not told")


def usd(text: str) -> float:
    return float(text.removeprefix("$"))


def test_the_line_tells_the_cost_of_the_answer_and_of_the_month(stack: Stack, hanako: Person) -> None:
    turn = hanako.ask("この回答はいくらですか。", filters=[LINE])
    assert turn.message["usage"]["cost"] == pytest.approx(0.00054)
    line = line_of(hanako, turn)
    found = re.fullmatch(r"(\S+) · 132トークン · 今月 (\S+)", line)
    assert found, line
    assert found[1] == COST
    assert usd(found[2]) >= usd(COST)


def test_a_tool_loop_is_added_up(stack: Stack, hanako: Person) -> None:
    turn = hanako.ask(f"{CALL_A_TOOL}ですか。いくらですか。", filters=[LINE])
    assert line_of(hanako, turn).startswith("$0.0011 · 264トークン · 今月 $")


def test_it_is_off_unless_somebody_switches_it_on(hanako: Person) -> None:
    turn = hanako.ask("料金は聞いていません。")
    assert not any("トークン" in status for status in turn.statuses)


def test_both_lines_are_one(stack: Stack, hanako: Person) -> None:
    file = hanako.upload(documents.plain("短い.txt", "短い文書です。"))
    turn = hanako.ask("短い文書はいくらですか。", [file], [FULL_TEXT, LINE])
    assert re.fullmatch(rf"全文: 1件、.* · {re.escape(COST)} · 132トークン · 今月 \S+", line_of(hanako, turn))


def test_the_button_shows_the_month_by_model_and_day(stack: Stack, hanako: Person) -> None:
    turn = hanako.ask("今月の利用状況は?")
    place = {"chat_id": turn.chat_id, "id": turn.message["id"], "session_id": "no-browser"}
    hanako.post("/api/chat/actions/my_usage", {"model": CHAT_MODEL, "messages": [], **place})

    def embedded() -> Any:
        messages = hanako.get(f"/api/v1/chats/{turn.chat_id}")["chat"]["history"]["messages"]
        return messages[turn.message["id"]].get("embeds")

    [page] = until(embedded, "nothing was embedded")
    assert "My usage" in page
    assert CHAT_MODEL in page
    assert "<rect" in page


def test_the_months_of_two_people_are_two(stack: Stack, hanako: Person, taro: Person) -> None:
    hanako.ask("花子の質問です。", filters=[LINE])
    used = re.search(r"今月 (\S+)", line_of(taro, taro.ask("太郎の最初の質問です。", filters=[LINE])))
    assert used
    spent = sum(row.cost_nano_usd or 0 for row in stack.gateway.records() if row.user_id == taro.id) / 1e9
    assert usd(used[1]) <= spent * (1 + ROUNDING)


@pytest.fixture(scope="module")
def long_file(stack: Stack, hanako: Person) -> FileItem:
    with without_embedding(stack.open_webui):
        return hanako.upload(documents.long_pdf("long.pdf"))


def test_what_the_model_cannot_read_is_stopped_with_a_sentence(
    stack: Stack, hanako: Person, long_file: FileItem
) -> None:
    path = f"/api/v1/functions/id/{FULL_TEXT}/valves/user/update"
    hanako.post(path, {"mode": "whole"})
    before = len(stack.upstream.chats)
    try:
        with pytest.raises(AssertionError, match=STOPPED):
            hanako.ask("全部読んでください。", [long_file], [FULL_TEXT], model=SMALL_MODEL)
    finally:
        hanako.post(path, {})
    assert len(stack.upstream.chats) == before


def test_a_file_of_which_nothing_was_read_is_named(stack: Stack, hanako: Person) -> None:
    with without_embedding(stack.open_webui):
        file = hanako.upload(documents.plain("not-indexed.txt", "この文書は索引にありません。"))
    turn = hanako.ask("索引にない文書は?", [file])
    assert turn.statuses[-1] == (
        "not-indexed.txt からは何も読み取れませんでした（空、読み取り中、または削除済み）。"
        "回答にはその内容が含まれません。もう一度添付してください"
    )
