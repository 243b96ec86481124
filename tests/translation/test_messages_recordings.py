"""What Anthropic and Bedrock really sent through Messages, read and written again."""

import base64
import json
import random
from typing import Any

import pytest

from gateway.dialects.usage import from_messages
from gateway.profiles.profile import Profile
from gateway.translation.answer import Ended, Started
from gateway.translation.codec import Writing
from gateway.translation.messages import CODEC
from gateway.translation.messages.names import FOREIGN_BLOCKS
from gateway.translation.relaying import events_of as events_of_whole
from tests.fakes.exchanges import Exchange, exchanges
from tests.translation.messages_wire import check_whole, events_of, joined, payloads, told, written

Fields = dict[str, Any]


def _invoked(path: str) -> list[Exchange]:
    """Return the exchanges of Bedrock's invocations that are Messages."""
    return [each for each in exchanges(path) if "anthropic_version" in each.request and "messages" in each.request]


ALL = exchanges("/v1/messages")
ASKED = [each for each in ALL if "model" in each.request]
WHOLE = [each for each in (*ALL, *_invoked("/invoke")) if not each.is_stream]
STREAMS = [each for each in ALL if each.is_stream]
BEDROCK = _invoked("/invoke-with-response-stream")


def _id(exchange: Exchange) -> str:
    return exchange.name


def _same(sent: Fields, recorded: Fields) -> None:
    assert told(sent) == told(recorded)
    assert sent["stop_reason"] == recorded["stop_reason"]
    assert sent["stop_sequence"] == recorded["stop_sequence"]
    assert from_messages(sent["usage"]) == from_messages(recorded["usage"])


def test_there_are_recordings() -> None:
    if not ALL:
        pytest.skip("no recordings in ../shared/recordings beside the repository")
    assert len(STREAMS) > 70
    assert len(WHOLE) > 100
    assert len(BEDROCK) > 20


@pytest.mark.parametrize("exchange", WHOLE, ids=_id)
def test_whole_answers_arrive_as_they_were(exchange: Exchange) -> None:
    recorded = exchange.json
    sent = CODEC.write_answer(CODEC.read_answer(recorded, Profile()), exchange.request)
    check_whole(sent, beta=True)
    _same(sent, recorded)
    assert sent["usage"].get("cache_creation") == recorded["usage"].get("cache_creation")


@pytest.mark.parametrize("exchange", WHOLE, ids=_id)
def test_whole_answers_make_streams(exchange: Exchange) -> None:
    recorded = exchange.json
    sent = written(events_of_whole(CODEC.read_answer(recorded, Profile())), beta=True)
    again = joined(sent)
    assert [block["type"] for block in told(again)] == [block["type"] for block in told(recorded)]
    assert again["stop_reason"] == recorded["stop_reason"]


@pytest.mark.parametrize("exchange", STREAMS, ids=_id)
def test_streams_arrive_as_they_were(exchange: Exchange) -> None:
    events = events_of(exchange.answer)
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Ended)
    assert events_of(exchange.answer, random.Random(exchange.name)) == events
    _same(joined(written(events, beta=True)), joined(_recorded(exchange.answer)))


@pytest.mark.parametrize("exchange", BEDROCK, ids=_id)
def test_bedrock_streams_arrive_as_they_were(exchange: Exchange) -> None:
    eventstream = pytest.importorskip("botocore.eventstream")
    buffer = eventstream.EventStreamBuffer()
    buffer.add_data(exchange.answer)
    inner = [base64.b64decode(json.loads(frame.payload)["bytes"]) for frame in buffer]
    reader = CODEC.reader(Profile())
    events = [event for payload in inner for event in reader.read(b"", payload)]
    assert reader.end() == ()
    _same(joined(written(events, beta=True)), joined(json.loads(payload) for payload in inner))


@pytest.mark.parametrize("exchange", STREAMS[::5], ids=_id)
def test_without_its_end_a_stream_has_none(exchange: Exchange) -> None:
    whole = payloads(exchange.answer)
    cut = [each for each in whole if json.loads(each)["type"] not in ("message_delta", "message_stop")]
    reader = CODEC.reader(Profile())
    events = [event for payload in cut for event in reader.read(b"", payload)]
    assert not [event for event in (*events, *reader.end()) if isinstance(event, Ended)]


@pytest.mark.parametrize("exchange", ASKED, ids=_id)
def test_requests_go_up_as_they_came(exchange: Exchange) -> None:
    writing = Writing(Profile())
    sent = CODEC.write_request(CODEC.read_request(exchange.request), writing)
    assert writing.dropped == []
    assert json.loads(json.dumps(sent)) == _normal(exchange.request)


def _recorded(stream: bytes) -> list[Fields]:
    return [event for payload in payloads(stream) if (event := json.loads(payload))["type"] != "ping"]


def _normal(fields: Fields) -> Fields:
    """Return a request in the form in which the codec writes it: texts are blocks, users' messages are joined."""
    found = {name: value for name, value in fields.items() if value not in (None, [], {}) and value is not False}
    if "system" in found:
        found["system"] = _blocks(found["system"])
    messages: list[Fields] = []
    for message in fields["messages"]:
        content = _blocks(message["content"])
        if messages and messages[-1]["role"] == message["role"]:
            messages[-1]["content"] += content
        else:
            messages.append({**message, "content": content})
    found["messages"] = messages
    for tool in found.get("tools", ()):
        if tool.get("type") == "custom":
            del tool["type"]
    if "tools" not in found or found.get("tool_choice", {}).get("disable_parallel_tool_use") is False:
        choice = found.pop("tool_choice", None)
        if choice and "tools" in found:
            found["tool_choice"] = {name: value for name, value in choice.items() if value is not False}
    return found


def _blocks(content: str | list[Fields]) -> list[Fields]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [_block(each) for each in content]


def _block(block: Fields) -> Fields:
    if block["type"] in FOREIGN_BLOCKS:
        return block
    found = {name: value for name, value in block.items() if value is not None and value is not False}
    if block["type"] == "tool_result" and "content" in block:
        found["content"] = _blocks(block["content"])
    return found
