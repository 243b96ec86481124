"""filters/full_text.py, run by the real Open WebUI: which files go in whole, and what the user is told."""

import re
from typing import Any

import pytest

from tests.filters.chatting import REPORT, Chat, contexts, status, statuses

Json = dict[str, Any]

LIMITED = "by search: over the limit of 1,000"


def test_an_attached_file_goes_in_whole(chat: Chat) -> None:
    turn = chat.ask(chat.file())
    assert contexts(turn) == ["full"]
    assert re.fullmatch(r"1 file, \d\d tokens, whole", status(turn))


def test_other_models_of_the_same_turn_see_the_file_as_it_was(chat: Chat) -> None:
    file = chat.file()
    turn = chat.ask(file)
    assert turn["body"]["files"] == [{**file, "context": "full"}]
    assert turn["shared"] == [file]


def test_the_model_reads_the_stored_text_with_its_line_breaks(chat: Chat) -> None:
    turn = chat.ask(chat.file(), chat.file("議事録.docx", "一行目\n二行目\n"))
    prompt = chat.host.call("prompt", user=chat.user, body=turn["body"])
    assert REPORT in prompt["text"]
    assert "一行目\n二行目\n" in prompt["text"]
    assert prompt["sources"] == ["report.pdf", "議事録.docx"]


def test_a_file_of_an_earlier_message_goes_in_whole(chat: Chat) -> None:
    earlier, new = chat.file("earlier.txt"), chat.file("new.txt")
    assert contexts(chat.ask(earlier, new, metadata=chat.save([earlier], [], [new]))) == ["full", "full"]


def test_the_chip_must_be_on(chat: Chat) -> None:
    turn = chat.ask(chat.file(), filter_ids=[])
    assert contexts(turn) == [None]
    assert turn["events"] == []


def test_a_foreign_file_is_left_alone_and_named(chat: Chat) -> None:
    foreign = chat.file("salaries.xlsx", owner=chat.host.call("user"))
    turn = chat.ask({**foreign, "name": "mine.xlsx"})
    assert contexts(turn) == [None]
    assert status(turn) == "mine.xlsx left out: no access (deleted, or not shared with you); attach it again"


def test_an_unknown_file_looks_like_a_foreign_one(chat: Chat) -> None:
    turn = chat.ask({"type": "file", "id": "no-such-file", "name": "gone.pdf"})
    assert status(turn) == "gone.pdf left out: no access (deleted, or not shared with you); attach it again"


def test_an_administrator_may_read_any_file(chat: Chat) -> None:
    file = chat.file()
    chat.user = chat.host.call("user", role="admin")
    assert contexts(chat.ask(file)) == ["full"]


@pytest.mark.parametrize("key", ["id", "collection_name"])
def test_knowledge_of_the_model_is_left_alone(chat: Chat, key: str) -> None:
    knowledge, own = chat.file("handbook.pdf"), chat.file("own.txt")
    model = {"id": "model-a", "info": {"meta": {"knowledge": [{"type": "file", key: knowledge["id"]}]}}}
    turn = chat.ask(knowledge, own, model=model)
    assert contexts(turn) == [None, "full"]
    assert "handbook" not in status(turn)


def test_what_no_message_carries_is_left_alone(chat: Chat) -> None:
    """In legacy mode the knowledge of another model of the same turn can be among the files."""
    own, other = chat.file("own.txt"), chat.file("other.txt")
    turn = chat.ask(own, other, metadata=chat.save([own]))
    assert contexts(turn) == ["full", None]


def test_files_of_an_answer_are_not_attachments(chat: Chat) -> None:
    file = chat.file()
    messages = [{"id": "m0", "role": "user", "content": "Hi"}, {"id": "m1", "role": "assistant", "files": [file]}]
    chat_id = chat.host.call("chat", user_id=chat.user["id"], messages=messages)
    assert contexts(chat.ask(file, metadata={"chat_id": chat_id, "message_id": "m2"})) == [None]


@pytest.mark.parametrize("saved", [True, False])
def test_files_of_the_project_are_left_alone(chat: Chat, saved: bool) -> None:
    shared, own = chat.file("plan.pdf"), chat.file("own.txt")
    folder_id = chat.host.call("folder", user_id=chat.user["id"], name="Project", files=[shared])
    metadata = (
        chat.save([shared, own], folder_id=folder_id) if saved else {"chat_id": "local:1", "folder_id": folder_id}
    )
    assert contexts(chat.ask(shared, own, metadata=metadata)) == [None, "full"]


@pytest.mark.parametrize("kind", ["collection", "note", "folder", "text", "chat", "url"])
def test_other_kinds_are_left_alone(chat: Chat, kind: str) -> None:
    item = {**chat.file(), "type": kind}
    turn = chat.ask(item)
    assert turn["body"]["files"] == [item]
    assert turn["events"] == []


def test_a_temporary_chat_and_an_api_call_have_only_the_request(chat: Chat) -> None:
    for chat_id in ("local:abc", ""):
        foreign = chat.file("foreign.pdf", owner=chat.host.call("user"))
        turn = chat.ask(chat.file(), foreign, metadata={"chat_id": chat_id})
        assert contexts(turn) == ["full", None]


def test_without_an_event_emitter_it_still_works(chat: Chat) -> None:
    assert contexts(chat.ask(chat.file(), metadata={"chat_id": ""}, with_emitter=False)) == ["full"]


@pytest.mark.parametrize("state", ["pending", "processing"])
def test_a_file_being_read_is_waited_for(chat: Chat, state: str) -> None:
    file = chat.file(text=None, status=state)
    chat.host.call("update_file", id=file["id"], data={"status": "completed", "content": REPORT}, after=0.3)
    turn = chat.ask(file)
    assert statuses(turn)[:-1] == [("Reading report.pdf …", False), ("Waited for report.pdf", True)]
    assert contexts(turn) == ["full"]
    assert status(turn).startswith("1 file, ")


def test_waiting_ends(chat: Chat) -> None:
    turn = chat.ask(chat.file(text=None, status="processing"), chat.file("slow.pdf", None, status="pending"))
    assert contexts(turn) == [None, None]
    assert statuses(turn)[:-1] == [("Reading report.pdf …", False), ("Waited for report.pdf", True)]
    reason = "not read: Open WebUI is still reading it; ask again in a moment"
    assert status(turn) == f"2 of 2 files not whole · report.pdf {reason} · slow.pdf {reason}"
    assert 1 <= turn["seconds"][0] < 2  # wait_seconds for all files together


@pytest.mark.parametrize("broken", [False, True])
def test_nothing_keeps_spinning_where_the_turn_ends_after_waiting(chat: Chat, broken: bool) -> None:
    file = chat.file(text=None, status="processing")
    chat.host.call("update_file", id=file["id"], data={"status": "completed", "content": REPORT}, after=0.3)
    turn = chat.ask({**file, "file": "not a file"} if broken else file, hooks=["inlet"])
    assert contexts(turn) == [None if broken else "full"]
    assert statuses(turn) == [("Reading report.pdf …", False), ("Waited for report.pdf", True)]


def test_nobody_is_told_of_a_wait_that_is_switched_off(chat: Chat) -> None:
    chat.host.call("valves", id="full_text", values={"wait_seconds": 0})
    turn = chat.ask(chat.file(text=None, status="processing"))
    assert len(turn["events"]) == 1
    assert "still reading it" in status(turn)


def test_a_text_that_only_lacks_its_embedding_is_not_waited_for(chat: Chat) -> None:
    for state in ("processing", "failed"):
        turn = chat.ask(chat.file(status=state))
        assert contexts(turn) == ["full"]
        assert len(turn["events"]) == 1


def test_a_failed_file_is_named(chat: Chat) -> None:
    turn = chat.ask(chat.file(text=None, status="failed", error="secret detail"))
    assert contexts(turn) == [None]
    assert status(turn) == "report.pdf not read: Open WebUI could not read it"


@pytest.mark.parametrize("state", ["completed", "failed"])
def test_a_scan_is_named(chat: Chat, state: str) -> None:
    turn = chat.ask(chat.file("scan.pdf", " \n ", status=state))
    assert contexts(turn) == [None]
    assert status(turn) == "scan.pdf not read: no text layer; OCR is off"


def test_a_scan_where_ocr_is_on(chat: Chat) -> None:
    chat.host.call("config", values={"rag.content_extraction_engine": "docling"})
    try:
        turn = chat.ask(chat.file("scan.pdf", ""))
    finally:
        chat.host.call("config", values={"rag.content_extraction_engine": ""})
    assert status(turn) == "scan.pdf not read: no text layer"


def test_search_mode(chat: Chat) -> None:
    chat.user_valves = {"mode": "search"}
    turn = chat.ask(chat.file(), {**chat.file("switched.txt"), "context": "full"})
    assert contexts(turn) == [None, "full"]
    assert status(turn) == "report.pdf by search: your setting"


def test_the_largest_file_stays_with_search_first(chat: Chat) -> None:
    chat.host.call("valves", id="full_text", values={"max_tokens": 1000})
    large, small, middle = (
        chat.file("large.txt", "word " * 8511),
        chat.file("small.txt", "word " * 95),
        chat.file("middle.txt", "word " * 473),
    )
    turn = chat.ask(large, small, middle)
    assert contexts(turn) == [None, "full", "full"]
    assert (
        status(turn)
        == "large.txt (7,830) by search: over the limit of 1,000 · 2 files, 522 of 1,000 tokens (52 %), whole"
    )


def test_a_file_the_user_switched_to_full_is_not_taken_back(chat: Chat) -> None:
    chat.host.call("valves", id="full_text", values={"max_tokens": 1000})
    switched = {**chat.file("switched.txt", "word " * 1891), "context": "full"}
    turn = chat.ask(switched, chat.file())
    assert contexts(turn) == ["full", None]
    assert re.fullmatch(
        r"report\.pdf \(\d\d\) by search: over the limit of 1,000 · 1 file, 1,740 of 1,000 tokens \(174 %\), whole",
        status(turn),
    )


@pytest.mark.parametrize(
    ("mode", "window", "context"),
    [("if_it_fits", 8000, None), ("if_it_fits", 20000, "full"), ("if_it_fits", None, "full"), ("whole", 8000, "full")],
)
def test_a_file_must_fit_into_the_window(chat: Chat, mode: str, window: int | None, context: str | None) -> None:
    chat.user_valves = {"mode": mode}
    base = {"id": "base", "openai": {"context_window": window}}
    model = {"id": "workspace", "info": {"base_model_id": "base", "meta": {}}}
    file = chat.file(text="word " * 8511)  # about 7,830 tokens
    assert contexts(chat.ask(file, model=model, models={"base": base})) == [context]


def test_a_model_that_takes_no_files_is_said_so(chat: Chat) -> None:
    model = {"id": "model-a", "info": {"meta": {"capabilities": {"file_context": False}}}}
    turn = chat.ask(chat.file(), model=model)
    assert contexts(turn) == [None]
    assert status(turn) == "report.pdf left out: this model takes no file text"


def test_an_empty_message_is_said_so(chat: Chat) -> None:
    file = chat.file()
    body = {"model": "model-a", "messages": [{"role": "user", "content": ""}], "files": [file]}
    turn = chat.ask(file, body=body)
    assert contexts(turn) == [None]
    assert status(turn) == "report.pdf left out: the message is empty"
    # Why: Open WebUI drops the text of files that come without a question.
    full = {**body, "files": [{**file, "context": "full"}]}
    assert chat.host.call("prompt", user=chat.user, body=full)["text"] == ""


def test_japanese_users_read_japanese(chat: Chat) -> None:
    foreign = chat.file("給与.xlsx", owner=chat.host.call("user"))
    files = chat.file(), chat.file("議事録.docx", "本日の会議の議事録です。" * 10), foreign
    turn = chat.ask(*files, language="ja-JP")
    assert re.fullmatch(
        r"給与\.xlsx は対象外: アクセスできません（削除されたか、共有されていません）。もう一度添付してください"
        r" · 全文: 2件、\d+トークン",
        status(turn),
    )


@pytest.mark.parametrize(
    ("variables", "header", "language"),
    [
        ({}, "ja,en;q=0.8", "ja"),
        ({}, "en-US,en;q=0.9,ja;q=0.8", "en"),
        ({"{{USER_LANGUAGE}}": "en-US"}, "ja", "en"),
        (None, "", "en"),
    ],
)
def test_the_language_of_the_browser_comes_first(chat: Chat, variables: Any, header: str, language: str) -> None:
    file = chat.file()
    headers = {"accept-language": header} if header else {}
    turn = chat.ask(file, metadata={**chat.save([file]), "variables": variables}, headers=headers)
    assert status(turn).startswith({"ja": "全文", "en": "1 file"}[language])


def test_the_status_line_can_be_switched_off(chat: Chat) -> None:
    chat.host.call("valves", id="full_text", values={"status": False})
    turn = chat.ask(chat.file())
    assert contexts(turn) == ["full"]
    assert turn["events"] == []


def test_a_resumed_turn_gives_the_same_without_a_second_line(chat: Chat) -> None:
    file = chat.file()
    metadata = chat.save([file])
    first = chat.ask(file, metadata=metadata)
    resumed = chat.ask(*first["body"]["files"], metadata={**metadata, "tool_approval_resume": "tools"})
    assert resumed["body"]["files"] == first["body"]["files"]
    assert resumed["events"] == []


def test_the_line_comes_after_open_webui_s_own_and_once_a_turn(chat: Chat) -> None:
    """`request` runs after retrieval, and again before each call of a tool loop."""
    file = chat.file()
    metadata = chat.save([file])
    assert chat.ask(file, metadata=metadata, hooks=["inlet"])["events"] == []
    turn = chat.ask(file, metadata=metadata, hooks=["inlet", "request", "request", "request"])
    assert len(turn["events"]) == 1
    assert status(turn).startswith("1 file, ")
    for model in ("model-a", "model-b"):  # each has metadata of its own
        assert len(chat.ask(file, metadata=metadata, model={"id": model})["events"]) == 1


def test_the_request_hook_alone_says_nothing(chat: Chat) -> None:
    assert chat.ask(chat.file(), hooks=["request"])["events"] == []


def test_a_failure_is_told_and_changes_nothing(chat: Chat) -> None:
    file = chat.file()
    broken = {**chat.save([file]), "user_message": "not a message"}
    turn = chat.ask(file, metadata=broken)
    assert turn["body"]["files"] == [file]
    assert status(turn) == "Full text could not be prepared; the files are left to search"


def test_odd_file_lists(chat: Chat) -> None:
    odd = ["text", None, {"type": "file"}, {"type": "file", "id": 7, "name": None}]
    body = {"model": "model-a", "messages": [{"role": "user", "content": "Hi"}], "files": odd}
    turn = chat.ask(body=body, metadata={"chat_id": ""})
    assert turn["body"]["files"] == odd
    assert turn["events"] == []


def test_a_long_name_is_shortened(chat: Chat) -> None:
    turn = chat.ask(chat.file(f"{'長' * 100}\n{'x' * 20}.pdf", owner=chat.host.call("user")))
    assert len(status(turn)) < 130
    assert ".pdf" in status(turn)
