"""Recorded exchanges of each wire, carried to clients of the other wires: what arrives is what was recorded."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import anthropic.types
import anthropic.types.message_create_params
import openai.types.chat.completion_create_params
import openai.types.responses.response_create_params
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from gateway import wire
from gateway.errors import InvalidRequest
from gateway.payload import JsonPayload
from gateway.profiles.profile import Profile
from gateway.translation import chat, messages, responses
from gateway.translation.codec import Codec, Writing
from gateway.translation.contract import Asked
from gateway.translation.conversation import Conversation, ServerTool
from gateway.translation.crossing import ConversationCrossing, Conversations
from gateway.translation.parts import Audio, Document, Foreign, Image, Part, Thinking, ToolResult
from tests.fakes.exchanges import Exchange, exchanges
from tests.translation import chat_wire, messages_wire

Fields = dict[str, Any]

CODECS: dict[str, Codec] = {"chat": chat.CODEC, "responses": responses.CODEC, "messages": messages.CODEC}
PATHS = {"chat": "/chat/completions", "responses": "/responses", "messages": "/messages"}
FEATURES = (
    "text",
    "stream",
    "tools",
    "thinking",
    "images",
    "documents",
    "audio",
    "schema",
    "cache marks",
    "server tools",
)
_response_event = TypeAdapter(ResponseStreamEvent).validate_python
_REQUESTS: dict[str, TypeAdapter[Any]] = {
    "chat": TypeAdapter(openai.types.chat.completion_create_params.CompletionCreateParamsNonStreaming),
    "responses": TypeAdapter(openai.types.responses.response_create_params.ResponseCreateParamsNonStreaming),
    "messages": TypeAdapter(anthropic.types.message_create_params.MessageCreateParamsNonStreaming),
}


class Facts(NamedTuple):
    """What a person and a program learn from an answer."""

    text: str
    thinking: str
    calls: list[tuple[str, Any]]
    end: str
    input: int
    output: int
    cached: int


class Outcome(NamedTuple):
    """How one exchange went for one client: passed, or the reason why it does not apply."""

    client: str
    upstream: str
    features: frozenset[str]
    skipped: str | None


@cache
def recorded(upstream: str) -> list[Exchange]:
    """Return the exchanges of a wire that hold a whole answer to a whole request."""
    return [each for each in exchanges(PATHS[upstream]) if _is_whole(upstream, each)]


def _is_whole(upstream: str, exchange: Exchange) -> bool:
    if "model" not in exchange.request:
        return False
    if exchange.is_stream:
        return _ENDS[upstream](exchange.answer)
    if exchange.answer[:1] != b"{":
        return False
    answer = exchange.json
    if upstream == "responses":
        return answer.get("status") in ("completed", "incomplete")
    return bool(answer.get("choices")) if upstream == "chat" else "content" in answer


_ENDS: dict[str, Callable[[bytes], bool]] = {
    "chat": lambda stream: b'"finish_reason"' in stream and b'"error"' not in stream,
    "responses": lambda stream: b"response.completed" in stream or b"response.incomplete" in stream,
    "messages": lambda stream: b"message_stop" in stream,
}


def judge(client: str, upstream: str) -> Iterator[Outcome]:
    """Carry every exchange of an upstream to a client. Raises `AssertionError` that names the one that differs."""
    for exchange in recorded(upstream):
        conversation = CODECS[upstream].read_request(exchange.request)
        features = features_of(conversation, exchange)
        try:
            asked = request_of(client, upstream, conversation)
        except InvalidRequest as error:
            yield Outcome(client, upstream, features, error.code)
            continue
        try:
            crossing = begun(client, upstream, asked, stream=exchange.is_stream)
            sent = json.loads(crossing.encode({}).body)  # type: ignore[arg-type]
        except InvalidRequest as error:
            yield Outcome(client, upstream, features, error.code)
            continue
        _REQUESTS[upstream].validate_python({**sent, "stream": False})
        got, expected = answered(client, crossing, exchange), facts(upstream, exchange)
        assert compared(got) == compared(expected), (client, exchange.name)
        yield Outcome(client, upstream, features, None)


def request_of(client: str, upstream: str, conversation: Conversation) -> Fields:
    """Return a recorded conversation as this client would have asked. Raises `InvalidRequest` where it cannot."""
    codec = CODECS[client]
    if any(isinstance(tool, ServerTool) for tool in conversation.tools):
        raise InvalidRequest("", code="server tools of another vendor")
    parts = [part for turn in conversation.turns for part in turn.parts]
    if any(isinstance(part, Foreign) for part in parts):
        raise InvalidRequest("", code="parts that only its own wire has")
    if (conversation.own.get("chat") or {}).get("n", 1) != 1:
        raise InvalidRequest("", code="several answers")
    return codec.write_request(conversation, Writing(Profile(custom_tools=True)))


def begun(client: str, upstream: str, fields: Fields, *, stream: bool) -> ConversationCrossing:
    asked = {**fields, "stream": stream}
    if client == "chat" and stream:
        asked["stream_options"] = {"include_usage": True}
    members = wire.members(wire.encode(asked))
    return Conversations(CODECS[client], CODECS[upstream]).begin(
        Asked(payload=JsonPayload(members, 0), fields=members, model="ours", stream=stream)
    )


def answered(client: str, crossing: ConversationCrossing, exchange: Exchange) -> Facts:
    """Return what the client learns, from an answer that arrives in random pieces where it is a stream."""
    if not exchange.is_stream:
        answer = json.loads(wire.encode(crossing.answer(wire.members(exchange.answer))))
        return _WHOLE[client](answer)
    relay, stream, pieces = crossing.relay(), exchange.answer, random.Random(exchange.name)
    blocks = []
    while stream:
        size = pieces.randint(1, 4000)
        step = relay.feed(stream[:size])
        stream = stream[size:]
        blocks += [step.block, step.last]
    if not relay.state.over:
        step = relay.end()
        blocks += [step.block, step.last]
    return _STREAM[client](b"".join(blocks))


def facts(upstream: str, exchange: Exchange) -> Facts:
    """Return what the recording says, read by a judge that knows nothing of the codecs."""
    if exchange.is_stream:
        return _STREAM[upstream](exchange.answer, False) if upstream != "chat" else _STREAM[upstream](exchange.answer)
    return _WHOLE[upstream](exchange.json, False) if upstream != "chat" else _WHOLE[upstream](exchange.json)


def _of_chat(found: Fields) -> Facts:
    usage = found["usage"] or {}
    details = usage.get("prompt_tokens_details") or {}
    end = {"stop": "end", "tool_calls": "calls", "function_call": "calls", "length": "length"}.get(
        found["finish"], "filtered"
    )
    if found["calls"] and end == "end":  # so a call that was demanded ends there
        end = "calls"
    return Facts(
        found["content"] + found["refusal"] + found.get("audio", ""),
        found["reasoning"],
        [(name, _arguments(arguments)) for name, arguments in found["calls"]],
        end,
        usage.get("prompt_tokens") or 0,
        usage.get("completion_tokens") or 0,
        details.get("cached_tokens") or 0,
    )


def _spoken(answer: Fields) -> str:
    """Return the words of an answer that is sound: other wires have no place for the sound."""
    message = answer["choices"][0].get("message") or {}
    return (message.get("audio") or {}).get("transcript") or ""


def _arguments(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def _of_message(found: Fields, checked: bool = True) -> Facts:
    if checked:
        messages_wire.check_whole(found, beta=True)
    blocks, usage = found["content"], found["usage"]
    read, written = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
    ends = {
        "tool_use": "calls",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "refusal": "filtered",
    }
    return Facts(
        "".join(block.get("text", "") for block in blocks if block["type"] == "text"),
        "".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
        [(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"],
        ends.get(found["stop_reason"], "end"),
        usage["input_tokens"] + read + written,
        usage["output_tokens"],
        read,
    )


def _of_response(found: Fields, checked: bool = True) -> Facts:
    if checked:
        Response.model_validate(found)
    text, thinking, calls, refused = "", "", list[tuple[str, Any]](), False
    for item in found["output"]:
        if item["type"] == "message":
            refused = refused or any(part["type"] == "refusal" for part in item["content"])
            text += "".join(part.get("text") or part.get("refusal") or "" for part in item["content"])
        elif item["type"] == "reasoning":
            shown = item["summary"] or item.get("content") or ()
            thinking += "\n\n".join(part["text"] for part in shown)
        elif item["type"] == "function_call":
            calls.append((item["name"], _arguments(item["arguments"])))
        elif item["type"] == "custom_tool_call":
            calls.append((item["name"], {"input": item["input"]}))
    usage = found.get("usage") or {}
    details = usage.get("input_tokens_details") or {}
    reason = (found.get("incomplete_details") or {}).get("reason")
    incomplete = "filtered" if reason == "content_filter" else "length"
    end = incomplete if found["status"] == "incomplete" else "calls" if calls else "end"
    counts = usage.get("input_tokens") or 0, usage.get("output_tokens") or 0, details.get("cached_tokens") or 0
    return Facts(text, thinking, calls, end, *counts)


def _chat_stream(stream: bytes) -> Facts:
    return _of_chat(chat_wire.joined(chat_wire.payloads(stream)))


def _message_stream(stream: bytes, checked: bool = True) -> Facts:
    sent = [json.loads(payload) for payload in messages_wire.payloads(stream)]
    sent = [each for each in sent if each["type"] != "ping"]
    if checked:
        messages_wire.check_order(sent)
    return _of_message(messages_wire.joined(sent), checked)


def _response_stream(stream: bytes, checked: bool = True) -> Facts:
    sent = [json.loads(payload) for payload in chat_wire.payloads(stream) if payload[:1] == b"{"]
    if checked:
        for number, event in enumerate(sent):
            assert event["sequence_number"] == number
            _response_event(event)
    return _of_response(next(each["response"] for each in reversed(sent) if "response" in each), checked)


_WHOLE: dict[str, Callable[..., Facts]] = {
    "chat": lambda answer: _of_chat({**chat_wire.whole(answer), "audio": _spoken(answer)}),
    "messages": _of_message,
    "responses": _of_response,
}
_STREAM: dict[str, Callable[..., Facts]] = {
    "chat": _chat_stream,
    "messages": _message_stream,
    "responses": _response_stream,
}


def compared(found: Facts) -> Facts:
    """Return what is comparable: space between paragraphs of thinking is not."""
    return found._replace(thinking="".join(found.thinking.split()))


def features_of(conversation: Conversation, exchange: Exchange) -> frozenset[str]:
    parts: list[Part] = [part for turn in conversation.turns for part in turn.parts]
    inner = [each for part in parts if isinstance(part, ToolResult) for each in part.parts]
    kinds = {type(part) for part in (*parts, *inner)}
    present = {
        "text": True,
        "stream": exchange.is_stream,
        "tools": any(not isinstance(tool, ServerTool) for tool in conversation.tools),
        "thinking": Thinking in kinds or conversation.reasoning.effort is not None or b'"thinking' in exchange.answer,
        "images": Image in kinds,
        "documents": Document in kinds,
        "audio": Audio in kinds,
        "schema": conversation.output is not None,
        "cache marks": any(part.cache for part in parts)
        or any(getattr(tool, "cache", None) for tool in conversation.tools),
        "server tools": any(isinstance(tool, ServerTool) for tool in conversation.tools),
    }
    return frozenset(name for name, there in present.items() if there)


def table(outcomes: list[Outcome]) -> list[str]:
    """Return rows of Markdown: passed of all, by client, upstream and feature."""
    rows = ["| client | upstream | " + " | ".join(FEATURES) + " |", "|---|---|" + "---|" * len(FEATURES)]
    for pair in sorted({(each.client, each.upstream) for each in outcomes}):
        mine = [each for each in outcomes if (each.client, each.upstream) == pair]
        cells = []
        for feature in FEATURES:
            there = [each for each in mine if feature in each.features]
            cells.append(f"{sum(each.skipped is None for each in there)}/{len(there)}" if there else "")
        rows.append(f"| {pair[0]} | {pair[1]} | " + " | ".join(cells) + " |")
    return rows


def reasons(outcomes: list[Outcome]) -> list[str]:
    """Return why exchanges do not apply, the most frequent first."""
    counted = Counter((each.skipped, each.upstream) for each in outcomes if each.skipped)
    return [f"- {reason} ({upstream}): {count}" for (reason, upstream), count in counted.most_common()]
