"""What servers of Messages send beside the documentation, and what other dialects' answers become for clients of it."""

import json
from typing import Any

import pytest

from gateway.dialects.usage import Usage
from gateway.profiles.profile import Profile
from gateway.translation import seals
from gateway.translation.answer import (
    Answer,
    Cited,
    Closed,
    Delta,
    Ended,
    EndReason,
    Event,
    Failed,
    Opened,
    Started,
)
from gateway.translation.messages import CODEC
from gateway.translation.parts import Audio as Spoken
from gateway.translation.parts import Citation, Foreign, Part, Refusal, Source, Text, Thinking, ToolCall
from tests.translation.messages_wire import check_whole, joined, told, written

Fields = dict[str, Any]
START = {"type": "message_start", "message": {"id": "msg_1", "model": "claude", "usage": {"input_tokens": 3}}}
END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}
STOP = {"type": "message_stop"}


def begun(index: int, **block: Any) -> Fields:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **piece: Any) -> Fields:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **piece}}


def closed(index: int) -> Fields:
    return {"type": "content_block_stop", "index": index}


TEXT = (begun(0, type="text", text=""), delta(0, "text_delta", text="Hi"), closed(0))


def read(*events: Fields | bytes, name: bytes = b"") -> list[Event]:
    reader = CODEC.reader(Profile())
    payloads = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in events]
    return [*(event for payload in payloads for event in reader.read(name, payload)), *reader.end()]


def parts(events: list[Event]) -> list[Part]:
    return [event.part for event in events if isinstance(event, Closed)]


def ended(events: list[Event]) -> Ended:
    assert isinstance(events[-1], Ended)
    return events[-1]


# Upstreams


def test_an_error_event_is_the_last() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    events = read(START, *TEXT, error, END, STOP)
    assert events[-1] == Failed(json.dumps(error).encode())
    assert read(START, b"no json", name=b"error")[0] == Failed(json.dumps(START).encode())


@pytest.mark.parametrize("error", [{"error": {"message": "no"}}, {"error": "no"}, {"type": "error"}])
def test_errors_without_their_form_are_errors(error: Fields) -> None:
    assert isinstance(read(START, error)[-1], Failed)


def test_a_missing_message_stop_is_no_loss_after_the_reason() -> None:
    assert ended(read(START, *TEXT, END)).end == "stop"
    assert not isinstance(read(START, *TEXT)[-1], Ended)


def test_a_message_delta_without_usage() -> None:
    last = ended(read(START, *TEXT, {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}}, STOP))
    assert (last.end, last.usage) == ("length", Usage(input=3))


def test_a_stop_without_a_reason() -> None:
    assert ended(read(START, *TEXT, STOP)).end == "stop"
    call = begun(0, type="tool_use", id="1", name="n", input={})
    assert ended(read(START, call, closed(0), STOP)).end == "tool_calls"
    assert ended(read(START, *TEXT, {**END, "delta": {"stop_reason": "something_new"}}, STOP)).end == "stop"


def test_the_metrics_of_bedrock_are_counts_where_there_are_no_others() -> None:
    metrics = {"inputTokenCount": 5, "outputTokenCount": 7, "invocationLatency": 10, "firstByteLatency": 3}
    stop = {**STOP, "amazon-bedrock-invocationMetrics": metrics}
    bare = {"type": "message_start", "message": {"id": "msg_1"}}
    assert ended(read(bare, *TEXT, {"type": "message_delta", "delta": {}}, stop)).usage == Usage(input=5, output=7)
    assert ended(read(START, *TEXT, END, stop)).usage == Usage(input=3, output=9)


def test_unknown_events_blocks_and_deltas() -> None:
    events = read(
        START,
        {"type": "ping"},
        {"type": "something_new", "index": 0},
        {"type": 5},
        b"[DONE]",
        b"[]",
        b"",
        begun(0, type="sparkle", glow=1),
        delta(0, "sparkle_delta", glow=2),
        closed(0),
        begun(1, type="text", text=""),
        delta(1, "shimmer_delta", text=5),
        delta(1, "text_delta", text="Hi"),
        closed(1),
        closed(7),
        END,
        STOP,
    )
    assert parts(events) == [Foreign(dialect="messages", content={"type": "sparkle", "glow": 2}), Text(text="Hi")]
    assert ended(events).end == "stop"


def test_a_stream_without_its_start() -> None:
    events = read(*TEXT, END, STOP)
    assert events[0] == Started("", "", None)
    assert (parts(events), ended(events).end) == ([Text(text="Hi")], "stop")


def test_blocks_that_were_never_begun_or_never_stopped() -> None:
    events = read(
        START,
        delta(0, "thinking_delta", thinking="Hm"),
        delta(1, "text_delta", text="Hi"),
        delta(2, "input_json_delta", partial_json="{}"),
        END,
        STOP,
    )
    assert parts(events) == [Thinking(text="Hm", origin="messages"), Text(text="Hi")]
    assert [event.index for event in events if isinstance(event, Closed)] == [0, 1]


def test_an_index_that_is_used_twice() -> None:
    events = read(START, *TEXT[:2], begun(0, type="text", text="A"), delta(0, "text_delta", text="B"), END, STOP)
    assert parts(events) == [Text(text="Hi"), Text(text="AB")]


def test_a_call_that_comes_whole_at_its_start() -> None:
    call = begun(0, type="tool_use", id="1", name="n", input={"a": "é"})
    events = read(START, call, delta(0, "input_json_delta", partial_json=""), closed(0), END, STOP)
    assert parts(events) == [ToolCall(id="1", name="n", arguments='{"a":"é"}')]
    assert "".join(each.text for each in events if isinstance(each, Delta)) == '{"a":"é"}'


def test_pieces_of_a_summary_are_one() -> None:
    pieces = [delta(0, "compaction_delta", content=each) for each in ("What ", "was.")]
    events = read(START, begun(0, type="compaction", content=None), *pieces, closed(0), END, STOP)
    assert parts(events) == [Foreign(dialect="messages", content={"type": "compaction", "content": "What was."})]


def test_calls_that_never_end_take_no_endless_time() -> None:
    """Each is looked at some times, and of many only the last ones."""
    events: list[Event] = []
    for index in range(3000):
        events += [Opened(index, ToolCall(id=str(index), name="n")), Delta(index, '{"a":' + "1" * 300 + "}}")]
    assert len(stream(*events, end="tool_calls")) == 3000 * 4 + 3


def test_a_call_without_arguments_has_an_empty_object() -> None:
    events = read(START, begun(0, type="tool_use", id="1", name="n", input={}), closed(0), END, STOP)
    assert parts(events) == [ToolCall(id="1", name="n", arguments="{}")]


def test_interleaved_blocks_stay_apart() -> None:
    events = read(
        START,
        begun(0, type="tool_use", id="1", name="a", input={}),
        begun(1, type="tool_use", id="2", name="b", input={}),
        delta(1, "input_json_delta", partial_json='{"y":'),
        delta(0, "input_json_delta", partial_json='{"x":1}'),
        delta(1, "input_json_delta", partial_json="2}"),
        closed(1),
        closed(0),
        {**END, "delta": {"stop_reason": "tool_use"}},
        STOP,
    )
    assert parts(events) == [
        ToolCall(id="2", name="b", arguments='{"y":2}'),
        ToolCall(id="1", name="a", arguments='{"x":1}'),
    ]
    assert told(joined(written(events)))[0]["input"] == {"x": 1}


def test_hidden_reasoning_has_no_text() -> None:
    events = read(START, begun(0, type="redacted_thinking", data="abc"), closed(0), *TEXT[:0], END, STOP)
    assert parts(events) == [Thinking(seal="abc", redacted=True, origin="messages")]


def test_half_a_surrogate_pair_breaks_nothing() -> None:
    half = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\\ud83d"}}'
    events = read(START, TEXT[0], half, closed(0), END, STOP)
    assert written(events)
    assert parts(events)[0] in (Text(text="a?"), Text(text="a�"))


def test_what_follows_the_end_is_not_read() -> None:
    assert read(START, *TEXT, END, STOP, *TEXT, STOP)[-1] == read(START, *TEXT, END, STOP)[-1]


def test_a_second_start_is_none() -> None:
    assert sum(isinstance(each, Started) for each in read(START, START, *TEXT, END, STOP)) == 1


@pytest.mark.parametrize("wrong", [None, 5, "x", [], {}, True, [[]], {"type": {}}])
def test_wrong_types_anywhere_say_nothing(wrong: Any) -> None:
    broken = [{**each, name: wrong} for each in (START, *TEXT, END) for name in each if name != "type"]
    for each in broken:
        read(START, each, *TEXT, each, END, STOP)
    answer = {"id": wrong, "model": wrong, "content": wrong, "usage": wrong, "stop_reason": wrong}
    check_whole(CODEC.write_answer(CODEC.read_answer(answer, Profile()), {}))
    block = {"type": "tool_use", "id": wrong, "name": wrong, "input": wrong, "citations": wrong}
    check_whole(CODEC.write_answer(CODEC.read_answer({"content": [block, wrong]}, Profile()), {}))


@pytest.mark.parametrize(
    ("reason", "end", "again"),
    [
        ("end_turn", "stop", "end_turn"),
        ("model_context_window_exceeded", "length", "model_context_window_exceeded"),
        ("pause_turn", "pause", "pause_turn"),
        ("refusal", "refusal", "refusal"),
        ("stop_sequence", "stop_sequence", "stop_sequence"),
        (None, "stop", "end_turn"),
        ("new", "stop", "end_turn"),
    ],
)
def test_reasons_of_the_end(reason: str | None, end: str, again: str) -> None:
    answer = CODEC.read_answer({"content": [], "stop_reason": reason, "stop_sequence": "X"}, Profile())
    assert (answer.end, answer.stop_sequence) == (end, "X")
    assert CODEC.write_answer(answer, {})["stop_reason"] == again


def test_details_of_caches_come_back() -> None:
    cached = {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 6}
    usage = {"input_tokens": 1, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 100, "output_tokens": 2}
    found = {"content": [], "stop_reason": "end_turn", "usage": {**usage, "cache_creation": cached}}
    answer = CODEC.read_answer(found, Profile())
    assert answer.usage == Usage(input=111, output=2, cached_input=100, cache_write=10)
    assert CODEC.write_answer(answer, {})["usage"] == {**usage, "cache_creation": cached}


# Clients


def stream(*events: Event, end: EndReason = "stop", **last: Any) -> list[Fields]:
    return written([Started("chatcmpl-1", "theirs"), *events, Ended(end, **last)])


def types(sent: list[Fields]) -> list[str]:
    return [each["type"].removeprefix("content_block_") + str(each.get("index", "")) for each in sent[1:-2]]


def test_events_stand_in_the_documented_order() -> None:
    call = ToolCall(id="1", name="n")
    sent = stream(
        Opened(0, Thinking(origin="chat")),
        Delta(0, "Hm"),
        Closed(0, Thinking(text="Hm", origin="chat")),
        Opened(1, Text(text="")),
        Delta(1, "Hi"),
        Closed(1, Text(text="Hi")),
        Opened(2, call),
        Delta(2, '{"a"'),
        Delta(2, ":1}"),
        Closed(2, call),
        end="tool_calls",
    )
    assert types(sent) == [
        "start0",
        "delta0",
        "delta0",
        "stop0",
        "start1",
        "delta1",
        "stop1",
        "start2",
        "delta2",
        "delta2",
        "delta2",
        "stop2",
    ]
    assert sent[0]["message"]["usage"] == {"input_tokens": 0, "output_tokens": 0}
    assert sent[9]["delta"] == {"type": "input_json_delta", "partial_json": ""}
    message = joined(sent)
    assert message["content"][0]["signature"] == seals.wrapped(Thinking(origin="chat"))
    assert (message["content"][2]["input"], message["stop_reason"]) == ({"a": 1}, "tool_use")


def test_a_call_that_is_whole_is_stopped_before_the_next_begins() -> None:
    one, two = ToolCall(id="1", name="a"), ToolCall(id="2", name="b")
    late = (Delta(1, "{}"), Delta(0, " "), Closed(0, one), Closed(1, two))
    sent = stream(
        Opened(0, one), Delta(0, '{"x":'), Delta(0, "1}"), Opened(1, two), *late, end="tool_calls"
    )  # fmt: skip
    assert " ".join(types(sent)) == "start0 delta0 delta0 delta0 stop0 start1 delta1 delta1 stop1"


def test_calls_that_are_not_whole_stay_open_beside_each_other() -> None:
    one, two = ToolCall(id="1", name="a"), ToolCall(id="2", name="b")
    pieces = (Delta(1, '{"y":'), Delta(0, "1}"), Delta(1, "2}"))
    sent = stream(Opened(0, one), Delta(0, '{"x":'), Opened(1, two), *pieces, end="tool_calls")
    assert [each["input"] for each in joined(sent)["content"]] == [{"x": 1}, {"y": 2}]
    assert types(sent)[-2:] == ["stop0", "stop1"]


def test_an_answer_that_calls_does_not_end_by_itself() -> None:
    call = ToolCall(id="1", name="n")
    assert stream(Opened(0, call), Closed(0, call), end="stop")[-2]["delta"]["stop_reason"] == "tool_use"
    answer = Answer(id="", model="m", parts=(call,), end="stop")
    assert CODEC.write_answer(answer, {})["stop_reason"] == "tool_use"


def test_counts_of_the_end_are_the_true_ones() -> None:
    usage = Usage(input=100, output=7, cached_input=80, cache_write=15, reasoning=3)
    sent = stream(Opened(0, Text(text="")), Delta(0, "Hi"), usage=usage)
    assert sent[-2]["usage"] == {
        "input_tokens": 5,
        "cache_creation_input_tokens": 15,
        "cache_read_input_tokens": 80,
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 3},
    }
    odd = Usage(input=10, output=1, cached_input=161)
    assert stream(usage=odd)[-2]["usage"]["input_tokens"] == 0


def test_citations_of_addresses_are_shown() -> None:
    web = Citation(url="https://a.example", title="A", cited_text="x")
    own = Citation(own={"messages": {"type": "char_location", "cited_text": "y", "document_index": 0, "document_title": None, "start_char_index": 0, "end_char_index": 1}})  # fmt: skip  # noqa: E501
    text = Text(text="Hi", citations=(web, own, Citation(title="no address")))
    sent = stream(
        Opened(0, Text(text="")), *(Cited(0, each) for each in text.citations), Delta(0, "Hi"), Closed(0, text)
    )
    found = joined(sent)["content"][0]["citations"]
    assert [each["type"] for each in found] == ["web_search_result_location", "char_location"]
    whole = CODEC.write_answer(Answer(id="1", model="m", parts=(text,), end="stop"), {})
    check_whole(whole)
    assert whole["content"][0]["citations"] == found
    again = CODEC.read_request({"model": "m", "messages": [{"role": "assistant", "content": whole["content"]}]})
    part = again.turns[0].parts[0]
    assert isinstance(part, Text)
    assert part.citations[0] == web


def test_what_messages_has_no_block_for() -> None:
    spoken = Spoken(source=Source(data="AAAA"), transcript="Hello.")
    found: tuple[Part, ...] = (
        Refusal(text="No."),
        spoken,
        Foreign(dialect="responses", content={"type": "web_search_call"}),
        Text(text=""),
    )
    whole = CODEC.write_answer(Answer(id="1", model="m", parts=found, end="content_filter"), {})
    check_whole(whole)
    assert [each["text"] for each in whole["content"]] == ["No.", "Hello."]
    assert whole["stop_reason"] == "refusal"
    sent = stream(
        Opened(0, Refusal(text="")),
        Delta(0, "No."),
        Closed(0, Refusal(text="No.")),
        Opened(1, found[2]),
        Closed(1, found[2]),
    )
    assert [each["text"] for each in joined(sent)["content"]] == ["No."]


def test_hidden_reasoning_of_others_is_wrapped() -> None:
    part = Thinking(seal="enc", redacted=True, origin="responses", id="rs_1")
    sent = stream(Opened(0, part), Closed(0, part))
    assert joined(sent)["content"] == [{"type": "redacted_thinking", "data": seals.wrapped(part)}]


def test_broken_arguments_are_an_object_in_a_whole_answer() -> None:
    call = ToolCall(id="1", name="n", arguments='{"a": ')
    whole = CODEC.write_answer(Answer(id="1", model="m", parts=(call,), end="tool_calls"), {})
    check_whole(whole)
    again = CODEC.read_request({"model": "m", "messages": [{"role": "assistant", "content": whole["content"]}]})
    assert again.turns[0].parts == (call,)


def test_an_answer_without_an_id_gets_one() -> None:
    assert CODEC.write_answer(Answer(id="", model="m", parts=(), end="stop"), {})["id"].startswith("msg_")
    assert written([Started("", "m"), Ended("stop")])[0]["message"]["id"].startswith("msg_")


def test_an_error_is_an_error_event() -> None:
    writer = CODEC.writer("m", {})
    block = writer.write(Started("1", "m")) + writer.write(Failed(b'{"error":{"message":"Too much"}}'))
    assert block.endswith(b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"Too much"}}\n\n')


def test_the_same_stream_is_always_the_same_bytes() -> None:
    events = read(START, *TEXT, END, STOP)
    assert written(events) == written(events)
