"""What clients of Chat Completions read in an answer: a plain judge that knows nothing of the codec."""

import json
from collections.abc import Iterable
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter

from gateway.dialects.framing import SERVER_SENT_EVENTS, fields_of
from gateway.profiles.profile import Profile
from gateway.translation.answer import Event
from gateway.translation.chat import CODEC

Fields = dict[str, Any]

_completion = TypeAdapter(ChatCompletion).validate_json
_chunk = TypeAdapter(ChatCompletionChunk).validate_json


def payloads(stream: bytes) -> list[bytes]:
    """Return the data of every event."""
    frames = SERVER_SENT_EVENTS.reader()
    return [payload for frame in (*frames.feed(stream), *frames.end()) if (payload := fields_of(frame)[1])]


def joined(stream: Iterable[bytes]) -> Fields:
    """Return the message that a stream's chunks make, with its `finish_reason` and `usage`."""
    message: Fields = {"content": "", "reasoning": "", "refusal": "", "calls": {}, "finish": None, "usage": None}
    for payload in stream:
        if payload.strip() == b"[DONE]":
            break
        chunk = json.loads(payload)
        groq = (chunk.get("x_groq") or {}).get("usage")
        message["usage"] = chunk.get("usage") or groq or message["usage"]
        for choice in chunk.get("choices") or ():
            if choice.get("index", 0) == 0:
                _add(message, choice.get("delta") or {})
                message["finish"] = choice.get("finish_reason") or message["finish"]
    message["calls"] = [tuple(call) for call in message["calls"].values()]
    return message


def _add(message: Fields, delta: Fields) -> None:
    content = delta.get("content") or ""
    if isinstance(content, list):
        message["reasoning"] += "".join(
            each["text"] for part in content if part["type"] == "thinking" for each in part["thinking"]
        )
        content = "".join(part.get("text", "") for part in content)
    message["content"] += content if isinstance(content, str) else json.dumps(content, separators=(",", ":"))
    message["reasoning"] += delta.get("reasoning_content") or delta.get("reasoning") or ""
    message["refusal"] += delta.get("refusal") or ""
    for number, call in enumerate(delta.get("tool_calls") or ()):
        found = message["calls"].setdefault(call.get("index", number), ["", ""])
        function = call.get("function") or {}
        found[0] = function.get("name") or found[0]
        found[1] += function.get("arguments") or ""


def whole(answer: Fields) -> Fields:
    """Return what `joined` returns, of a whole answer."""
    choice = (answer.get("choices") or [{}])[0]
    message = dict(choice.get("message") or {})
    calls = message.get("tool_calls") or []
    legacy = [{"function": message["function_call"]}] if message.get("function_call") else []
    found: Fields = {"content": "", "reasoning": "", "refusal": "", "calls": {}, "finish": None, "usage": None}
    _add(found, {**message, "tool_calls": [{"index": at, **each} for at, each in enumerate([*calls, *legacy])]})
    found["calls"] = [tuple(call) for call in found["calls"].values()]
    return {**found, "finish": choice.get("finish_reason"), "usage": answer.get("usage")}


def events_of(stream: bytes | Iterable[bytes], profile: Profile | None = None) -> list[Event]:
    """Return the events of an upstream's stream, given as bytes or as the data of its events."""
    reader = CODEC.reader(profile or Profile())
    read = payloads(stream) if isinstance(stream, bytes) else stream
    events = [event for payload in read for event in reader.read(b"", payload)]
    return [*events, *reader.end()]


def written(events: Iterable[Event], request: Fields | None = None) -> list[bytes]:
    """Return the data of the events that a client gets; each is valid in the official SDK's types."""
    writer = CODEC.writer("ours", request or {"stream_options": {"include_usage": True}})
    found = payloads(b"".join([writer.write(event) for event in events]))
    for payload in found[:-1]:
        _chunk(payload, strict=True)
    assert found[-1] == b"[DONE]"
    assert writer.events == len(found) - 1
    return found


def check_whole(answer: Fields) -> None:
    """Check that a whole answer is valid in the official SDK's types."""
    _completion(json.dumps(answer), strict=True)
