"""Where filters/full_text.py puts the texts: at the same place in every turn, so that prompt caches hit."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.filters.chatting import REPORT, Chat

Json = dict[str, Any]
TURN = ["inlet", "sources", "request"]
LONG = "".join(f"Clause {number} of the rules.\n" for number in range(300))


@dataclass
class Conversation:
    """Questions and answers that Open WebUI saved."""

    chat: Chat
    history: list[Json] = field(default_factory=list)
    files: list[Json] = field(default_factory=list)
    name: str = ""

    def ask(self, question: str, *files: Json, hooks: list[str] = TURN, **arguments: Any) -> Json:
        asked = {"id": f"q{len(self.history)}", "role": "user", "content": question, "files": list(files)}
        self.files += files
        messages = [*self.history, asked]
        chat_id = self.chat.host.call("chat", user_id=self.chat.user["id"], messages=messages)
        parent = messages[-2]["id"] if len(messages) > 1 else None
        metadata = {"chat_id": chat_id, "message_id": "a", "user_message": {**asked, "parentId": parent}}
        sent = [{"role": one["role"], "content": one["content"]} for one in messages]
        body = {"model": "model-a", "messages": sent, "files": list(self.files)}
        turn = self.chat.ask(
            metadata={**metadata, **arguments.pop("metadata", {})}, body=body, hooks=hooks, **arguments
        )
        answer = {"id": f"a{len(self.history)}", "role": "assistant", "content": f"Answer to {question}"}
        self.history += [asked, answer]
        return turn


@pytest.fixture
def talk(chat: Chat) -> Conversation:
    return Conversation(chat)


def written(turn: Json) -> str:
    """The prompt as a model's server reads it, from the first word on."""
    return "".join(f"<{one['role']}>{one['content']}" for one in turn["body"]["messages"])


def common(first: str, second: str) -> str:
    return first[: next((n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))]


def test_the_next_turn_begins_with_the_same_text(talk: Conversation) -> None:
    first = written(talk.ask("What is it?", talk.chat.file("a.pdf", LONG), talk.chat.file("b.docx", REPORT)))
    second = written(talk.ask("And then?"))
    third = written(talk.ask("And at last?"))
    for earlier, later in ((first, second), (second, third)):
        assert LONG in common(earlier, later)
        assert REPORT in common(earlier, later)
        assert later.count(LONG) == 1
        assert later.count(REPORT) == 1


def test_the_text_stands_with_the_question_that_brought_it(talk: Conversation) -> None:
    talk.ask("What is it?", talk.chat.file("a.pdf", LONG))
    second = talk.ask("Compare it.", talk.chat.file("b.docx", REPORT))
    third = talk.ask("Thanks.")
    for turn in (second, third):
        texts = [message["content"] for message in turn["body"]["messages"]]
        assert texts[0] == f'<document name="a.pdf">\n{LONG}\n</document>\n\nWhat is it?'
        assert texts[2].startswith(f'<document name="b.docx">\n{REPORT}\n</document>\n\n')
    assert written(third).startswith(written(second).split("### Task")[0])


def test_sources_and_citations_are_open_webui_s_own(talk: Conversation) -> None:
    turn = talk.ask("What is it?", talk.chat.file("a.pdf", LONG))
    assert [(source["source"]["name"], source["document"]) for source in turn["sources"]] == [("a.pdf", [LONG])]
    text = turn["body"]["messages"][-1]["content"]
    assert '<source id="1" name="a.pdf"' in text
    assert '>The whole text is in <document name="a.pdf">.</source>' in text


def test_a_tool_loop_keeps_the_place(talk: Conversation) -> None:
    """Open WebUI either leaves the messages as they were sent, or writes the sources into the question anew."""
    file = talk.chat.file("a.pdf", LONG)
    once = written(talk.ask("What is it?", file, hooks=TURN))
    kept = Conversation(talk.chat)
    assert written(kept.ask("What is it?", file, hooks=[*TURN, "request", "request"])) == once
    reset = Conversation(talk.chat)
    assert written(reset.ask("What is it?", file, hooks=[*TURN, "sources again", "request"])) == once


def test_a_question_with_a_picture(talk: Conversation) -> None:
    file = talk.chat.file("a.pdf", LONG)
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    body = {"model": "model-a", "messages": [{"role": "user", "content": content}], "files": [file]}
    turn = talk.chat.ask(file, body=body, hooks=TURN)
    parts = turn["body"]["messages"][0]["content"]
    assert parts[0] == {"type": "text", "text": f'<document name="a.pdf">\n{LONG}\n</document>\n\n'}
    assert LONG not in parts[1]["text"]
    assert parts[2] == content[1]


def test_the_largest_stands_last_so_that_leaving_it_out_moves_nothing(talk: Conversation) -> None:
    large, small = talk.chat.file("large.txt", LONG), talk.chat.file("small.txt", REPORT)
    both = written(talk.ask("What is it?", large, small))
    talk.chat.host.call("valves", id="full_text", values={"max_tokens": 1000})
    other = Conversation(talk.chat)
    alone = written(other.ask("What is it?", small))
    assert both.index(REPORT) < both.index(LONG)
    assert f'<document name="small.txt">\n{REPORT}' in common(both, alone)


def test_a_temporary_chat_keeps_the_place_too(chat: Chat) -> None:
    file = chat.file("a.pdf", LONG)
    metadata = {"chat_id": "local:1"}
    question = {"role": "user", "content": "What is it?"}
    more = [question, {"role": "assistant", "content": "Rules."}, {"role": "user", "content": "And then?"}]
    turns = [
        chat.ask(metadata=metadata, hooks=TURN, body={"model": "model-a", "messages": messages, "files": [file]})
        for messages in ([question], more)
    ]
    assert LONG in common(written(turns[0]), written(turns[1]))


def test_a_text_that_open_webui_did_not_put_there_does_not_appear(talk: Conversation) -> None:
    talk.chat.host.call("config", values={"rag.template": "No sources here. {{QUERY}}"})
    try:
        turn = talk.ask("What is it?", talk.chat.file("a.pdf", LONG))
    finally:
        talk.chat.host.call("config", values={"rag.template": ""})
    assert LONG not in written(turn)


def test_two_files_of_the_same_text(talk: Conversation) -> None:
    text = written(talk.ask("Same?", talk.chat.file("a.pdf", LONG), talk.chat.file("b.pdf", LONG)))
    assert text.count(LONG) == 1


def test_a_name_cannot_close_the_frame(talk: Conversation) -> None:
    text = written(talk.ask("What?", talk.chat.file('x">evil.txt', LONG)))
    assert '<document name="x\')evil.txt">' in text
