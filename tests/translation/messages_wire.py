"""What clients of Messages read in an answer: a plain judge that knows nothing of the codec."""

import json
import random
from collections.abc import Iterable
from typing import Any

from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.beta import BetaMessage, BetaRawMessageStreamEvent
from pydantic import TypeAdapter, ValidationError

from gateway.dialects.framing import SERVER_SENT_EVENTS, fields_of
from gateway.profiles.profile import Profile
from gateway.translation.answer import Event
from gateway.translation.messages import CODEC

Fields = dict[str, Any]

_message = TypeAdapter(Message).validate_json
_event = TypeAdapter(RawMessageStreamEvent).validate_json
_beta_message = TypeAdapter(BetaMessage).validate_json
_beta_event = TypeAdapter(BetaRawMessageStreamEvent).validate_json
REQUIRED = {"type", "id", "model", "role", "content", "usage", "stop_reason", "stop_sequence"}


def check_whole(answer: Fields, *, beta: bool = False) -> None:
    """Check that a whole answer is valid in the official SDK's types."""
    assert answer.keys() >= REQUIRED
    try:
        _message(json.dumps(answer), strict=True)
    except ValidationError:
        if not beta:
            raise
        _beta_message(_completed(json.dumps(answer)), strict=True)


def _completed(payload: str) -> str:
    """Return an older answer with a count that newer types demand."""
    return payload.replace('"web_search_requests"', '"web_fetch_requests":0,"web_search_requests"')


def payloads(stream: bytes) -> list[bytes]:
    """Return the data of every event; each names its type twice."""
    frames = SERVER_SENT_EVENTS.reader()
    found = [fields_of(frame) for frame in (*frames.feed(stream), *frames.end())]
    return [payload for _, payload in found if payload]


def events_of(stream: bytes, pieces: random.Random | None = None, profile: Profile | None = None) -> list[Event]:
    """Return the events of an upstream's stream, which arrives at once or in random pieces."""
    frames, reader, events = SERVER_SENT_EVENTS.reader(), CODEC.reader(profile or Profile()), list[Event]()
    while stream:
        size = pieces.randint(1, 3000) if pieces else len(stream)
        piece, stream = stream[:size], stream[size:]
        events += [event for frame in frames.feed(piece) for event in reader.read(*fields_of(frame))]
    events += [event for frame in frames.end() for event in reader.read(*fields_of(frame))]
    return [*events, *reader.end()]


def written(events: Iterable[Event], *, beta: bool = False) -> list[Fields]:
    """Return the events that a client gets; each is valid in the official SDK's types and stands in its order."""
    writer = CODEC.writer("ours", {})
    block = b"".join([writer.write(event) for event in events])
    found = payloads(block)
    assert writer.events == len(found)
    assert block.count(b"event: ") >= len(found)
    for payload in found:
        try:
            _event(payload, strict=True)
        except ValidationError:
            if not beta:
                raise
            _beta_event(_completed(payload.decode()), strict=True)
    sent = [json.loads(payload) for payload in found]
    check_order(sent)
    return sent


def check_order(sent: list[Fields]) -> None:
    """Check that blocks begin in ascending order, live once, and that the frame around them is whole."""
    types = [each["type"] for each in sent]
    assert types[0] == "message_start"
    assert types[-2:] == ["message_delta", "message_stop"]
    assert sum(types.count(each) for each in ("message_start", "message_delta", "message_stop")) == 3
    begun, open_blocks = 0, set[int]()
    for each in sent[1:-2]:
        if each["type"] == "content_block_start":
            assert each["index"] == begun
            begun += 1
            open_blocks.add(each["index"])
        else:
            assert each["index"] in open_blocks
            if each["type"] == "content_block_stop":
                open_blocks.remove(each["index"])
    assert not open_blocks


def joined(sent: Iterable[Fields]) -> Fields:
    """Return the message that a stream's events make, as the official SDK joins them."""
    message: Fields = {}
    for event in sent:
        kind = event["type"]
        if kind == "message_start":
            message = {**event["message"], "content": []}
        elif kind == "content_block_start":
            message["content"].append(dict(event["content_block"]))
        elif kind == "content_block_delta":
            _add(message["content"][event["index"]], event["delta"])
        elif kind == "message_delta":
            message |= event["delta"]
            message["usage"] = {**message["usage"], **(event.get("usage") or {})}
    for block in message["content"]:
        if pieces := block.pop("json", None):
            block["input"] = json.loads(pieces)
    return message


def _add(block: Fields, delta: Fields) -> None:
    kind = delta["type"]
    if kind in ("text_delta", "thinking_delta"):
        name = kind.partition("_")[0]
        block[name] = block.get(name, "") + delta[name]
    elif kind == "input_json_delta":
        block["json"] = block.get("json", "") + delta["partial_json"]
    elif kind == "signature_delta":
        block["signature"] = delta["signature"]
    elif kind == "citations_delta":
        block["citations"] = [*(block.get("citations") or []), delta["citation"]]
    else:
        block["content"] = (block.get("content") or "") + delta["content"]


def told(message: Fields) -> list[Fields]:
    """Return the content of an answer without members that say nothing."""
    return [
        _without_nothing(block) for block in message["content"] if block.get("text") != "" or block["type"] != "text"
    ]


def _without_nothing(block: Fields) -> Fields:
    return {name: value for name, value in block.items() if value not in (None, []) or name == "content"}
