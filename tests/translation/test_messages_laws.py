"""Laws of the codec of Messages: what arrives is never a crash, what is written can be read, cuts change nothing."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.framing import SERVER_SENT_EVENTS, fields_of
from gateway.errors import InvalidRequest
from gateway.profiles.profile import Profile
from gateway.translation import seals
from gateway.translation.answer import Ended, Event, Failed
from gateway.translation.codec import Writing
from gateway.translation.messages import CODEC
from gateway.translation.messages.names import FOREIGN_BLOCKS
from gateway.translation.parts import Thinking
from tests.translation.messages_wire import events_of, written

Fields = dict[str, Any]

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).map(lambda found: f"w{found}w")
scalars = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | words
)
anything: Any = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=8
)
NAMES = """
    type text citations source data media_type url file_id title context id name input tool_use_id content is_error
    thinking signature cache_control ttl role enabled display budget_tokens effort format schema index delta usage
    message content_block partial_json citation stop_reason error output_tokens input_tokens sekisho_block tool_name
    """.split()  # noqa: SIM905
KINDS = """
    text image document search_result tool_use tool_result thinking redacted_thinking base64 url file content
    ephemeral user assistant system enabled adaptive disabled any tool auto none json_schema server_tool_use
    message_start content_block_start content_block_delta content_block_stop message_delta message_stop ping error
    text_delta input_json_delta thinking_delta signature_delta citations_delta compaction_delta end_turn
    """.split()  # noqa: SIM905
MEMBERS = """
    model messages system max_tokens tools tool_choice thinking output_config metadata stream stop_sequences top_k
    temperature cache_control service_tier output_format mcp_servers
    """.split()  # noqa: SIM905
shaped: Any = st.recursive(
    scalars | st.sampled_from(KINDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=20,
)
members = st.sampled_from(MEMBERS)

MARK = {"type": "ephemeral"}
marks = st.sampled_from([{}, {"cache_control": MARK}, {"cache_control": {**MARK, "ttl": "1h"}}])
objects = st.dictionaries(words, scalars, max_size=3)


def _block(kind: str, **fields: Any) -> Any:
    return st.builds(
        lambda found, mark: {"type": kind, **{k: v for k, v in found.items() if v is not None}, **mark},
        st.fixed_dictionaries(fields),
        marks,
    )


texts = _block("text", text=words)
images = _block(
    "image",
    source=st.sampled_from(
        [
            {"type": "base64", "media_type": "image/png", "data": "iVBORw0="},
            {"type": "url", "url": "https://a.example/x.png"},
            {"type": "file", "file_id": "file_1"},
        ]
    ),
)
documents = _block(
    "document",
    source=st.sampled_from(
        [
            {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
            {"type": "text", "media_type": "text/plain", "data": "words"},
            {"type": "url", "url": "https://a.example/x.pdf"},
            {"type": "content", "content": [{"type": "text", "text": "inner"}]},
        ]
    ),
    title=st.none() | words,
    context=st.none() | words,
    citations=st.sampled_from([None, {"enabled": True}]),
)
found_texts = _block("search_result", source=words, title=words, content=st.lists(st.builds(lambda w: {"type": "text", "text": w}, words), min_size=1, max_size=2))  # fmt: skip  # noqa: E501
results = _block(
    "tool_result",
    tool_use_id=words,
    content=st.none() | st.lists(texts | images | documents | found_texts, min_size=1, max_size=2),
    is_error=st.sampled_from([None, True]),
)
foreign = st.builds(lambda kind, rest: {**rest, "type": kind}, st.sampled_from(sorted(FOREIGN_BLOCKS)), objects)
calls = _block("tool_use", id=words, name=words, input=objects, caller=st.none() | objects)
thoughts = st.builds(lambda text, seal: {"type": "thinking", "thinking": text, "signature": seal}, words, words)
hidden = st.builds(lambda data: {"type": "redacted_thinking", "data": data}, words)


def _one(first: Any, second: Any, most: int = 3) -> Any:
    """A list of blocks of the one kind before blocks of the other."""
    both = st.tuples(st.lists(first, max_size=most), st.lists(second, max_size=most))
    return both.map(lambda found: [*found[0], *found[1]]).filter(bool)


user = _one(results, texts | images | documents | found_texts | foreign).map(lambda c: {"role": "user", "content": c})
assistant = _one(thoughts | hidden | texts | foreign, calls).map(lambda c: {"role": "assistant", "content": c})
tools = st.lists(
    st.builds(
        lambda name, schema, rest, mark: {"name": name, "input_schema": {"type": "object", **schema}, **rest, **mark},
        words,
        objects,
        st.sampled_from([{}, {"strict": True}, {"defer_loading": True}, {"description": "d"}]),
        marks,
    )
    | st.builds(lambda name: {"type": "web_search_20250305", "name": name, "max_uses": 2}, words),
    min_size=1,
    max_size=3,
)
requests: Any = st.fixed_dictionaries(
    {
        "model": words,
        "max_tokens": st.integers(2000, 9000),
        "messages": st.lists(st.tuples(user, assistant), min_size=1, max_size=3).map(
            lambda pairs: (
                [message for pair in pairs for message in pair] + [{"role": "user", "content": pairs[0][0]["content"]}]
            )
        ),
    },
    optional={
        "system": st.lists(texts, min_size=1, max_size=2),
        "tools": tools,
        "temperature": st.sampled_from([0.0, 0.5, 1]),
        "top_p": st.floats(0, 1),
        "top_k": st.integers(0, 100),
        "stop_sequences": st.lists(words, min_size=1, max_size=2),
        "stream": st.just(True),
        "thinking": st.sampled_from(
            [
                {"type": "adaptive"},
                {"type": "adaptive", "display": "omitted"},
                {"type": "adaptive", "display": "summarized"},
                {"type": "disabled"},
            ]
        ),
        "output_config": st.sampled_from(
            [{"effort": "high"}, {"format": {"type": "json_schema", "schema": {"type": "object"}}, "task": 1}]
        ),
        "metadata": st.just({"user_id": "u", "more": 1}),
        "service_tier": st.sampled_from(["auto", "standard_only"]),
        "context_management": objects.filter(bool),
        "mcp_servers": st.lists(objects, min_size=1, max_size=1),
        "cache_control": st.just({"type": "ephemeral", "scope": "global"}),
    },
)


def _marked(found: Any) -> int:
    if isinstance(found, list):
        return sum(map(_marked, found))
    return ("cache_control" in found) + sum(map(_marked, found.values())) if isinstance(found, dict) else 0


@settings(deadline=None, max_examples=100)
@given(requests)
def test_a_request_is_written_as_it_was_read(fields: Fields) -> None:
    writing = Writing(Profile())
    sent = CODEC.write_request(CODEC.read_request(fields), writing)
    if _marked(fields) <= 4 and "effort" not in (fields.get("output_config") or {}):
        assert writing.dropped == []
        assert json.loads(json.dumps(sent)) == fields
    assert _marked(sent) <= 4 or "cache_control" in writing.dropped


@settings(deadline=None, max_examples=60)
@given(requests)
def test_a_longer_conversation_begins_with_the_bytes_of_the_shorter(fields: Fields) -> None:
    longer = {**fields, "messages": [*fields["messages"], {"role": "assistant", "content": "and"}]}
    first = CODEC.write_request(CODEC.read_request(fields), Writing(Profile()))
    second = CODEC.write_request(CODEC.read_request(longer), Writing(Profile()))
    if _marked(fields) <= 4:
        assert second["messages"][: len(first["messages"])] == first["messages"]
        assert [second.get(name) for name in ("system", "tools")] == [first.get(name) for name in ("system", "tools")]


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(members, shaped | anything, max_size=6))
def test_any_request_is_read_or_refused(fields: Fields) -> None:
    fields.setdefault("model", "m")
    try:
        conversation = CODEC.read_request(fields)
    except InvalidRequest as error:
        assert error.param  # noqa: PT017
        return
    CODEC.write_request(conversation, Writing(Profile()))


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from(["id", "model", "content", "stop_reason", "usage", "error"]), shaped | anything))
def test_any_answer_is_read(fields: Fields) -> None:
    CODEC.write_answer(CODEC.read_answer(fields, Profile()), {})


@settings(deadline=None, max_examples=300)
@given(st.lists(shaped, max_size=12), st.booleans())
def test_any_stream_is_read_and_ends_once(found: list[Any], ended: bool) -> None:
    reader = CODEC.reader(Profile())
    payloads = [json.dumps(each).encode() for each in found]
    events: list[Event] = [event for payload in payloads for event in reader.read(b"", payload)]
    events += reader.end()
    assert sum(isinstance(event, Ended | Failed) for event in events) <= 1
    if events and isinstance(events[-1], Ended):
        sent = CODEC.writer("m", {})
        assert b"".join(sent.write(event) for event in events).endswith(b'data: {"type":"message_stop"}\n\n')


def _begun(index: int, block: Fields) -> Fields:
    return {"type": "content_block_start", "index": index, "content_block": block}


def _piece(index: int, kind: str, name: str, value: str) -> Fields:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, name: value}}


EVENTS = (
    {"type": "message_start", "message": {"id": "msg_1", "model": "claude", "usage": {"input_tokens": 3}}},
    _begun(0, {"type": "thinking", "thinking": "", "signature": ""}),
    _piece(0, "thinking_delta", "thinking", "考え"),
    _piece(0, "signature_delta", "signature", "s=="),
    {"type": "content_block_stop", "index": 0},
    _begun(1, {"type": "text", "text": ""}),
    _piece(1, "text_delta", "text", "はい\n"),
    {"type": "content_block_stop", "index": 1},
    _begun(2, {"type": "tool_use", "id": "t", "name": "n", "input": {}}),
    _piece(2, "input_json_delta", "partial_json", '{"a":'),
    _piece(2, "input_json_delta", "partial_json", "1}"),
    {"type": "content_block_stop", "index": 2},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
    {"type": "message_stop"},
)
STREAM = b"".join(
    b"event: %s\ndata: %s\n\n" % (str(each["type"]).encode(), json.dumps(each).encode()) for each in EVENTS
)


@settings(deadline=None, max_examples=80)
@given(st.lists(st.integers(1, len(STREAM) - 1), unique=True, max_size=30))
def test_cuts_change_nothing(cuts: list[int]) -> None:
    frames, reader = SERVER_SENT_EVENTS.reader(), CODEC.reader(Profile())
    edges = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(edges)]
    events = [e for piece in pieces for frame in frames.feed(piece) for e in reader.read(*fields_of(frame))]
    assert events == events_of(STREAM)
    assert len(written(events)) == 15


@pytest.mark.parametrize("origin", ["responses", "chat", "gemini"])
@given(text=words, seal=st.none() | words)
def test_reasoning_of_another_origin_comes_back_through_a_client(origin: str, text: str, seal: str | None) -> None:
    part = Thinking(text=text, seal=seal, origin=origin, id="rs_1")
    block = CODEC.write_answer(CODEC.read_answer({"content": []}, Profile()), {})["content"]
    assert block == []
    signature = seals.wrapped(part)
    turn = {"role": "assistant", "content": [{"type": "thinking", "thinking": text, "signature": signature}]}
    read = CODEC.read_request({"model": "m", "messages": [turn]})
    assert read.turns[0].parts == (part,)
    assert CODEC.write_request(read, Writing(Profile()))["messages"] == []
