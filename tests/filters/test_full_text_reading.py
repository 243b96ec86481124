"""Files that filters/full_text.py reads itself, in a process of its own: page marks, and what Open WebUI could not."""

import io
from typing import Any

import pytest
from docx import Document as WordDocument

from tests.e2e import documents
from tests.filters.chatting import Chat, contexts, status

Json = dict[str, Any]


def text_in(turn: Json, number: int = 0) -> str:
    return str(turn["body"]["files"][number]["file"]["data"]["content"])


def test_page_marks_come_out_of_the_file_itself(chat: Chat) -> None:
    chat.user_valves = {"page_marks": True}
    rules = documents.pdf("rules.pdf", "松")
    turn = chat.ask(chat.file("rules.pdf", "without marks", raw=rules.content))
    pages = text_in(turn).split("[Page ")[1:]
    assert [page.partition("]")[0] for page in pages] == [str(number) for number in range(1, 11)]
    assert all(marker in page for marker, page in zip(rules.markers, pages, strict=True))
    assert "\n".join(rules.lines) in pages[0]
    assert status(turn).startswith("1 file, ")


def test_what_open_webui_s_engine_read_is_used_where_it_is_more(chat: Chat) -> None:
    rules = documents.pdf("rules.pdf", "松")
    plain = text_in(chat.ask(chat.file("rules.pdf", "", raw=rules.content)))
    turn = chat.ask(
        chat.file("rules.pdf", f"{plain}\n\nStamped by hand: approved on 3 April, two copies." * 3, raw=rules.content)
    )
    assert "content" not in turn["body"]["files"][0]["file"]["data"]
    chat.host.call("config", values={"rag.content_extraction_engine": "docling"})
    try:
        turn = chat.ask(chat.file("rules.pdf", f"{plain}\n\nStamped.", raw=rules.content))
        assert "content" not in turn["body"]["files"][0]["file"]["data"]
        turn = chat.ask(chat.file("rules.pdf", plain[:300], raw=rules.content))
        assert text_in(turn) == plain
    finally:
        chat.host.call("config", values={"rag.content_extraction_engine": ""})


@pytest.mark.parametrize("state", ["completed", "failed"])
def test_a_word_file_without_stored_text_becomes_markdown(chat: Chat, state: str) -> None:
    word = WordDocument()
    word.add_heading("手引き", level=0)
    word.add_heading("Chapter", level=2)
    word.add_paragraph("Before the table.\nSecond line.")
    table = word.add_table(rows=0, cols=2)
    for row in (("区分", "上限"), ("a|b", "12,300円")):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    word.add_paragraph("item", style="List Bullet")
    word.add_paragraph("After the table.")
    file = io.BytesIO()
    word.save(file)
    turn = chat.ask(chat.file("手引き.docx", None, raw=file.getvalue(), status=state))
    assert text_in(turn) == (
        "# 手引き\n\n## Chapter\n\nBefore the table.\nSecond line.\n\n"
        "| 区分 | 上限 |\n| --- | --- |\n| a\\|b | 12,300円 |\n\n- item\n\nAfter the table."
    )


HOSTILE = {
    "scan": (documents.scan("x.pdf"), "no text layer; OCR is off"),
    "encrypted": (documents.encrypted("x.pdf"), "it has a password"),
    "broken": (documents.broken("x.pdf"), "the file is damaged"),
    "bomb": (documents.zip_bomb("x.docx"), "it unpacks to an unreasonable size"),
    "no zip": (documents.plain("x.docx", "PK\x03\x04 and then nothing"), "the file is damaged"),
    "empty": (documents.plain("x.txt", ""), "the file is empty"),
    "empty word": (documents.empty("x.docx"), "the file is empty"),
}


@pytest.mark.parametrize(("document", "why"), HOSTILE.values(), ids=HOSTILE)
def test_what_cannot_be_read_is_named_with_the_reason(chat: Chat, document: documents.Document, why: str) -> None:
    turn = chat.ask(chat.file(document.name, "", raw=document.content), chat.file("good.txt", "good"))
    assert contexts(turn) == [None, "full"]
    assert status(turn) == f"{document.name} not read: {why} · 1 file, 1 tokens, whole"


def test_a_failure_with_page_marks_leaves_the_stored_text(chat: Chat) -> None:
    chat.user_valves = {"page_marks": True}
    turn = chat.ask(chat.file("rules.pdf", "as stored", raw=documents.broken("rules.pdf").content))
    assert contexts(turn) == ["full"]
    assert "content" not in turn["body"]["files"][0]["file"]["data"]


LIMITS = {
    "pages": ({"max_pages": 9}, "more than 9 pages"),
    "size": ({"max_megabytes": 1}, "larger than 1 MB"),
}


@pytest.mark.parametrize(("valves", "why"), LIMITS.values(), ids=LIMITS)
def test_limits_of_the_administrator(chat: Chat, valves: Json, why: str) -> None:
    chat.host.call("valves", id="full_text", values=valves)
    content = documents.pdf("rules.pdf", "松").content + b" " * 1_000_000 * ("max_megabytes" in valves)
    turn = chat.ask(chat.file("rules.pdf", "", raw=content))
    assert status(turn) == f"rules.pdf not read: {why}"


def test_a_file_that_takes_too_long_is_given_up(chat: Chat) -> None:
    """Four hundred pages of which each is slow to read."""
    chat.host.call("valves", id="full_text", values={"read_seconds": 1})
    slow = documents.slow_pdf("slow.pdf")
    turn = chat.ask(chat.file("slow.pdf", "", raw=slow.content), chat.file("good.txt", "good"))
    assert status(turn) == "slow.pdf not read: reading took too long · 1 file, 1 tokens, whole"


def test_a_file_is_read_once(chat: Chat) -> None:
    chat.user_valves = {"page_marks": True}
    file = chat.file("rules.pdf", "stored", raw=documents.pdf("rules.pdf", "松").content)
    first = text_in(chat.ask(file))
    chat.host.call("erase_raw", id=file["id"])
    assert text_in(chat.ask(file)) == first


def test_japanese_says_why(chat: Chat) -> None:
    turn = chat.ask(chat.file("scan.pdf", "", raw=documents.scan("scan.pdf").content), language="ja-JP")
    assert status(turn) == "scan.pdf は読み取れません: 文字情報がありません（OCRはオフ）"


def test_an_unreadable_file_of_somebody_else_tells_nothing(chat: Chat) -> None:
    foreign = chat.file("x.pdf", "", owner=chat.host.call("user"), raw=documents.encrypted("x.pdf").content)
    assert status(chat.ask(foreign)) == "x.pdf left out: no access (deleted, or not shared with you); attach it again"
