"""filters/context_guard.py, run by the real Open WebUI: what is measured, warned of and stopped."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.fixtures.plugin_host import ROOT, PluginHost

Json = dict[str, Any]
WORDS = "word " * 945  # 870 tokens


@dataclass
class Guard:
    host: PluginHost
    user: Json
    model: Json = field(default_factory=lambda: {"id": "small", "name": "Small", "openai": {"context_window": 10_000}})

    def ask(
        self,
        *texts: str,
        metadata: Json | None = None,
        language: str = "en-US",
        hooks: Sequence[str] = ("request",),
        **body: Any,
    ) -> Json:
        """One call of the model: user messages with these texts."""
        body = {"model": "small", "messages": [{"role": "user", "content": text} for text in texts], **body}
        metadata = {"variables": {"{{USER_LANGUAGE}}": language}, **(metadata or {})}
        arguments = {"hooks": list(hooks), "filter_ids": [], "user": self.user, "model": self.model}
        return dict(self.host.call("run", body=body, metadata=metadata, **arguments))


@pytest.fixture
def guard(plugin_host: PluginHost) -> Guard:
    content = (ROOT / "filters" / "context_guard.py").read_text(encoding="utf-8")
    plugin_host.call("install", id="context_guard", content=content)
    plugin_host.call("only", ids=["context_guard"])
    plugin_host.call("valves", id="context_guard", values={})
    return Guard(plugin_host, plugin_host.call("user"))


def lines(turn: Json) -> list[str]:
    assert all(event["type"] == "status" and event["data"]["done"] for event in turn["events"])
    return [event["data"]["description"] for event in turn["events"]]


def test_a_short_message_passes_without_a_word(guard: Guard) -> None:
    turn = guard.ask("Hello")
    assert turn["events"] == []
    assert turn["body"] == {"model": "small", "messages": [{"role": "user", "content": "Hello"}]}


def test_it_warns_when_nearly_full(guard: Guard) -> None:
    assert lines(guard.ask(WORDS * 10)) == ["8,700 of 10,000 tokens (87 %): nearly all that Small can read"]
    assert lines(guard.ask(WORDS * 9)) == []
    assert lines(guard.ask(WORDS * 10, language="ja-JP")) == [
        "10,000トークン中8,700（87%）: Small が読める量の上限に近づいています"
    ]


def test_it_stops_what_the_model_cannot_read(guard: Guard) -> None:
    with pytest.raises(
        RuntimeError, match=r"Not sent: .* about 10,400 tokens long, and Small reads at most 10,000\. R"
    ):
        guard.ask(WORDS * 12)
    with pytest.raises(RuntimeError, match="送信しませんでした。この会話は約10,400トークン"):
        guard.ask(WORDS * 12, language="ja-JP")


def test_room_for_the_answer_counts_where_it_is_asked_for(guard: Guard) -> None:
    with pytest.raises(RuntimeError, match="Not sent"):
        guard.ask(WORDS * 9, max_tokens=4000)
    with pytest.raises(RuntimeError, match="Not sent"):
        guard.ask(WORDS * 9, max_completion_tokens=4000)


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": [{"type": "text", "text": WORDS * 12}]}],
        [{"role": "system", "content": WORDS * 6}, {"role": "user", "content": WORDS * 6}],
        [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": WORDS * 12}}]}],
        [{"role": "tool", "tool_call_id": "1", "content": WORDS * 12}],
        [{"role": "assistant", "content": "", "reasoning_content": WORDS * 12}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}] * 11}],
    ],
    ids=["parts", "system", "call", "tool", "reasoning", "pictures"],
)
def test_everything_that_goes_out_is_measured(guard: Guard, messages: list[Json]) -> None:
    with pytest.raises(RuntimeError, match="Not sent"):
        guard.ask(messages=messages)


def test_descriptions_of_tools_are_measured(guard: Guard) -> None:
    tools = [{"type": "function", "function": {"name": "f", "description": WORDS * 12}}]
    with pytest.raises(RuntimeError, match="Not sent"):
        guard.ask("Hi", tools=tools)


@pytest.mark.parametrize("values", [{"stop_percent": 0, "warn_percent": 0}, {"stop_percent": 200, "warn_percent": 0}])
def test_the_administrator_can_switch_both_off(guard: Guard, values: Json) -> None:
    guard.host.call("valves", id="context_guard", values=values)
    assert guard.ask(WORDS * 12)["events"] == []


def test_an_unknown_window_is_not_guessed_but_can_be_set(guard: Guard) -> None:
    guard.model = {"id": "silent"}
    assert guard.ask(WORDS * 100)["events"] == []
    guard.host.call("valves", id="context_guard", values={"window": 10_000})
    with pytest.raises(RuntimeError, match="small reads at most 10,000"):
        guard.ask(WORDS * 100)


def test_a_tool_loop_is_warned_of_once_and_still_stopped(guard: Guard) -> None:
    body = {"model": "small", "messages": [{"role": "user", "content": WORDS * 10}]}
    arguments = {"filter_ids": [], "user": guard.user, "model": guard.model}
    turn = guard.host.call("run", hooks=["request"] * 4, body=body, **arguments)
    assert len(turn["events"]) == 1
    assert turn["body"] == body
    grown = [*body["messages"], {"role": "tool", "content": WORDS * 5}]
    with pytest.raises(RuntimeError, match="Not sent"):
        guard.ask(messages=grown, metadata={"sekisho_guard_told": True})


def item(id: str = "f1", **more: Any) -> Json:
    return {"type": "file", "id": id, "name": f"{id}.pdf", **more}


def source(id: str, text: str) -> Json:
    return {"source": {"type": "file", "id": id}, "document": [text], "metadata": [{}]}


REMEDY = "the answer does not know what is in there (empty, still being read, or deleted). Attach it again"


def unread(guard: Guard, files: list[Json], sources: list[Json], **metadata: Any) -> list[str]:
    return lines(guard.ask("What is it?", metadata={"files": files, "sources": sources, **metadata}))


def test_files_of_which_nothing_was_read_are_named(guard: Guard) -> None:
    both = f"Nothing was read from f1.pdf, f2.pdf; {REMEDY}"
    assert unread(guard, [item("f1"), item("f2")], []) == [both]
    assert unread(guard, [item("f1")], [source("f1", " \n")], variables={"{{USER_LANGUAGE}}": "ja"}) == [
        "f1.pdf からは何も読み取れませんでした（空、読み取り中、または削除済み）。"
        "回答にはその内容が含まれません。もう一度添付してください"
    ]


def test_a_whole_file_without_text_is_named_beside_others(guard: Guard) -> None:
    files = [item("f1", context="full"), item("f2", context="full")]
    found = unread(guard, files, [source("f1", "text"), source("f2", "")])
    assert [re.sub(";.*", "", line) for line in found] == ["Nothing was read from f2.pdf"]


def test_a_search_without_hits_in_one_of_several_files_is_no_fault(guard: Guard) -> None:
    assert unread(guard, [item("f1"), item("f2")], [source("f1", "text")]) == []


def test_what_another_filter_explained_is_not_repeated(guard: Guard) -> None:
    assert unread(guard, [item("f1")], [], sekisho_told_files=["f1"]) == []


def test_a_temporary_chat_that_found_no_text(guard: Guard) -> None:
    inline = {"type": "text", "id": "t1", "name": "scan.pdf", "content": "", "collection_name": "", "url": ""}
    assert unread(guard, [inline], [source("f1", "text"), source("t1", "")]) == [
        f"Nothing was read from scan.pdf; {REMEDY}"
    ]
    page = {**inline, "url": "https://example.com"}
    assert unread(guard, [page], []) == []


def test_the_same_file_twice_is_named_once(guard: Guard) -> None:
    assert unread(guard, [item("f1"), item("f1")], []) == [f"Nothing was read from f1.pdf; {REMEDY}"]


@dataclass
class Talk:
    """A chat with a file, in which Full text gave the first answer its line."""

    guard: Guard
    answers: int = 1

    def ask(self, language: str = "en-US", **metadata: Any) -> list[str]:
        """What is told about the next question, for which Full text does not run."""
        told = [{"description": "1 file, whole", "done": True, "action": "full_text"}]
        messages = [{"id": "q0", "role": "user", "content": "Q", "files": [item("f1")], "parentId": None}]
        for at in range(self.answers):
            history = [] if at else told
            messages.append({"id": f"a{at}", "role": "assistant", "statusHistory": history, "parentId": f"q{at}"})
            messages.append({"id": f"q{at + 1}", "role": "user", "content": "Q", "parentId": f"a{at}"})
        chat_id = self.guard.host.call("chat", user_id=self.guard.user["id"], messages=messages)
        known = {
            "chat_id": chat_id,
            "user_message": messages[-1],
            "files": [item("f1")],
            "sources": [source("f1", "x")],
        }
        return lines(self.guard.ask("Q", metadata={**known, **metadata}, language=language))


GONE = (
    "f1.pdf only searched, not whole: Small has no Full text. "
    "Choose another model, or click the file and use the entire document"
)
OFF = "f1.pdf only searched, not whole: Full text is off. Switch it on below the message"


@pytest.fixture
def full_text(guard: Guard) -> None:
    content = (ROOT / "filters" / "full_text.py").read_text(encoding="utf-8")
    guard.host.call("install", id="full_text", content=content)
    guard.host.call("only", ids=["context_guard", "full_text"])


@pytest.mark.parametrize("answers", [1, 2])
def test_a_model_without_full_text_in_mid_chat(guard: Guard, answers: int) -> None:
    assert Talk(guard, answers).ask() == [GONE]
    assert Talk(guard, answers).ask(language="ja-JP")[0].startswith("f1.pdf は全文ではなく検索のみ: Small では")


def test_the_page_asks_for_a_filter_that_the_model_does_not_have(guard: Guard) -> None:
    files = {"files": [item("f1")], "sources": [source("f1", "x")], "filter_ids": ["full_text"]}
    assert lines(guard.ask("Q", metadata=files)) == [GONE]


@pytest.mark.usefixtures("full_text")
def test_a_switch_that_was_turned_off_is_told_once(guard: Guard) -> None:
    assert Talk(guard).ask() == [OFF]
    assert Talk(guard, answers=2).ask() == []


@pytest.mark.usefixtures("full_text")
def test_where_full_text_runs_nothing_is_said(guard: Guard) -> None:
    assert Talk(guard).ask(sekisho_told_files=[]) == []
    assert Talk(guard).ask(files=[item("f1", context="full")]) == []


def test_a_chat_in_which_it_never_ran(guard: Guard) -> None:
    assert lines(guard.ask("Q", metadata={"files": [item("f1")], "sources": [source("f1", "x")]})) == []


def test_models_that_read_files_by_tools_are_left_alone(guard: Guard) -> None:
    guard.model["info"] = {"meta": {"capabilities": {"file_context": False}}}
    assert unread(guard, [item("f1")], []) == []


def test_its_line_carries_what_was_told_before(guard: Guard) -> None:
    assert unread(guard, [item("f1")], [], sekisho_lines=["1 file, whole"]) == [
        f"1 file, whole · Nothing was read from f1.pdf; {REMEDY}"
    ]


def test_it_learns_how_the_model_counts(guard: Guard) -> None:
    guard.model["id"] = "learned"
    question = {"role": "user", "content": WORDS * 6}
    assert guard.ask(messages=[question])["events"] == []
    answer = {"role": "assistant", "content": "", "usage": {"prompt_tokens": 8700}}
    guard.ask(messages=[question, answer], hooks=["request", "outlet"])
    assert lines(guard.ask(WORDS * 6)) == ["8,690 of 10,000 tokens (87 %): nearly all that Small can read"]


@pytest.mark.parametrize("tokens", [10, 0, -1, None, "many", 1_000_000])
def test_a_count_that_cannot_be_true_teaches_nothing(guard: Guard, tokens: Any) -> None:
    guard.model["id"] = f"wrong {tokens}"
    question = {"role": "user", "content": WORDS * 10}
    answer = {"role": "assistant", "content": "", "usage": {"prompt_tokens": tokens}}
    guard.ask(messages=[question, answer], hooks=["request", "outlet"])
    assert lines(guard.ask(WORDS * 10)) == ["8,700 of 10,000 tokens (87 %): nearly all that Small can read"]


def test_odd_bodies_pass(guard: Guard) -> None:
    for messages in (None, [], [None, "text"], [{"role": "user", "content": None}]):
        assert guard.ask(messages=messages)["events"] == []


def test_a_failure_stops_nobody(guard: Guard) -> None:
    assert guard.ask("Hi", max_tokens="many")["events"] == []
