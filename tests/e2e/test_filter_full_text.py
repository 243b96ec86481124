"""Full text in the real Open WebUI: ten documents of every kind, two models, a tool loop, a chat that goes on."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e import documents
from tests.e2e.documents import Document
from tests.e2e.stack import CHAT_MODEL, FULL_TEXT, SMALL_MODEL, FileItem, Person, Stack, Turn, until
from tests.e2e.upstream import CALL_A_TOOL
from tests.fixtures.open_webui import OpenWebUIServer

JAPANESE = "議事録: 本日は晴天なり。予算は来週決める。\n" * 20
MIXED = (
    "# 見積 Quote\n\n| 品目 Item | 金額 |\n|---|---|\n| サーバー server | ¥1,200,000 |\n\n```py\nprint('合計')\n```\n"
)


@contextmanager
def without_embedding(server: OpenWebUIServer) -> Iterator[None]:
    """Files uploaded within the block are read and not embedded, which takes minutes for the largest."""
    update = "/api/v1/retrieval/config/update"
    server.request("POST", update, {"BYPASS_EMBEDDING_AND_RETRIEVAL": True})
    try:
        yield
    finally:
        server.request("POST", update, {"BYPASS_EMBEDDING_AND_RETRIEVAL": False})


DOCUMENTS = {
    "long": documents.long_pdf("long.pdf"),
    "word": documents.docx("word.docx", "竹"),
    "scan": documents.scan("scan.pdf"),
    "encrypted": documents.encrypted("encrypted.pdf"),
    "broken": documents.broken("broken.pdf"),
    "bomb": documents.zip_bomb("bomb.docx"),
    "large": documents.large_text("large.txt"),
    "japanese": documents.plain("議事録.txt", JAPANESE),
    "mixed": documents.plain("mixed.md", MIXED),
    "empty": documents.empty("empty.docx"),
}
WHOLE = ("long", "word", "japanese", "mixed")
TOLD = {
    "scan": "scan.pdf は読み取れません: 文字情報がありません（OCRはオフ）",
    "encrypted": "encrypted.pdf は読み取れません: パスワードで保護されています",
    "broken": "broken.pdf は読み取れません: ファイルが壊れています",
    "bomb": "bomb.docx は読み取れません: 展開すると異常な大きさになります",
    "empty": "empty.docx は読み取れません: ファイルが空です",
}


def lines_of(kind: str) -> list[str]:
    """What stands all over the document, so that no excerpt holds it all."""
    document = DOCUMENTS[kind]
    return list(document.markers) or document.content.decode().strip().splitlines()


def is_whole(kind: str, prompt: str) -> bool:
    return all(line in prompt for line in lines_of(kind))


@pytest.fixture(scope="module")
def ten(hanako: Person, stack: Stack) -> dict[str, FileItem]:
    with without_embedding(stack.open_webui):
        return {kind: hanako.upload(document, may_fail=True) for kind, document in DOCUMENTS.items()}


def test_ten_documents_at_once(stack: Stack, hanako: Person, ten: dict[str, FileItem]) -> None:
    turn = hanako.ask("十の文書を比べてください。", list(ten.values()), [FULL_TEXT])
    prompt = stack.asked("十の文書を比べてください。").prompt
    line = turn.statuses[-1]
    assert line.startswith("10件中6件は全文ではありません · ")
    assert "全文: 4件、128,000トークン中" in line
    assert all(told in line for told in TOLD.values())
    assert "large.txt（1,2" in line
    assert "は検索: 大きすぎます" in line
    for kind in WHOLE:
        assert is_whole(kind, prompt)
    assert "quick brown fox" not in prompt


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_document_alone_never_stops_a_chat(stack: Stack, hanako: Person, ten: dict[str, FileItem], kind: str) -> None:
    question = f"この文書 {kind} は何ですか。"
    turn = hanako.ask(question, [ten[kind]], [FULL_TEXT])
    assert stack.asked(question)
    if kind in WHOLE:
        assert turn.statuses[-1].startswith("全文: 1件、128,000トークン中")
    elif kind in TOLD:
        assert turn.statuses[-1] == TOLD[kind]
    else:
        assert turn.statuses[-1].startswith("large.txt（1,2")


def test_two_models_at_once_each_get_what_fits(stack: Stack, hanako: Person, ten: dict[str, FileItem]) -> None:
    question = "二つのモデルで要約してください。"
    ids = {CHAT_MODEL: str(uuid.uuid4()), SMALL_MODEL: str(uuid.uuid4())}
    both = [{"model_id": model, "message_id": id} for model, id in ids.items()]
    first = hanako.ask(question, [ten["word"]], [FULL_TEXT], answer_id=ids[CHAT_MODEL], message_ids=both)

    def other() -> dict[str, Any] | None:
        message = hanako.get(f"/api/v1/chats/{first.chat_id}")["chat"]["history"]["messages"][ids[SMALL_MODEL]]
        return dict(message) if message.get("done") else None

    second = until(other, "the other model did not answer")
    assert first.statuses[-1].startswith("全文: 1件、128,000トークン中")
    told = second["statusHistory"][-1]["description"]
    assert told.startswith("word.docx（")
    assert "は検索: 大きすぎます" in told
    whole = [seen for seen in stack.upstream.chats if question in seen.prompt]
    assert sorted(is_whole("word", seen.prompt) for seen in whole) == [False, True]


def test_a_tool_loop_has_the_text_once_and_in_the_same_place(
    stack: Stack, hanako: Person, ten: dict[str, FileItem]
) -> None:
    question = f"{CALL_A_TOOL}ですか。文書も読んで。"
    turn = hanako.ask(question, [ten["word"]], [FULL_TEXT])
    calls = [seen for seen in stack.upstream.chats if question in seen.prompt]
    assert len(calls) == 2, "the tool was not called"
    text = lines_of("word")[-1]
    assert all(is_whole("word", seen.prompt) for seen in calls)
    assert [seen.prompt.count(text) for seen in calls] == [1, 1]
    assert calls[0].prompt[: calls[0].prompt.index(text)] == calls[1].prompt[: calls[1].prompt.index(text)]
    assert len([status for status in turn.statuses if status.startswith("全文")]) == 1


def follow_up(person: Person, turn: Turn, question: str, files: list[FileItem], filters: list[str]) -> Turn:
    """The next question in the same chat, with a file of the first one still in it."""
    answer_id = str(uuid.uuid4())
    asked = {
        "id": str(uuid.uuid4()),
        "parentId": turn.message["id"],
        "childrenIds": [answer_id],
        "role": "user",
        "content": question,
        "files": [],
        "timestamp": int(time.time()),
        "models": [CHAT_MODEL],
    }
    body = {"chat_id": turn.chat_id, "parent_id": turn.message["id"], "user_message": asked}
    return person.ask(question, files, filters, answer_id=answer_id, **body)


def test_a_chat_that_goes_on_begins_with_the_same_text(stack: Stack, hanako: Person, ten: dict[str, FileItem]) -> None:
    """So that the provider's prompt cache hits."""
    files = [ten["mixed"], ten["word"]]
    first = hanako.ask("最初の質問です。", files, [FULL_TEXT])
    second = follow_up(hanako, first, "続きの質問です。", files, [FULL_TEXT])
    third = follow_up(hanako, second, "最後の質問です。", files, [FULL_TEXT])
    opening, *prompts = [seen.prompt for seen in stack.upstream.chats if "最初の質問です。" in seen.prompt]
    assert ["続きの質問です。" in prompt for prompt in prompts] == [True, True]
    for text in (MIXED.strip(), lines_of("word")[-1]):
        ends = {prompt.index(text) + len(text) for prompt in (opening, *prompts)}
        assert len(ends) == 1
        end = ends.pop()
        assert prompts[0][:end] == prompts[1][:end] == opening[:end]
        assert [prompt.count(text) for prompt in prompts] == [1, 1]
    assert third.statuses[-1].startswith("全文: 2件、")


def test_a_chat_that_goes_on_without_it_says_so(stack: Stack, hanako: Person, ten: dict[str, FileItem]) -> None:
    first = hanako.ask("全文で答えてください。", [ten["word"]], [FULL_TEXT])
    assert [one["action"] for one in first.message["statusHistory"] if one.get("action") == FULL_TEXT] == [FULL_TEXT]
    second = follow_up(hanako, first, "検索で答えてください。", [ten["word"]], [])
    assert "word.docx は全文ではなく検索のみ: 「全文」がオフです" in second.statuses[-1]


def test_page_marks_by_the_person_s_own_setting(stack: Stack, hanako: Person, ten: dict[str, FileItem]) -> None:
    path = f"/api/v1/functions/id/{FULL_TEXT}/valves/user/update"
    hanako.post(path, {"page_marks": True})
    try:
        hanako.ask("ページ番号はありますか。", [ten["long"]], [FULL_TEXT])
    finally:
        hanako.post(path, {})
    prompt = stack.asked("ページ番号はありますか。").prompt
    assert [prompt.count(f"[Page {number}]") for number in (1, 40, 41)] == [1, 1, 0]


def test_the_long_document_arrives_to_the_last_page(stack: Stack, hanako: Person, ten: dict[str, FileItem]) -> None:
    hanako.ask("最後のページまで読みましたか。", [ten["long"]], [FULL_TEXT])
    prompt = stack.asked("最後のページまで読みましたか。").prompt
    long: Document = DOCUMENTS["long"]
    places = [prompt.find(marker) for marker in long.markers]
    assert -1 not in places
    assert places == sorted(places)
