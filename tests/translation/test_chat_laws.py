"""Laws of the codec of Chat Completions: nothing is lost, nothing crashes it, no cut changes what is read."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.framing import SERVER_SENT_EVENTS, fields_of
from gateway.errors import InvalidRequest
from gateway.profiles.profile import Profile
from gateway.translation.answer import Closed, Ended, Event, Failed, Opened, Started
from gateway.translation.chat import CODEC
from gateway.translation.codec import Writing
from gateway.wire import encode
from tests.translation.chat_wire import check_whole, events_of, joined, payloads, written
from tests.translation.test_chat_recordings import STREAMS, WHOLE

_PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-10, 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
_JSON = st.recursive(
    _PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)

# Requests -------------------------------------------------------------------------------------------------------

_NAME = st.sampled_from(("weather", "apply_patch", "x"))
_TEXT = st.fixed_dictionaries({"type": st.just("text"), "text": st.text(max_size=9)})
_MARKED = st.fixed_dictionaries(
    {"type": st.just("text"), "text": st.text(max_size=9), "cache_control": st.just({"type": "ephemeral", "ttl": "1h"})}
)
_IMAGE = st.sampled_from(("https://a.example/b.png", "data:image/png;base64,QUJD")).map(
    lambda url: {"type": "image_url", "image_url": {"url": url, "detail": "low"}}
)
_AUDIO = st.just({"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}})
_FILE = st.sampled_from(({"filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"}, {"file_id": "file-1"}))
_PARTS = st.lists(
    _TEXT | _MARKED | _IMAGE | _AUDIO | _FILE.map(lambda file: {"type": "file", "file": file}), min_size=2, max_size=4
)
_TEXTS = st.lists(_TEXT, min_size=2, max_size=3)


def _message(role: str, content: st.SearchStrategy[Any], **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"role": st.just(role), "content": content}, optional=more)


_CALL = st.fixed_dictionaries(
    {
        "id": st.sampled_from(("call_1", "call_2")),
        "type": st.just("function"),
        "function": st.fixed_dictionaries({"name": _NAME, "arguments": st.text(max_size=9)}),
    },
    optional={"extra_content": st.just({"google": {"thought_signature": "abc"}})},
)
_CUSTOM_CALL = st.fixed_dictionaries(
    {
        "id": st.just("call_3"),
        "type": st.just("custom"),
        "custom": st.fixed_dictionaries({"name": _NAME, "input": st.text(max_size=9)}),
    }
)
_DETAIL = st.sampled_from(
    (
        {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.summary", "summary": "hm", "id": "rs_1", "format": "openai-responses-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "e", "id": "rs_1", "index": 1},
    )
)
_MESSAGES = st.one_of(
    _message("system", st.text() | _TEXTS),
    _message("developer", st.text() | _TEXTS),
    _message("user", st.text() | _PARTS, name=st.just("bob")),
    _message("assistant", st.text(min_size=1) | _TEXTS, reasoning_content=st.text(min_size=1, max_size=9)),
    _message("assistant", st.text(min_size=1), reasoning=st.just("hm"), prefix=st.just(True)),
    _message("assistant", st.text(min_size=1), reasoning_details=st.lists(_DETAIL, min_size=1, max_size=3)),
    _message("assistant", st.text(min_size=1), refusal=st.just("no")),
    st.fixed_dictionaries(
        {
            "role": st.just("assistant"),
            "content": st.none() | st.text(min_size=1),
            "tool_calls": st.lists(_CALL | _CUSTOM_CALL, min_size=1, max_size=3),
        }
    ),
    st.just({"role": "assistant", "content": None, "audio": {"id": "audio_1"}}),
    st.fixed_dictionaries({"role": st.just("tool"), "tool_call_id": st.just("call_1"), "content": st.text() | _TEXTS}),
)
_FUNCTION = st.fixed_dictionaries(
    {"name": _NAME}, optional={"description": st.text(), "parameters": st.just({}), "strict": st.booleans()}
).map(lambda function: {"type": "function", "function": function})
_GRAMMAR = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "a: b"}}
_CUSTOM = st.sampled_from(({"name": "free"}, {"name": "free", "description": "d", "format": _GRAMMAR}))
_SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}, "strict": True}}
_CHOICES = st.sampled_from(
    (
        "auto",
        "none",
        "required",
        {"type": "function", "function": {"name": "weather"}},
        {"type": "custom", "custom": {"name": "free"}},
        {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "x"}}]},
        },
    )
)
_REQUESTS = st.fixed_dictionaries(
    {"model": st.just("m"), "messages": st.lists(_MESSAGES, min_size=1, max_size=5)},
    optional={
        "temperature": st.floats(0, 2),
        "top_p": st.floats(0, 1),
        "top_k": st.integers(1, 9),
        "seed": st.integers(),
        "max_tokens": st.integers(1, 9),
        "stop": st.lists(st.text(), min_size=1, max_size=4),
        "stream": st.just(True),
        "stream_options": st.just({"include_usage": True}),
        "response_format": st.sampled_from((_SCHEMA, {"type": "json_object"})),
        "reasoning_effort": st.sampled_from(("none", "high", "a newer one")),
        "reasoning": st.just({"max_tokens": 5, "exclude": True}),
        "chat_template_kwargs": st.just({"enable_thinking": False}),
        "verbosity": st.just("low"),
        "metadata": st.just({"a": "b"}),
        "safety_identifier": st.just("p"),
        "service_tier": st.just("flex"),
        "prompt_cache_key": st.just("k"),
        "cache_control": st.just({"type": "ephemeral"}),
        "n": st.just(1),
        "logit_bias": st.just({"5": 1}),
        "modalities": st.just(["text"]),
        "web_search_options": st.just({}),
        "a_newer_member": _JSON.filter(lambda found: found is not None),
    },
)
_WITH_TOOLS = st.fixed_dictionaries(
    {
        "tools": st.tuples(_FUNCTION, _CUSTOM.map(lambda tool: {"type": "custom", "custom": tool})).map(list),
        "tool_choice": _CHOICES,
        "parallel_tool_calls": st.booleans(),
    }
)
_FULL = Profile(cache_marks=True)


def _through(fields: dict[str, Any]) -> dict[str, Any]:
    writing = Writing(_FULL)
    sent = CODEC.write_request(CODEC.read_request(fields), writing)
    assert writing.dropped == []
    return sent


@settings(max_examples=150, deadline=None)
@given(_REQUESTS, _WITH_TOOLS | st.just({}))
def test_a_request_comes_back_as_it_was(fields: dict[str, Any], tools: dict[str, Any]) -> None:
    asked = fields | tools
    assert _through(asked) == asked


@settings(max_examples=100, deadline=None)
@given(_REQUESTS, st.lists(_MESSAGES, max_size=3))
def test_a_longer_conversation_begins_with_the_same_bytes(fields: dict[str, Any], later: list[Any]) -> None:
    longer = {**fields, "messages": [*fields["messages"], *later]}
    first, second = (encode(_through(each)["messages"]) for each in (fields, longer))
    assert second.startswith(first[:-1])
    assert encode(_through(fields)) == encode(_through(json.loads(json.dumps(fields))))


_FRAGMENT = st.fixed_dictionaries({}, optional={name: _JSON for name in ("role", "content", "tool_calls", "audio")})
_ODD = st.fixed_dictionaries(
    {"model": st.just("m") | _JSON, "messages": st.lists(_MESSAGES | _FRAGMENT | _JSON, max_size=3) | _JSON},
    optional={
        name: _JSON
        for name in (
            *("tools", "functions", "tool_choice", "function_call", "response_format", "stop", "reasoning", "thinking"),
            *("temperature", "max_tokens", "logprobs", "top_logprobs", "metadata", "user", "stream", "cache_control"),
        )
    },
)


def _damaged(fields: Any, at: list[int], value: Any) -> Any:
    """Return data with one value somewhere in it replaced."""
    if not at or not isinstance(fields, dict | list) or not fields:
        return value
    keys = list(fields) if isinstance(fields, dict) else list(range(len(fields)))
    key = keys[at[0] % len(keys)]
    copy: Any = dict(fields) if isinstance(fields, dict) else list(fields)
    copy[key] = _damaged(fields[key], at[1:], value)
    return copy


_DEPTH = st.lists(st.integers(0, 30), min_size=1, max_size=7)


@settings(max_examples=150, deadline=None)
@given(_ODD | st.builds(_damaged, st.builds(dict.__or__, _REQUESTS, _WITH_TOOLS), _DEPTH, _JSON))
def test_no_request_raises_anything_but_a_refusal(fields: Any) -> None:
    if not isinstance(fields, dict):
        return
    refusal = None
    try:
        CODEC.write_request(CODEC.read_request(fields), Writing(_FULL))
    except InvalidRequest as error:
        refusal = error
    if refusal is not None:
        assert str(refusal.param).split(".")[0].split("[")[0] in {*fields, "model", "messages"}
        assert len(refusal.message) < 600


# Answers --------------------------------------------------------------------------------------------------------


def _is_law_abiding(events: list[Event]) -> None:
    """Check the order of a stream's events."""
    opened: dict[int, list[str]] = {}
    for number, event in enumerate(events):
        assert isinstance(event, Started) is (number == 0) or isinstance(event, Failed)
        if isinstance(event, Opened):
            assert event.index == len(opened)
            opened[event.index] = []
        elif isinstance(event, Closed):
            text = getattr(event.part, "arguments", getattr(event.part, "text", None))
            pieces = opened[event.index]
            if isinstance(text, str):
                assert "".join(pieces) == text
            opened[event.index] = ["closed"]
        elif isinstance(event, Ended | Failed):
            assert number == len(events) - 1
        elif not isinstance(event, Started):
            assert opened[event.index] != ["closed"]
            opened[event.index].append(getattr(event, "text", ""))


@settings(max_examples=150, deadline=None)
@given(st.builds(_damaged, st.sampled_from(WHOLE).map(lambda each: each.json), _DEPTH, _JSON) if WHOLE else _JSON)
def test_no_answer_is_unreadable(fields: Any) -> None:
    if isinstance(fields, dict):
        answer = CODEC.read_answer(fields, Profile())
        written = CODEC.write_answer(answer, {})
        own = answer.own.get("chat", {})
        check_whole({name: written[name] for name in written if name not in own})


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_stream_is_unreadable(data: st.DataObject) -> None:
    if not STREAMS:
        pytest.skip("no recordings in ../shared/recordings beside the repository")
    recorded = payloads(data.draw(st.sampled_from(STREAMS)).answer)[:40]
    damaged = [
        encode(_damaged(json.loads(each), data.draw(_DEPTH), data.draw(_JSON))) if data.draw(st.booleans()) else each
        for each in recorded
        if each.strip() != b"[DONE]"
    ]
    events = events_of([*damaged, b"[DONE]"])
    _is_law_abiding(events)
    if events and isinstance(events[-1], Ended):
        written(events)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=30) | _JSON.map(encode), max_size=5))
def test_no_bytes_crash_the_reader(events: list[bytes]) -> None:
    _is_law_abiding(events_of(events))


@pytest.mark.parametrize("stream", STREAMS[::10], ids=lambda each: each.name)
def test_no_cut_changes_what_is_read(stream: Any) -> None:
    whole = events_of(stream.answer)
    _is_law_abiding(whole)

    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.integers(1, len(stream.answer) - 1), unique=True, max_size=30))
    def check(cuts: list[int]) -> None:
        frames, reader = SERVER_SENT_EVENTS.reader(), CODEC.reader(Profile())
        edges = [0, *sorted(cuts), len(stream.answer)]
        pieces = [frame for start, end in pairwise(edges) for frame in frames.feed(stream.answer[start:end])]
        events = [event for frame in (*pieces, *frames.end()) for event in reader.read(*fields_of(frame))]
        assert [*events, *reader.end()] == whole

    check()


_MARKS = st.sampled_from(("<think>", "</think>", "<", "</th", "ink>", "\n", " ", "a", "<reasoning>", "</reasoning>"))


@settings(max_examples=150, deadline=None)
@given(st.lists(_MARKS, max_size=12), st.lists(st.integers(1, 60), max_size=8))
def test_inline_reasoning_is_the_same_however_the_text_is_cut(marks: list[str], cuts: list[int]) -> None:
    text = "".join(marks)
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in pairwise(edges)]
    chunks = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    finish = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    events = events_of([encode(each) for each in (*chunks, finish)])
    message = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}
    answer = CODEC.read_answer(message, Profile())
    parts = [(type(event.part), getattr(event.part, "text", "")) for event in events if isinstance(event, Closed)]
    assert parts == [(type(part), getattr(part, "text", "")) for part in answer.parts]
    assert joined(written(events))["finish"] == "stop"
