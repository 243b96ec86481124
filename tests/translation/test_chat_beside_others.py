"""Recorded traffic of other dialects with Chat Completions on the other side: judged by OpenAI's own types."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from openai.types.chat import completion_create_params as params
from pydantic import TypeAdapter

from gateway.dialects.framing import SERVER_SENT_EVENTS, fields_of
from gateway.errors import InvalidRequest
from gateway.profiles.families import resolve
from gateway.profiles.profile import Profile
from gateway.translation import messages, responses
from gateway.translation.answer import Closed, Ended, Event, Failed
from gateway.translation.chat import CODEC
from gateway.translation.codec import Codec, Writing
from gateway.translation.parts import Part, Refusal, Text, Thinking, ToolCall
from gateway.translation.relaying import events_of as stream_of
from gateway.translation.repairs import repaired
from tests.fakes.exchanges import Exchange, exchanges
from tests.translation.chat_wire import check_whole, joined, whole, written

Fields = dict[str, Any]

OTHERS = {"/messages": messages.CODEC, "/responses": responses.CODEC}
ALL = [pytest.param(codec, each, id=each.name) for path, codec in OTHERS.items() for each in exchanges(path)]
_asked = TypeAdapter(params.CompletionCreateParamsNonStreaming).validate_python
_asked_to_stream = TypeAdapter(params.CompletionCreateParamsStreaming).validate_python


def _check_request(fields: Fields) -> None:
    """Check that a request has only members of OpenAI's, of their types."""
    check = _asked_to_stream if fields.get("stream") else _asked
    _exhaust(check(fields, extra="forbid"))


def _exhaust(found: Any) -> None:
    """Walk through data: iterables are checked only as far as they are read."""
    if isinstance(found, dict):
        found = found.values()
    if isinstance(found, Iterable) and not isinstance(found, str | bytes):
        for each in found:
            _exhaust(each)


@pytest.mark.parametrize(("codec", "exchange"), ALL)
def test_requests_are_valid_for_openai(codec: Codec, exchange: Exchange) -> None:
    for model, provider in (("gpt-4.1", "openai"), ("mistral-large", "openai-compatible")):
        fields = _written(codec, exchange.request, Writing(resolve(model, provider)))
        fields.pop("top_k", None)  # not OpenAI's
        _check_request(fields)


def _written(codec: Codec, asked: Fields, writing: Writing) -> Fields:
    """Return a request for the upstream; the plainest one for what it refuses, such as tools of another vendor."""
    try:
        return CODEC.write_request(repaired(codec.read_request(asked), codec, CODEC, writing), writing)
    except InvalidRequest as error:
        if error.code not in ("unsupported_tool", "unsupported_media", "missing_field"):
            raise
        return {"model": "m", "messages": []}


@pytest.mark.parametrize(("codec", "exchange"), ALL)
def test_answers_are_valid_for_clients(codec: Codec, exchange: Exchange) -> None:
    events = _events(codec, exchange)
    if not events or isinstance(events[-1], Failed):
        return
    assert isinstance(events[-1], Ended)
    closed = sorted((each for each in events if isinstance(each, Closed)), key=lambda each: each.index)
    parts = [each.part for each in closed]
    sent = joined(written(events))
    _check_same(sent, parts)
    assert (sent["usage"] or {}).get("completion_tokens") == (events[-1].usage and events[-1].usage.output)
    if not exchange.is_stream:
        answer = CODEC.write_answer(codec.read_answer(exchange.json, Profile()), {})
        check_whole(answer)
        _check_same(whole(json.loads(json.dumps(answer))), parts)


def _events(codec: Codec, exchange: Exchange) -> list[Event]:
    if not exchange.is_stream:
        return list(stream_of(codec.read_answer(exchange.json, Profile())))
    frames, reader = SERVER_SENT_EVENTS.reader(), codec.reader(Profile())
    read = (*frames.feed(exchange.answer), *frames.end())
    events = [event for frame in read for event in reader.read(*fields_of(frame))]
    return [*events, *reader.end()]


def _check_same(sent: Fields, parts: list[Part]) -> None:
    assert sent["content"] == _text(parts, Text)
    assert sent["reasoning"] == _text(parts, Thinking)
    assert sent["refusal"] == _text(parts, Refusal)
    assert sent["calls"] == [(part.name, part.arguments) for part in parts if isinstance(part, ToolCall)]


def _text(parts: list[Part], kind: type[Text | Thinking | Refusal]) -> str:
    return "".join(part.text for part in parts if isinstance(part, kind))
