"""filters/full_text.py: identity is the content. What is attached twice is sent once, counted once, named once."""

from typing import Any

from tests.filters import office_files as office
from tests.filters.chatting import Chat, contexts, details, status
from tests.filters.test_full_text_placement import LONG, TURN, Conversation, talk, written

__all__ = ["talk"]

Json = dict[str, Any]


def told(turn: Json) -> str:
    """The last line, where Open WebUI showed its own before."""
    return str(turn["events"][-1]["data"]["description"])


def test_the_same_id_twice(chat: Chat) -> None:
    file = chat.file()
    once = status(chat.ask(file))
    turn = chat.ask(file, {**file, "itemId": "other"})
    assert contexts(turn) == ["full"]
    assert status(turn) == once


def test_a_new_id_with_the_same_content(chat: Chat) -> None:
    once = status(chat.ask(chat.file()))
    turn = chat.ask(chat.file(), chat.file())
    assert contexts(turn) == ["full"]
    assert status(turn) == once
    assert details(turn) == []


def test_another_name_is_told(chat: Chat) -> None:
    turn = chat.ask(chat.file("a.pdf", LONG), chat.file("a (1).pdf", LONG))
    assert contexts(turn) == ["full"]
    assert status(turn).startswith("1 file, ")
    assert details(turn)[0].endswith("; the same content as a (1).pdf, sent once")


def test_edit_and_resend(talk: Conversation) -> None:
    """The page sends the old file and the new one; only the new question is on this branch."""
    first = talk.ask("What is it?", talk.chat.file("a.pdf", LONG))
    again = Conversation(talk.chat, files=list(talk.files))
    second = again.ask("What is it really?", talk.chat.file("a.pdf", LONG))
    assert written(second).count(LONG) == 1
    assert len(second["body"].get("files") or second["sources"]) == len(first["sources"])


def test_the_same_again_later_stays_where_it_was(talk: Conversation) -> None:
    talk.ask("What is it?", talk.chat.file("a.pdf", LONG))
    turn = talk.ask("And now?", talk.chat.file("a.pdf", LONG))
    texts = [message["content"] for message in turn["body"]["messages"]]
    assert [text.count(LONG) for text in texts] == [1, 0, 0]
    assert told(turn).startswith("1 file, ")


def test_regenerate(talk: Conversation) -> None:
    file = talk.chat.file("a.pdf", LONG)
    once = written(talk.ask("What is it?", file))
    again = Conversation(talk.chat, files=[file])
    assert written(again.ask("What is it?", file)) == once


def test_a_copy_that_search_would_take(chat: Chat) -> None:
    """One copy is switched to whole by the person, the other one is not."""
    chat.user_valves = {"mode": "search"}
    turn = chat.ask(chat.file("a.pdf", LONG), {**chat.file("a.pdf", LONG), "context": "full"})
    assert contexts(turn) == ["full"]
    turn = chat.ask(chat.file("a.pdf", LONG), chat.file("a.pdf", LONG))
    assert contexts(turn) == [None]
    assert status(turn) == "a.pdf by search: your setting"


def test_what_does_not_fit_is_counted_once(chat: Chat) -> None:
    chat.host.call("valves", id="full_text", values={"max_tokens": 100})
    turn = chat.ask(chat.file("a.pdf", LONG), chat.file("a.pdf", LONG))
    assert contexts(turn) == [None]
    assert status(turn).count("a.pdf") == 1


def test_unreadable_twice_is_named_once(chat: Chat) -> None:
    cut = office.slides()[:5000]
    turn = chat.ask(chat.file("a.pptx", "", raw=cut), chat.file("a.pptx", "", raw=cut))
    assert status(turn) == "a.pptx not read: the file is damaged"


def test_a_foreign_copy_tells_nothing(chat: Chat) -> None:
    """Whether somebody else's file holds the same words is not for this person to know."""
    foreign = chat.file("a.pdf", LONG, owner=chat.host.call("user"))
    turn = chat.ask(chat.file("b.pdf", LONG), foreign)
    assert contexts(turn) == ["full", None]
    assert "same content" not in "".join(details(turn))
    chat.user_valves = {"mode": "search"}
    assert contexts(chat.ask(chat.file("b.pdf", LONG), foreign)) == [None, None]


def test_the_list_that_other_models_share_stays(chat: Chat) -> None:
    file = chat.file()
    assert chat.ask(file, dict(file))["shared"] == [file, file]


def test_a_temporary_chat_has_its_text_once(chat: Chat) -> None:
    item = {"type": "text", "id": "t1", "name": "a.pdf", "content": LONG, "collection_name": "", "url": ""}
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "files": [item, {**item, "id": "t2"}]}
    turn = chat.ask(body=body, metadata={"chat_id": "local:1"}, hooks=TURN)
    assert written(turn).count(LONG) == 1
    assert told(turn).startswith("1 file, ")
    assert told(turn).endswith(" tokens, whole")


def test_a_temporary_chat_says_what_it_could_not_read(chat: Chat) -> None:
    item = {"type": "text", "id": "t1", "name": "scan.pdf", "content": " \n", "collection_name": "", "url": ""}
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "files": [item]}
    turn = chat.ask(body=body, metadata={"chat_id": "local:1"})
    remedy = "a temporary chat found no text in it; attach it in an ordinary chat"
    assert status(turn) == f"scan.pdf not read: {remedy}"


def test_a_workbook_attached_twice_with_one_text(chat: Chat) -> None:
    raw = office.workbook(office.merged)
    turn = chat.ask(chat.file("a.xlsx", "NaN", raw=raw), chat.file("a.xlsx", "NaN NaN", raw=raw))
    assert contexts(turn) == ["full"]
