"""What agents say, whoever made them, as Open WebUI shows it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.agent import ANSWER, PASSAGE, PICTURE, RULES, USAGE
from tests.fixtures.plugin_host import PluginHost
from tests.pipes.conftest import Desk

TEXT = "".join(ANSWER)
TITLED = ("Rules of employment", RULES, PASSAGE)
SOURCES: dict[str, list[tuple[str, str | None, str]]] = {
    "annotations": [("Rules of employment", RULES, "Rules of employment"), ("file-1", None, PASSAGE)],
    "perplexity": [TITLED, ("https://example.org/two",) * 3],
    "azure": [("Rules of employment", None, PASSAGE)],
    "dify": [("rules.pdf", None, PASSAGE)],
    "langgraph": [TITLED],
    "n8n": [TITLED],
    "whole": [(RULES,) * 3],
    "responses": [("https://example.org/two",) * 3, ("Rules of employment", RULES, "Rules of employment")],
    "chat": [],
}
TOOLS = {
    "tools": [("search_rules", '{"query": "有給"}', PASSAGE), ("look_at_clock", "{}", "")],
    "dify": [("rules", '{"q": 1}', PASSAGE)],
    "langgraph": [("retrieve", '{"q": 1}', PASSAGE)],
    "responses": [
        (
            "web_search",
            '{"type": "search", "query": "有給", "sources": [{"type": "url", "url": "https://example.org/two"}]}',
            "",
        ),
        ("read_rules", '{"page": 3}', PASSAGE),
    ],
}


@pytest.mark.parametrize("shape", SOURCES)
def test_text_and_sources_of_every_shape(desk: Desk, shape: str) -> None:
    answer = desk.ask(shape)
    assert (answer.error, answer.text, answer.sources) == ("", TEXT, SOURCES[shape])


MARKED = "休暇[2]は20日[1]、[1]翌年[2][1]。配列[0]と[docs]【4:"


def test_marks_become_numbers_that_open_a_source(desk: Desk) -> None:
    assert desk.ask("marks").text == MARKED
    [whole] = desk.ask("marks", stream=False).chunks
    assert whole["choices"][0]["message"]["content"] == MARKED


@pytest.mark.parametrize("shape", TOOLS)
def test_tools_are_shown_and_never_run_by_open_webui(desk: Desk, shape: str) -> None:
    answer = desk.ask(shape)
    assert answer.tools == TOOLS[shape]
    assert {item["status"] for item in answer.items} == {"completed"}
    assert not any("tool_calls" in chunk["choices"][0]["delta"] for chunk in answer.chunks if chunk.get("choices"))


def test_no_call_is_left_without_a_result(desk: Desk) -> None:
    """Open WebUI would run it, and then ask the agent again."""
    answer = desk.ask("odd-tools")
    calls = {item["call_id"] for item in answer.items if item["type"] == "function_call"}
    results = {item["call_id"] for item in answer.items if item["type"] == "function_call_output"}
    assert calls == results
    assert answer.tools == [("one", '{"a": 1}', ""), ("two", '{"b": 2}', "late"), ("three", "", "")]
    assert answer.text == TEXT


@pytest.mark.parametrize(
    ("shape", "thought"),
    [
        ("thinking", "Let me see. 規程を読みます。"),
        ("whole", "規程を読みます。"),
        ("responses", "規程を読みます。"),
        ("dify", "I look it up."),
    ],
)
def test_thinking(desk: Desk, shape: str, thought: str) -> None:
    assert desk.ask(shape).thinking == thought


@pytest.mark.parametrize("shape", ["chat", "perplexity", "dify", "whole"])
def test_usage_comes_once(desk: Desk, shape: str) -> None:
    assert desk.ask(shape).usage == USAGE


def test_usage_of_the_responses_api(desk: Desk) -> None:
    assert desk.ask("responses").usage == {"input_tokens": 40, "output_tokens": 9, "total_tokens": 49}


def test_open_webui_s_own_events(desk: Desk) -> None:
    answer = desk.ask("open-webui")
    assert answer.text == f"data: {TEXT}", "text that looks like an event is text"
    assert answer.sources == [("Rules", RULES, PASSAGE), ("Click", None, "x")], "a link that runs code is no link"
    pictures = [chunk["choices"][0]["delta"].get("images") for chunk in answer.chunks if chunk.get("choices")]
    assert [picture for picture in pictures if picture] == [[{"type": "image_url", "image_url": {"url": PICTURE}}]]
    assert answer.data("files") == [{"files": [{"type": "file", "url": RULES, "name": "rules"}]}]
    pages = ["<p>one</p>"], ["<p>one</p>", "<p>two</p>"]
    assert answer.data("embeds") == [{"embeds": page, "replace": True} for page in pages]
    assert {event["type"] for event in answer.events} == {"status", "source", "files", "embeds"}
    first, last = answer.data("status")
    assert first == {"description": "規程を検索中", "done": False}
    assert last["done"] is True


def test_a_step_of_a_workflow_is_a_status_that_ends(desk: Desk) -> None:
    statuses = desk.ask("dify").data("status")
    assert [status["done"] for status in statuses] == [False, True]
    assert statuses[0]["description"] == "Knowledge Retrieval"


def test_a_program_gets_openai_s_chunks_and_nothing_else(desk: Desk) -> None:
    """It asked through the API: no chat, nobody to show a status to."""
    answer = desk.ask("responses", metadata={"chat_id": "", "message_id": None})
    assert answer.events == []
    assert {chunk.get("object", "usage") for chunk in answer.chunks} == {"chat.completion.chunk", "usage"}
    notes = [
        note
        for chunk in answer.chunks
        if chunk.get("choices")
        for note in chunk["choices"][0]["delta"].get("annotations", [])
    ]
    assert [note["url_citation"]["url"] for note in notes] == ["https://example.org/two", RULES]
    assert answer.text == TEXT


def test_without_a_stream_the_answer_is_one_object(desk: Desk) -> None:
    [answer] = desk.ask("tools", stream=False).chunks
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": TEXT}
    assert answer["usage"] == USAGE
    [thought] = desk.ask("thinking", stream=False).chunks
    assert thought["choices"][0]["message"]["reasoning_content"] == "Let me see. 規程を読みます。"


KEYS = st.sampled_from(
    [
        *("choices", "delta", "message", "content", "role", "tool_calls", "function", "annotations", "type", "event"),
        *("data", "sources", "citations", "context", "documents", "metadata", "usage", "error", "item", "response"),
        *("output", "action", "results", "answer", "index", "id", "url", "url_citation", "source", "files", "embeds"),
        *("status", "messages", "tool_call_chunks", "images", "image_url", "search_results", "document", "detail"),
    ]
)
KINDS = st.sampled_from(
    [
        *("response.completed", "response.output_item.done", "response.output_text.delta", "message_end", "status"),
        *("agent_thought", "AIMessageChunk", "ai", "tool", "item", "error", "url_citation", "web_search_call"),
        *("function_call_output", "message", "image_generation_call", "response.failed", "source", "embeds"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner | KINDS, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(chunks=st.lists(st.dictionaries(KEYS, VALUES | KINDS, max_size=5), max_size=20))
def test_no_json_value_breaks_the_readers(pipe_host: PluginHost, chunks: list[Any]) -> None:
    assert len(pipe_host.call("extract", values=chunks)) == len(chunks)
