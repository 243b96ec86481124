"""What OpenAI, Azure and others really sent through Responses, read and written again."""

import json
import random
from collections.abc import Iterable
from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from gateway.dialects.framing import SERVER_SENT_EVENTS, fields_of
from gateway.profiles.profile import Profile
from gateway.translation.answer import Event
from gateway.translation.codec import Writing
from gateway.translation.relaying import events_of
from gateway.translation.responses import CODEC
from tests.fakes.exchanges import Exchange, exchanges

Fields = dict[str, Any]

_event = TypeAdapter(ResponseStreamEvent).validate_python
ENDS = ("response.completed", "response.incomplete")
FOUND = exchanges("/responses")
ASKED = [each for each in FOUND if "model" in each.request]
WHOLE = [each for each in FOUND if not each.is_stream and each.answer[:1] == b"{"]
STREAMS = [each for each in FOUND if each.is_stream and b"response.completed" in each.answer]
by_name = pytest.mark.parametrize


def name(exchange: Exchange) -> str:
    return exchange.name


def payloads(stream: bytes) -> list[tuple[bytes, bytes]]:
    frames = SERVER_SENT_EVENTS.reader()
    return [fields_of(frame) for frame in (*frames.feed(stream), *frames.end())]


def read(stream: bytes, pieces: random.Random) -> list[Event]:
    """Return the events of a stream that arrives in random pieces."""
    frames, reader, events = SERVER_SENT_EVENTS.reader(), CODEC.reader(Profile()), list[Event]()
    while stream:
        size = pieces.randint(1, 3000)
        piece, stream = stream[:size], stream[size:]
        events += [event for frame in frames.feed(piece) for event in reader.read(*fields_of(frame))]
    events += [event for frame in frames.end() for event in reader.read(*fields_of(frame))]
    return [*events, *reader.end()]


def written(events: Iterable[Event], request: Fields) -> list[Fields]:
    writer = CODEC.writer("m", request)
    block = b"".join(writer.write(event) for event in events)
    return [json.loads(payload) for _, payload in payloads(block)]


def told(response: Fields) -> list[Any]:
    """Return what an output says, apart from ids and encryption, which differ between events of one stream."""
    found: list[Any] = []
    for item in response["output"]:
        if item["type"] == "message":
            found += [(part.get("text") or part.get("refusal"), len(part.get("annotations") or ())) for part in item["content"]]  # fmt: skip  # noqa: E501
        elif item["type"] == "reasoning":
            found.append("\n\n".join(each["text"] for each in item["summary"] or item.get("content") or ()))
        elif item["type"] in ("function_call", "custom_tool_call"):
            found.append((item["call_id"], item["name"], item.get("arguments") or item.get("input")))
    return found


def counts(response: Fields) -> tuple[int, ...]:
    usage = response["usage"]
    details = usage["input_tokens_details"] or {}, usage["output_tokens_details"] or {}
    return usage["input_tokens"], usage["output_tokens"], details[0].get("cached_tokens") or 0, details[1].get("reasoning_tokens") or 0  # fmt: skip  # noqa: E501


@by_name("exchange", WHOLE, ids=name)
def test_a_recorded_answer_is_the_same_after_reading_and_writing(exchange: Exchange) -> None:
    answer = exchange.json
    again = CODEC.write_answer(CODEC.read_answer(answer, Profile()), exchange.request)
    Response.model_validate(again)
    assert told(again) == told(answer)
    if answer["status"] in ("completed", "incomplete"):
        assert again["status"] == answer["status"]
    if answer.get("usage"):
        assert counts(again) == counts(answer)


@by_name("exchange", STREAMS, ids=name)
def test_a_recorded_stream_is_the_same_after_reading_and_writing(exchange: Exchange) -> None:
    pieces = random.Random(exchange.name)
    recorded = [json.loads(payload) for _, payload in payloads(exchange.answer) if payload[:1] == b"{"]
    last = next(each["response"] for each in recorded if each["type"] in ENDS)
    events = written(read(exchange.answer, pieces), exchange.request)
    assert [each["sequence_number"] for each in events] == list(range(len(events)))
    for event in events:
        _event(event)
    again = events[-1]["response"]
    assert (events[-1]["type"], again["status"]) in {(f"response.{last['status']}", last["status"])}
    assert told(again) == told(last)
    assert counts(again) == counts(last)
    deltas = "".join(each["delta"] for each in events if each["type"] == "response.output_text.delta")
    texts = (part for item in last["output"] if item["type"] == "message" for part in item["content"])
    assert deltas == "".join(part.get("text", "") for part in texts)


@by_name("exchange", WHOLE[::7], ids=name)
def test_a_whole_answer_makes_a_stream(exchange: Exchange) -> None:
    answer = CODEC.read_answer(exchange.json, Profile())
    events = written(events_of(answer), exchange.request)
    for event in events:
        _event(event)
    assert told(events[-1]["response"]) == told(exchange.json)


@by_name("exchange", ASKED, ids=name)
def test_a_recorded_request_says_the_same_after_reading_and_writing(exchange: Exchange) -> None:
    """In its normal form: what may be sent as a text is written as parts; nothing is to be stored unless asked."""
    conversation = CODEC.read_request(exchange.request)
    written_once = CODEC.write_request(conversation, Writing(Profile()))
    again = CODEC.read_request(written_once)
    assert [(turn.role, turn.parts) for turn in again.turns] == [(t.role, t.parts) for t in conversation.turns]
    assert (again.tool_choice, again.output, again.sampling) == (
        conversation.tool_choice if conversation.tools else None,
        conversation.output,
        conversation.sampling,
    )
    assert [getattr(tool, "name", tool) for tool in again.tools] == [getattr(t, "name", t) for t in conversation.tools]
    assert CODEC.write_request(again, Writing(Profile())) == written_once
