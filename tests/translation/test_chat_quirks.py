"""What servers of Chat Completions send that OpenAI does not: a test named after each quirk."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.dialects.usage import Usage
from gateway.profiles.profile import Profile
from gateway.translation import seals
from gateway.translation.answer import Answer, Closed, Delta, Ended, Event, Failed, Opened, Started
from gateway.translation.chat import CODEC
from gateway.translation.parts import Audio, Citation, Image, Part, Refusal, Source, Text, Thinking, ToolCall
from gateway.wire import encode
from tests.translation.chat_wire import check_whole, events_of, joined, written

Fields = dict[str, Any]


def chunk(delta: Any, finish: Any = None, **more: Any) -> Fields:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "a1", "object": "chat.completion.chunk", "created": 5, "model": "m", "choices": [choice], **more}


def call(arguments: Any = None, name: str | None = None, **more: Any) -> Fields:
    """Return a delta with a piece of a call."""
    function = {"name": name, "arguments": arguments}
    return {"tool_calls": [{**more, "function": {key: found for key, found in function.items() if found is not None}}]}


def read(*chunks: Fields | bytes, done: bool = True) -> list[Event]:
    payloads = [each if isinstance(each, bytes) else encode(each) for each in chunks]
    return events_of([*payloads, b"[DONE]"] if done else payloads)


def parts_of(events: Sequence[Event]) -> list[Part]:
    closed = sorted((each for each in events if isinstance(each, Closed)), key=lambda each: each.index)
    return [each.part for each in closed]


def calls_of(events: Sequence[Event]) -> list[tuple[str, str, str]]:
    return [(part.id, part.name, part.arguments) for part in parts_of(events) if isinstance(part, ToolCall)]


def end_of(events: Sequence[Event]) -> Ended:
    assert isinstance(events[-1], Ended)
    return events[-1]


_STOP = chunk({}, "stop")
_CALLED = chunk({}, "tool_calls")


# Tool calls -----------------------------------------------------------------------------------------------------


def test_a_call_comes_in_pieces() -> None:
    pieces = [chunk(call("", "f", index=0, id="c1", type="function")), chunk(call('{"a"', index=0))]
    events = read(*pieces, chunk(call(":1}", index=0)), _CALLED)
    assert calls_of(events) == [("c1", "f", '{"a":1}')]
    assert [each.text for each in events if isinstance(each, Delta)] == ['{"a"', ":1}"]
    assert end_of(events).end == "tool_calls"


def test_parallel_calls_are_interleaved() -> None:
    events = read(
        chunk(call("", "f", index=0, id="c1")),
        chunk(call("", "g", index=1, id="c2")),
        chunk(call('{"a":', index=0)),
        chunk(call("{}", index=1)),
        chunk(call("1}", index=0)),
        _CALLED,
    )
    assert calls_of(events) == [("c1", "f", '{"a":1}'), ("c2", "g", "{}")]
    assert [each.index for each in events if isinstance(each, Delta)] == [0, 1, 0]


def test_a_complete_call_is_closed_when_the_next_begins() -> None:
    first = [chunk(call('{"a":1}', "f", index=0, id="c1")), chunk(call("", "g", index=1, id="c2"))]
    reader = CODEC.reader(Profile())
    events = [event for each in first for event in reader.read(b"", encode(each))]
    assert [type(each) for each in events[-2:]] == [Closed, Opened]


def test_whole_calls_come_without_an_index_and_with_empty_ids() -> None:
    whole = call('{"a":1}', "f", id="")["tool_calls"] + call('{"b":2}', "f", id="")["tool_calls"]
    events = read(chunk({"role": "assistant", "tool_calls": whole}), _STOP)
    found = calls_of(events)
    assert [each[1:] for each in found] == [("f", '{"a":1}'), ("f", '{"b":2}')]
    assert len({each[0] for each in found}) == 2
    assert all(each[0].startswith("call_") for each in found)
    assert found == calls_of(read(chunk({"tool_calls": whole}), _STOP)), "the same ids for the same answer"
    assert end_of(events).end == "tool_calls", "Gemini's API says stop"


@pytest.mark.parametrize("ids", [("c1", "c2"), ("", ""), (None, None)])
def test_every_call_has_the_index_0(ids: Any) -> None:
    pieces = [chunk(call('{"a":1}', "f", index=0, id=ids[0])), chunk(call('{"b":2}', "g", index=0, id=ids[1]))]
    assert [each[1:] for each in calls_of(read(*pieces, _CALLED))] == [("f", '{"a":1}'), ("g", '{"b":2}')]


def test_the_same_tool_twice_under_the_index_0() -> None:
    pieces = [chunk(call('{"a":1}', "f", index=0, id="c1")), chunk(call('{"a":2}', "f", index=0, id="c2"))]
    assert [each[1:] for each in calls_of(read(*pieces, _CALLED))] == [("f", '{"a":1}'), ("f", '{"a":2}')]


@pytest.mark.parametrize("numbered", [{"index": 0}, {}])
def test_id_and_name_are_repeated_with_every_piece(numbered: Fields) -> None:
    pieces = [chunk(call(piece, "f", id="c1", **numbered)) for piece in ("", '{"a":', "1}", "")]
    assert calls_of(read(*pieces, _CALLED)) == [("c1", "f", '{"a":1}')]


def test_the_name_is_repeated_without_index_and_id() -> None:
    pieces = [chunk(call(piece, "f")) for piece in ("", '{"a":', "1}")]
    assert [each[1:] for each in calls_of(read(*pieces, _CALLED))] == [("f", '{"a":1}')]


def test_every_piece_has_a_new_id() -> None:
    pieces = [chunk(call("", "f", index=0, id="c1")), chunk(call('{"a":', index=0, id="x")), chunk(call("1}", id="y"))]
    assert calls_of(read(*pieces, _CALLED)) == [("c1", "f", '{"a":1}')]
    pieces = [chunk(call(piece, "f", index=0, id=id_)) for piece, id_ in (('{"a":', "c1"), ("1}", "c2"))]
    assert calls_of(read(*pieces, _CALLED)) == [("c1", "f", '{"a":1}')], "with the name repeated"


def test_the_name_comes_after_the_arguments() -> None:
    pieces = [chunk(call('{"a":', index=0, id="c1")), chunk(call("1}", "f", index=0))]
    assert calls_of(read(*pieces, _CALLED)) == [("c1", "f", '{"a":1}')]


def test_two_calls_have_the_same_id() -> None:
    pieces = [chunk(call("{}", "f", index=0, id="c1")), chunk(call("{}", "g", index=1, id="c1"))]
    found = calls_of(read(*pieces, _CALLED))
    assert found[0] == ("c1", "f", "{}")
    assert found[1][0] not in ("c1", "")


def test_a_call_without_a_name_calls_nothing() -> None:
    events = read(chunk(call('{"a":1}', index=0, id="c1")), _CALLED)
    assert calls_of(events) == []
    assert end_of(events).end == "tool_calls"


def test_more_calls_than_a_thousand_are_left_out() -> None:
    pieces = [chunk(call("{}", "f", index=at, id=f"c{at}")) for at in range(1100)]
    assert len(calls_of(read(*pieces, _CALLED))) == 1024


def test_arguments_are_an_object() -> None:
    message = {"tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": {"a": 1}}}]}
    answer = CODEC.read_answer({"choices": [{"message": message}]}, Profile())
    assert answer.parts == (ToolCall("c1", "f", '{"a":1}'),)
    assert calls_of(read(chunk(call({"a": 1}, "f", index=0, id="c1")), _CALLED)) == [("c1", "f", '{"a":1}')]


def test_broken_arguments_survive() -> None:
    assert calls_of(read(chunk(call('{"a":', "f", index=0, id="c1")), _CALLED)) == [("c1", "f", '{"a":')]


def test_the_older_function_call() -> None:
    pieces = [{"name": "f", "arguments": ""}, {"arguments": '{"a":'}, {"arguments": "1}"}]
    events = read(*(chunk({"function_call": each}) for each in pieces), chunk({}, "function_call"))
    assert [each[1:] for each in calls_of(events)] == [("f", '{"a":1}')]
    older = {"functions": [{"name": "f"}]}
    sent = written(events, older)
    deltas = [each["choices"][0]["delta"].get("function_call") for each in map(json.loads, sent[:-1])]
    assert [each for each in deltas if each] == [{"name": "f", "arguments": ""}, *pieces[1:]]
    assert joined(sent)["finish"] == "function_call"
    answer = Answer(id="a", model="m", parts=(ToolCall("c", "f", "{}"),), end="tool_calls")
    whole = CODEC.write_answer(answer, older)["choices"][0]
    assert (whole["message"]["function_call"], whole["finish_reason"]) == (
        {"name": "f", "arguments": "{}"},
        "function_call",
    )


def test_a_custom_tool_is_called() -> None:
    piece = {"index": 0, "id": "c1", "type": "custom", "custom": {"name": "patch", "input": "*** "}}
    more = {"index": 0, "custom": {"input": "Begin"}}
    events = read(chunk({"tool_calls": [piece]}), chunk({"tool_calls": [more]}), _CALLED)
    assert parts_of(events) == [ToolCall("c1", "patch", "*** Begin", custom=True)]


def test_text_comes_after_a_call() -> None:
    events = read(chunk({"content": "a"}), chunk(call("{}", "f", index=0, id="c1")), chunk({"content": "b"}), _CALLED)
    assert parts_of(events) == [Text("a"), ToolCall("c1", "f", "{}"), Text("b")]
    assert joined(written(events))["content"] == "ab"


def test_geminis_signature_of_a_call_is_a_seal() -> None:
    extra = {"google": {"thought_signature": "s=="}}
    piece = {"id": "", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": extra}
    events = read(chunk({"tool_calls": [piece]}), _STOP)
    thinking, called = parts_of(events)
    assert isinstance(thinking, Thinking)
    assert thinking.seal
    assert thinking.redacted
    assert isinstance(called, ToolCall)
    assert called.own == {"chat": {"extra_content": extra}}
    whole = CODEC.read_answer({"id": "a1", "choices": [{"message": {"tool_calls": [piece]}}]}, Profile())
    assert whole.parts == (thinking, called)
    sent = joined(written(events))
    assert sent["reasoning"] == ""


# Counts and ends ------------------------------------------------------------------------------------------------

_COUNTS = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
_USAGE = Usage(input=7, output=2)


@pytest.mark.parametrize(
    "last",
    [
        [_STOP, {**chunk({}), "choices": [], "usage": _COUNTS}],
        [_STOP, {**chunk({}), "choices": None, "usage": _COUNTS}],
        [_STOP, {"usage": _COUNTS}],
        [chunk({}, "stop", usage=_COUNTS)],
        [chunk({}, "stop", usage={"prompt_tokens": 7, "completion_tokens": 1}), chunk({}, usage=_COUNTS)],
        [chunk({}, usage={"prompt_tokens": 7, "completion_tokens": 1}), chunk({}, "stop", usage=_COUNTS)],
        [chunk({}, "stop", x_groq={"usage": _COUNTS})],
        [chunk({}, "stop", usage=_COUNTS), chunk({}, usage=None)],
    ],
)
@pytest.mark.parametrize("done", [True, False])
def test_counts_come_in_many_places(last: list[Fields], done: bool) -> None:
    events = read(chunk({"content": "a"}), *last, done=done)
    assert end_of(events) == Ended("stop", usage=_USAGE)
    assert sum(isinstance(each, Ended) for each in events) == 1


def test_counts_are_shown_only_to_those_who_asked() -> None:
    events = read(chunk({"content": "a"}), chunk({}, "stop", usage=_COUNTS))
    assert joined(written(events, {"stream_options": {"include_usage": True}}))["usage"] == _COUNTS
    assert not any(b'"usage"' in each for each in written(events, {"stream_options": {}}))


def test_the_cost_stands_beside_the_counts() -> None:
    ended = Ended("stop", usage=_USAGE, cost_usd=0.25)
    sent = written([Started("a", "m"), ended], {"stream_options": {"include_usage": True}})
    assert json.loads(sent[-2])["usage"] == {**_COUNTS, "cost": 0.25}


def test_azure_begins_with_a_chunk_without_choices() -> None:
    first = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": []}
    events = read(first, chunk({"role": "assistant", "content": ""}), chunk({"content": "a"}), _STOP)
    assert events[0] == Started("a1", "m", created=5)


@pytest.mark.parametrize("nothing", ["", " ", "null", None, "none"])
def test_an_empty_reason_is_no_end(nothing: Any) -> None:
    events = read(chunk({"content": "a"}, nothing), chunk({"content": "b"}, nothing), done=False)
    assert not any(isinstance(each, Ended) for each in events)


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        (" stop ", "stop"),
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("content_filter", "content_filter"),
        ("sensitive", "content_filter"),
        ("error", "content_filter"),
        ("insufficient_system_resource", "content_filter"),
        ("end_turn", "stop"),
        ("something new", "stop"),
    ],
)
def test_reasons_in_the_words_of_many_servers(reason: str, end: str) -> None:
    assert end_of(read(chunk({"content": "a"}), chunk({}, reason))).end == end
    answer = CODEC.read_answer({"choices": [{"message": {"content": "a"}, "finish_reason": reason}]}, Profile())
    assert answer.end == end


def test_a_reason_before_the_end_is_not_yet_the_end() -> None:
    events = read(chunk({"reasoning_content": "hm"}, "stop"), chunk({"content": "a"}), chunk({}, "length"))
    assert parts_of(events) == [Thinking("hm", origin="chat"), Text("a")]
    assert end_of(events).end == "length"


def test_done_ends_an_answer_without_a_reason() -> None:
    assert end_of(read(chunk({"content": "a"}))).end == "stop"
    assert end_of(read(chunk(call("{}", "f", index=0, id="c1")))).end == "tool_calls"
    assert [type(each) for each in read(chunk({"role": "assistant"}))] == [Started]
    assert read() == []


def test_a_stream_that_breaks_has_no_end() -> None:
    events = read(chunk({"content": "a"}), chunk(call('{"a', "f", index=0, id="c1")), done=False)
    assert not any(isinstance(each, Ended) for each in events)


def test_nothing_is_read_after_the_end() -> None:
    counts = {**chunk({}), "choices": [], "usage": _COUNTS}
    events = read(chunk({"content": "a"}), _STOP, counts, chunk({"content": "b"}), counts)
    assert joined(written(events))["content"] == "a"


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "overloaded", "code": 529}},
        {"error": "overloaded"},
        {"object": "error", "message": "overloaded", "code": 503},
        {"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error", "error": {"code": 502}}]},
        {**chunk({"content": ""}, "error"), "error": {"code": 502, "message": "cut"}},
    ],
)
def test_an_error_in_the_stream(error: Fields) -> None:
    events = read(chunk({"content": "a"}), error)
    assert events[-1] == Failed(encode(error))
    assert not any(isinstance(each, Ended) for each in events)


def test_an_error_under_its_name() -> None:
    for payload in (b'{"message":"no"}', b"no"):
        assert CODEC.reader(Profile()).read(b"error", payload) == [Failed(payload)]


def test_an_empty_error_is_none() -> None:
    assert end_of(read(chunk({"content": "a"}, error=None), chunk({}, "stop", error={}))).end == "stop"


def test_a_filter_takes_the_message_away() -> None:
    answer = CODEC.read_answer({"id": "a", "choices": [{"finish_reason": "content_filter", "index": 0}]}, Profile())
    assert (answer.parts, answer.end) == ((), "content_filter")
    sent = CODEC.write_answer(answer, {})
    check_whole(sent)
    assert sent["choices"][0]["finish_reason"] == "content_filter"


def test_a_refusal() -> None:
    events = read(chunk({"refusal": "I "}), chunk({"refusal": "won't"}), _STOP)
    assert parts_of(events) == [Refusal("I won't")]
    assert end_of(events).end == "refusal"
    sent = joined(written(events))
    assert (sent["refusal"], sent["finish"]) == ("I won't", "stop")


def test_a_refusal_without_words_is_a_filter_for_clients() -> None:
    answer = Answer(id="a", model="m", parts=(Text("It"),), end="refusal")
    assert CODEC.write_answer(answer, {})["choices"][0]["finish_reason"] == "content_filter"


# Text and reasoning ---------------------------------------------------------------------------------------------


def test_content_is_json_of_another_kind() -> None:
    for content, text in (({"a": 1}, '{"a":1}'), (5, "5"), (True, "true")):
        answer = CODEC.read_answer({"choices": [{"message": {"content": content}}]}, Profile())
        assert answer.parts == (Text(text),)
        assert parts_of(read(chunk({"content": content}), _STOP)) == [Text(text)]


def test_mistral_thinks_in_chunks_of_the_content() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    events = read(chunk({"content": [thought]}), chunk({"content": [thought]}), chunk({"content": "a"}), _STOP)
    assert parts_of(events) == [Thinking("hmhm", origin="chat"), Text("a")]
    message = {"content": [thought, {"type": "text", "text": "a"}]}
    parts = CODEC.read_answer({"choices": [{"message": message}]}, Profile()).parts
    assert [getattr(part, "text", "") for part in parts] == ["hm", "a"]


@pytest.mark.parametrize("member", ["reasoning_content", "reasoning"])
def test_reasoning_has_two_names(member: str) -> None:
    events = read(
        chunk({member: "h", "content": None}), chunk({member: "m"}), chunk({member: "", "content": "a"}), _STOP
    )
    assert parts_of(events) == [Thinking("hm", origin="chat"), Text("a")]
    assert joined(written(events))["reasoning"] == "hm"


def test_both_names_say_the_same() -> None:
    events = read(chunk({"reasoning": "hm", "reasoning_content": "hm"}), chunk({"content": "a"}), _STOP)
    assert parts_of(events)[0] == Thinking("hm", origin="chat")


def test_the_model_thinks_again_between_texts() -> None:
    deltas: list[Fields] = [{"reasoning": "1"}, {"content": "a"}, {"reasoning": "2"}, {"content": "b"}]
    events = read(*(chunk(each) for each in deltas), _STOP)
    assert [getattr(part, "text", "") for part in parts_of(events)] == ["1", "a", "2", "b"]


def test_openrouters_signature_follows_its_text() -> None:
    kind = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    events = read(
        chunk({"reasoning": "h", "reasoning_details": [{**kind, "text": "h"}]}),
        chunk({"reasoning": "m", "reasoning_details": [{**kind, "text": "m"}]}),
        chunk({"reasoning_details": [{**kind, "signature": "s"}]}),
        chunk({"reasoning_details": [{"type": "reasoning.encrypted", "data": "e", "index": 1}]}),
        chunk({"content": "a"}),
        _STOP,
    )
    signed, encrypted, text = parts_of(events)
    assert isinstance(signed, Thinking)
    assert (signed.text, signed.redacted) == ("hm", False)
    assert json.loads(signed.seal or "") == {**kind, "signature": "s"}
    assert isinstance(encrypted, Thinking)
    assert encrypted.redacted
    assert text == Text("a")
    sent = [json.loads(each)["choices"][0]["delta"] for each in written(events, {})[:-1]]
    details = [each for delta in sent for each in delta.get("reasoning_details", ())]
    assert details == [
        {**kind, "signature": "s", "text": "hm"},
        {"type": "reasoning.encrypted", "data": "e", "index": 1},
    ]


def test_seals_of_other_dialects_come_back_from_clients() -> None:
    thinking = Thinking("hm", seal="sig", origin="messages")
    hidden = Thinking(seal="data", redacted=True, origin="messages")
    answer = Answer(id="a", model="m", parts=(thinking, hidden, Text("a")), end="stop")
    message = CODEC.write_answer(answer, {})["choices"][0]["message"]
    assert message["reasoning_content"] == "hm"
    asked = {"model": "m", "messages": [{"role": "user", "content": "q"}, message]}
    assert CODEC.read_request(asked).turns[1].parts == answer.parts
    assert all(seals.is_wrapped(each.get("signature", each.get("data"))) for each in message["reasoning_details"])


@pytest.mark.parametrize("tag", ["think", "reasoning", "thinking"])
def test_reasoning_between_tags_is_cut_across_chunks(tag: str) -> None:
    text = f"\n<{tag}>\n \nhm < 5 </p>\n</{tag}>\n\nThe <{tag}> answer"
    events = read(*(chunk({"content": letter}) for letter in text), _STOP)
    assert parts_of(events) == [Thinking("hm < 5 </p>", origin="chat"), Text(f"The <{tag}> answer")]
    answer = CODEC.read_answer({"choices": [{"message": {"content": text}}]}, Profile())
    assert list(answer.parts) == parts_of(events)


@pytest.mark.parametrize("text", ["<thin", "<b>bold</b>", " a <think>b</think>", "<", "  ", "\n\n", "<thinker>"])
def test_text_that_is_no_reasoning_stays_as_it_is(text: str) -> None:
    events = read(*(chunk({"content": letter}) for letter in text), _STOP)
    assert parts_of(events) == [Text(text)]


def test_empty_tags_are_nothing() -> None:
    events = read(chunk({"content": "<think>\n\n</think>\n\n"}), chunk({"content": "a"}), _STOP)
    assert parts_of(events) == [Text("a")]


def test_tags_are_text_where_the_server_cuts_them_out_itself() -> None:
    profile = Profile(inline_thinking=())
    events = events_of([encode(chunk({"content": "<think>a"})), encode(_STOP)], profile)
    assert parts_of(events) == [Text("<think>a")]
    events = read(chunk({"reasoning_content": "hm"}), chunk({"content": "<think>a"}), _STOP)
    assert parts_of(events) == [Thinking("hm", origin="chat"), Text("<think>a")]


def test_tool_calls_follow_reasoning_between_tags() -> None:
    events = read(chunk({"content": "<think>hm</think>\n"}), chunk(call("{}", "f", index=0, id="c")), _CALLED)
    assert parts_of(events) == [Thinking("hm", origin="chat"), ToolCall("c", "f", "{}")]


def test_half_a_surrogate_pair_and_numbers_that_are_none() -> None:
    events = read(b'{"id":"a","choices":[{"delta":{"content":"a\\ud83d"},"x":NaN}]}', _STOP)
    text = parts_of(events)[0]
    assert isinstance(text, Text)
    assert text.text[0] == "a"
    assert joined(written(events))["finish"] == "stop"


def test_roles_are_repeated_and_empty_pieces_say_nothing() -> None:
    events = read(*(chunk({"role": "assistant", "content": piece}) for piece in ("", "a", "", "b")), _STOP)
    assert [each.text for each in events if isinstance(each, Delta)] == ["a", "b"]


def test_other_choices_are_left_alone() -> None:
    second = {"index": 1, "delta": {"content": "x"}, "finish_reason": None}
    chunks = chunk({"content": "a"})
    chunks["choices"].append(second)
    assert parts_of(read(chunks, _STOP)) == [Text("a")]


def test_types_are_wrong() -> None:
    odd: list[Fields] = [
        {"id": 5, "created": "now", "choices": [{"delta": {"content": "a"}, "index": "0", "finish_reason": 3}]},
        {"choices": {"0": {}}},
        {"choices": [None, "x", {"delta": "text"}]},
        chunk({"content": "b", "tool_calls": "none", "reasoning_details": {}, "annotations": 5, "audio": []}),
        chunk({"tool_calls": [None, {"index": None, "function": "f"}]}),
        chunk({"images": [{"image_url": {"url": "data:nothing"}}, {"image_url": 5}]}),
    ]
    assert parts_of(read(*odd, b"\xff", b"", b"[]", _STOP)) == [Text("ab")]


# Sources, media, probabilities ----------------------------------------------------------------------------------


def test_sources_become_citations_and_come_back() -> None:
    url = {"url": "https://a.example", "title": "A", "start_index": 0, "end_index": 1}
    note = {"type": "url_citation", "url_citation": url}
    events = read(chunk({"annotations": [note, {"type": "x"}, {}]}), chunk({"content": "a"}), _STOP)
    citation = Citation(url="https://a.example", title="A", start=0, end=1)
    assert parts_of(events) == [Text("a", (citation,))]
    answer = CODEC.read_answer({"choices": [{"message": {"content": "a", "annotations": [note]}}]}, Profile())
    assert answer.parts == (Text("a", (citation,)),)
    sent = CODEC.write_answer(answer, {})
    check_whole(sent)
    assert sent["choices"][0]["message"]["annotations"] == [note]
    streamed = [json.loads(each)["choices"][0]["delta"] for each in written(events, {})[:-1]]
    assert [each["annotations"] for each in streamed if "annotations" in each] == [[note]]


def test_positions_of_sources_count_in_the_whole_message() -> None:
    citation = Citation(url="u")
    parts: tuple[Part, ...] = (
        Text("ab"),
        ToolCall("c", "f"),
        Text("cde", (citation, Citation(title="no page"), Citation())),
    )
    sent = CODEC.write_answer(Answer(id="a", model="m", parts=parts, end="stop"), {})["choices"][0]["message"]
    found = [each["url_citation"] for each in sent["annotations"]]
    place = {"end_index": 5, "start_index": 2}
    assert found == [{**place, "title": "u", "url": "u"}, {**place, "title": "no page", "url": "document:no%20page"}]
    events: list[Event] = [Started("a", "m")]
    for index, part in enumerate(parts):
        events += [Opened(index, part), Delta(index, getattr(part, "text", "")), Closed(index, part)]
    streamed = [json.loads(each)["choices"][0]["delta"] for each in written([*events, Ended("stop")], {})[:-1]]
    assert [note["url_citation"] for each in streamed for note in each.get("annotations", ())] == found


def test_the_model_speaks() -> None:
    pieces = [{"id": "au", "transcript": "Good "}, {"data": "QUI="}, {"transcript": "day"}, {"data": "Q0Q="}]
    events = read(*(chunk({"audio": each}) for each in pieces), chunk({"audio": {"expires_at": 9}}), _STOP)
    (spoken,) = parts_of(events)
    own = {"chat": {"id": "au", "expires_at": 9}}
    assert spoken == Audio(Source(data="QUI=Q0Q="), transcript="Good day", own=own)
    message = {"audio": {"id": "au", "data": "QUI=Q0Q=", "expires_at": 9, "transcript": "Good day"}}
    answer = CODEC.read_answer({"choices": [{"message": message}]}, Profile())
    assert answer.parts == (spoken,)
    sent = CODEC.write_answer(answer, {})
    check_whole(sent)
    assert sent["choices"][0]["message"]["audio"] == message["audio"]
    assert any(b"QUI=Q0Q=" in each for each in written(events))


def test_the_model_draws() -> None:
    image = {"type": "image_url", "index": 0, "image_url": {"url": "data:image/png;base64,QUJD"}}
    events = read(chunk({"images": [image]}), _STOP)
    assert parts_of(events) == [Image(Source(data="QUJD", media_type="image/png"))]
    answer = CODEC.read_answer({"choices": [{"message": {"images": [image]}}]}, Profile())
    assert CODEC.write_answer(answer, {})["choices"][0]["message"]["images"] == [image]
    assert any(b"base64,QUJD" in each for each in written(events))


def test_probabilities_go_with_their_text() -> None:
    token = {"token": "a", "bytes": [97], "logprob": -0.5, "top_logprobs": []}
    told = chunk({"content": "a"})
    told["choices"][0]["logprobs"] = {"content": [token], "refusal": None}
    events = read(told, _STOP)
    assert [each.logprobs for each in events if isinstance(each, Delta)] == [[token]]
    sent = [json.loads(each)["choices"][0]["logprobs"] for each in written(events, {})[:-1]]
    assert {"content": [token], "refusal": None} in sent
