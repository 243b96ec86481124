"""Requests to Cohere's Chat within its bounds, whatever the conversation; and its answers, whatever is in them."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.usage import Usage, from_cohere
from gateway.errors import InvalidRequest
from gateway.profiles.families import resolve
from gateway.translation import chat, cohere, messages
from gateway.translation.answer import Cited, Closed, Ended, Event, Failed
from gateway.translation.codec import Writing
from gateway.translation.conversation import Conversation
from gateway.translation.dropping import drop_unknown
from gateway.translation.parts import Text, Thinking, ToolCall
from gateway.translation.repairs import repaired
from tests.translation.cohere_wire import check_answer, check_request, event

Fields = dict[str, Any]

COMMAND, REASONING, OLD = "command-a-03-2025", "command-a-reasoning-08-2025", "command-r-08-2024"
PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "original"}}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": ""}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": ""}


def written(conversation: Conversation, model: str) -> tuple[Fields, Writing]:
    writing = Writing(resolve(model, "cohere"))
    drop_unknown(conversation, chat.CODEC, cohere.CODEC, writing)
    kept = repaired(conversation, chat.CODEC, cohere.CODEC, writing)
    sent = json.loads(json.dumps(cohere.CODEC.write_request(kept, writing)))
    check_request(sent)
    return sent, writing


def asked(model: str = COMMAND, **fields: Any) -> tuple[Fields, Writing]:
    found = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **fields}
    return written(chat.CODEC.read_request(found), model)


_texts = st.sampled_from(["Hi", "", " ", "日本語", "a" * 50, "\x00"])
_parts = st.lists(st.one_of(st.builds(lambda text: {"type": "text", "text": text}, _texts), st.just(PNG)), max_size=3)
_ids = st.sampled_from(["call_1", "call 2", "", "x" * 100])
_calls = st.lists(st.builds(lambda i: {**CALL, "id": i}, _ids), max_size=2)
_turns = st.lists(
    st.one_of(
        st.builds(lambda content: {"role": "user", "content": content}, _parts),
        st.builds(
            lambda text, calls: {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})},
            _texts,
            _calls,
        ),
        st.builds(lambda i, text: {"role": "tool", "tool_call_id": i, "content": text}, _ids, _texts),
        st.builds(lambda text: {"role": "system", "content": text}, _texts),
    ),
    max_size=6,
)
_numbers = st.none() | st.floats(-3, 3) | st.integers(-9, 9)


@settings(max_examples=300, deadline=None)
@given(_turns, _numbers, st.sampled_from([COMMAND, OLD, REASONING]), st.sampled_from(["auto", "none", "required"]))
def test_any_conversation_is_valid(turns: list[Fields], number: Any, model: str, choice: str) -> None:
    names = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
    with contextlib.suppress(InvalidRequest):  # of an empty conversation
        asked(model, messages=turns, tools=[TOOL], tool_choice=choice, stop=["a"] * 7, **dict.fromkeys(names, number))


def test_what_is_out_of_bounds_is_bounded_and_told() -> None:
    sent, writing = asked(
        temperature=1.7, top_p=1, top_k=900, presence_penalty=-2, seed=-1, stop=list("abcdefg"), logprobs=True,
        top_logprobs=3, metadata={"a": "b"}, n=1,
    )  # fmt: skip
    assert (sent["temperature"], sent["p"], sent["k"], sent["presence_penalty"]) == (1, 0.99, 500, 0)
    assert sent["stop_sequences"] == list("abcde")
    assert set(writing.dropped) == {"temperature", "top_k", "presence_penalty", "seed", "stop", "top_logprobs", "metadata"}  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(
    ("fields", "thinking"),
    [
        ({}, None),
        ({"reasoning_effort": "none"}, {"type": "disabled"}),
        ({"reasoning_effort": "low"}, {"type": "enabled", "token_budget": 4096}),
        ({"reasoning_effort": "high"}, {"type": "enabled"}),
        ({"reasoning_effort": "medium", "max_tokens": 100}, {"type": "enabled", "token_budget": 99}),
        ({"reasoning_effort": "medium", "max_tokens": 1}, {"type": "enabled"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 7}}, {"type": "enabled", "token_budget": 7}),
    ],
)
def test_how_much_is_thought(fields: Fields, thinking: Fields | None) -> None:
    assert asked(REASONING, **fields)[0].get("thinking") == thinking
    sent, writing = asked(COMMAND, **fields)
    assert "thinking" not in sent
    assert writing.dropped == ([] if thinking in (None, {"type": "disabled"}) or "thinking" in fields else ["reasoning"])  # fmt: skip  # noqa: E501


def test_one_tool_is_demanded_by_sending_no_other() -> None:
    other = {"type": "function", "function": {"name": "other", "strict": True}}
    choice = {"type": "function", "function": {"name": "other"}}
    sent, writing = asked(tools=[TOOL, other], tool_choice=choice, parallel_tool_calls=False)
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["other"]
    assert (sent["tool_choice"], sent["strict_tools"], writing.dropped) == ("REQUIRED", True, ["parallel_tool_calls"])
    sent, writing = asked(tools=[TOOL, other], tool_choice="auto")
    assert ("tool_choice" in sent, "strict_tools" in sent, writing.dropped) == (False, False, ["tools.strict"])
    sent, writing = asked(OLD, tools=[TOOL], tool_choice="required")
    assert ("tool_choice" in sent, writing.dropped) == (False, ["tool_choice"])


def test_what_the_model_said_before_a_call_is_its_plan() -> None:
    turns = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "I look.", "tool_calls": [CALL]},
        RESULT,
    ]
    sent, _ = asked(messages=turns, tools=[TOOL])
    assert sent["messages"][1] == {
        "role": "assistant",
        "tool_calls": [{**CALL, "function": {"name": "look", "arguments": "{}"}}],
        "tool_plan": "I look.",
    }
    assert sent["messages"][2] == {**RESULT, "content": "(no output)"}


def test_members_of_cohere_are_carried() -> None:
    own: Fields = {
        "documents": ["a", {"data": {"text": "b"}}],
        "citation_options": {"mode": "FAST"},
        "safety_mode": "STRICT",
    }
    sent, writing = asked(**own, priority=3, strict_tools=1, unknown=1)
    assert {name: sent[name] for name in own} == own
    assert (sent["priority"], "strict_tools" in sent, writing.dropped) == (3, False, ["unknown"])


def test_documents_stand_beside_the_messages_or_as_texts_in_them() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "Green.\n\nVery."}
    turn = {"role": "user", "content": [{"type": "document", "source": source, "title": "sky"}]}
    found = messages.CODEC.read_request({"model": COMMAND, "max_tokens": 9, "messages": [turn]})
    sent, _ = written(found, COMMAND)
    assert sent["documents"] == [{"id": "doc-0", "data": {"title": "sky", "text": "Green.\n\nVery."}}]
    assert sent["messages"] == [{"role": "user", "content": "See the documents."}]
    form = {"type": "json_schema", "schema": {"type": "object"}}
    found = messages.CODEC.read_request({"model": COMMAND, "max_tokens": 9, "messages": [turn], "output_config": {"format": form}})  # fmt: skip  # noqa: E501
    sent, _ = written(found, COMMAND)
    assert sent["messages"] == [{"role": "user", "content": "sky\n\nGreen.\n\nVery."}]
    assert sent["response_format"] == {"type": "json_object", "json_schema": {"type": "object"}}


@pytest.mark.parametrize("kind", ["audio", "file", "pdf", "document"])
def test_media_that_cohere_does_not_take_are_refused_by_name(kind: str) -> None:
    parts: dict[str, Fields] = {
        "audio": {"type": "input_audio", "input_audio": {"data": "YQ==", "format": "wav"}},
        "file": {"type": "file", "file": {"file_id": "file-1"}},
        "pdf": {"type": "file", "file": {"file_data": "data:application/pdf;base64,YQ=="}},
        "document": {"type": "file", "file": {"file_data": "https://example.com/a.pdf"}},
    }
    with pytest.raises(InvalidRequest) as refused:
        asked(messages=[{"role": "user", "content": [parts[kind]]}])
    assert refused.value.code == "unsupported_media"


def test_the_same_beginning_is_the_same_bytes() -> None:
    turns = [
        {"role": "user", "content": [PNG]},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]
    short, long = (asked(messages=turns[:count])[0]["messages"] for count in (1, 3))
    assert json.dumps(long).startswith(json.dumps(short)[:-1])


@pytest.mark.parametrize(
    ("found", "usage"),
    [
        (
            {
                "tokens": {"input_tokens": 92.0, "output_tokens": 17},
                "billed_units": {"input_tokens": 15, "output_tokens": 17},
                "cached_tokens": 99,
            },
            Usage(92, 17, 92, billed=Usage(15, 17)),
        ),
        ({"billed_units": {"input_tokens": 15}}, Usage(15)),
        ({"tokens": {"output_tokens": 4}}, Usage(None, 4)),
        ({"tokens": [], "billed_units": {"input_tokens": -1, "output_tokens": "4"}}, None),
        ({}, None),
        (None, None),
    ],
)
def test_the_counts(found: Any, usage: Usage | None) -> None:
    assert from_cohere(found) == usage
    if usage:
        assert usage.charged == (usage.billed or usage)


def _read(*contents: Fields) -> list[Event]:
    reader = cohere.CODEC.reader(resolve(COMMAND, "cohere"))
    told: list[Event] = []
    for content in contents:
        told += reader.read(content["type"].encode(), json.dumps(content).encode())
    return [*told, *reader.end()]


def test_citations_that_follow_their_text() -> None:
    source = {"type": "document", "id": "doc 0", "document": {"title": "Sky", "url": "https://example.com/sky"}}
    citation = {"start": 0, "end": 3, "text": "The", "sources": [source, {"type": "tool", "id": "c1:0"}]}
    plan = {**citation, "type": "PLAN"}
    told = _read(
        {"type": "message-start", "id": "a"},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"thinking": "Hm"}}}},
        {"type": "content-delta", "index": 1, "delta": {"message": {"content": {"text": "The sky"}}}},
        {"type": "content-end", "index": 1},
        {"type": "citation-start", "index": 0, "delta": {"message": {"citations": citation}}},
        {"type": "citation-start", "index": 1, "delta": {"message": {"citations": plan}}},
        {"type": "message-end", "delta": {"finish_reason": "STOP_SEQUENCE"}},
    )
    assert [each.citation.url for each in told if isinstance(each, Cited)] == ["https://example.com/sky", "tool:c1:0"]
    thought, text = (each.part for each in told if isinstance(each, Closed))
    assert isinstance(thought, Thinking)
    assert isinstance(text, Text)
    assert (len(text.citations), text.citations[0].title, told[-1]) == (2, "Sky", Ended("stop_sequence"))


@pytest.mark.parametrize("begun", ["", "null", None, " "])
def test_a_call_without_arguments(begun: str | None) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "now", "arguments": begun}}
    told = _read(
        {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": call}}},
        {"type": "tool-call-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL"}},
    )
    assert [each.part for each in told if isinstance(each, Closed)] == [ToolCall("c1", "now", "{}")]
    whole = {"message": {"role": "assistant", "tool_calls": [call]}, "finish_reason": "TOOL_CALL", "id": "a"}
    assert cohere.CODEC.read_answer(whole, resolve(COMMAND, "cohere")).parts == (ToolCall("c1", "now", "{}"),)


def test_calls_that_come_side_by_side() -> None:
    def start(index: int, name: str) -> Fields:
        call = {"id": name, "type": "function", "function": {"name": name, "arguments": ""}}
        return {"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": call}}}

    def more(index: int, piece: str) -> Fields:
        call = {"function": {"arguments": piece}}
        return {"type": "tool-call-delta", "index": index, "delta": {"message": {"tool_calls": call}}}

    told = _read(
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "Both."}}},
        *(start(0, "a"), start(1, "b"), more(1, '{"y":'), more(0, '{"x":1}'), more(1, "2}"), more(7, "lost")),
        {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL"}},
    )
    plan, *calls = (each.part for each in told if isinstance(each, Closed))
    assert isinstance(plan, Thinking)
    assert (plan.text, plan.seal) == ("Both.", "tool_plan")
    assert calls == [ToolCall("a", "a", '{"x":1}'), ToolCall("b", "b", '{"y":2}')]


@pytest.mark.parametrize("reason", ["ERROR", "TIMEOUT", "USER_CANCEL", "ERROR_LIMIT"])
def test_an_answer_that_broke_off_is_an_error(reason: str) -> None:
    told = _read(
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "The"}}}},
        {"type": "message-end", "delta": {"finish_reason": reason, "error": {"no": "text"}}},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}},
    )
    assert isinstance(told[-1], Failed)
    assert sum(isinstance(each, Ended | Failed) for each in told) == 1


def test_a_stream_without_its_end_never_ended() -> None:
    told = _read({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "The"}}}})
    assert not any(isinstance(each, Ended | Failed) for each in told)


def test_log_probabilities_are_those_of_chat() -> None:
    piece = {"text": "Good", "token_ids": [1, 2], "logprobs": [-0.5, -0.25]}
    whole = {"id": "a", "finish_reason": "COMPLETE", "message": {"role": "assistant", "content": [{"type": "text", "text": "Good"}]}, "logprobs": [piece, {"text": "x"}, 7]}  # fmt: skip  # noqa: E501
    check_answer({**whole, "logprobs": [piece]})
    found = cohere.CODEC.read_answer(whole, resolve(COMMAND, "cohere")).logprobs
    assert found == {"content": [{"token": "Good", "logprob": -0.75, "bytes": [71, 111, 111, 100], "top_logprobs": []}]}


_names = ["type", "index", "delta", "message", "content", "text", "thinking", "tool_calls", "tool_plan", "citations", "sources", "content_index", "finish_reason", "usage", "function", "arguments", "error", "start", "end", "logprobs"]  # fmt: skip  # noqa: E501
_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_names), inner, max_size=3))  # fmt: skip  # noqa: E501
_kinds = st.sampled_from(["message-start", "content-start", "content-delta", "content-end", "tool-plan-delta", "tool-call-start", "tool-call-delta", "tool-call-end", "citation-start", "citation-end", "message-end", "debug", "x"])  # fmt: skip  # noqa: E501


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_kinds, _values)), st.booleans())
def test_no_stream_raises_and_none_ends_twice(events: list[tuple[str, Any]], nested: bool) -> None:
    reader = cohere.CODEC.reader(resolve(COMMAND, "cohere"))
    told: list[Event] = []
    for name, content in events:
        whole = {"type": name, "index": 0, "delta": {"message": content} if nested else content}
        told += reader.read(name.encode(), event(whole).partition(b"data: ")[2])
    told += reader.end()
    assert sum(isinstance(each, Ended | Failed) for each in told) <= 1
    if any(isinstance(each, Ended) for each in told):
        assert any(name == "message-end" for name, _ in events)


@given(_values)
def test_no_answer_raises(answer: Any) -> None:
    cohere.CODEC.read_answer(answer if isinstance(answer, dict) else {}, resolve(COMMAND, "cohere"))
    cohere.CODEC.read_answer({"message": answer, "usage": answer, "logprobs": answer}, resolve(COMMAND, "cohere"))
