"""Recorded exchanges with Gemini on both hosts: what they say, read by a judge that knows nothing of the codec."""

import json
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

from gateway import wire
from gateway.payload import JsonPayload
from gateway.profiles.families import resolve
from gateway.translation import gemini
from gateway.translation.contract import Asked
from gateway.translation.crossing import ConversationCrossing, Conversations
from tests.fakes.exchanges import Exchange, exchanges
from tests.translation.judging import _STREAM, _WHOLE, CODECS, Facts

Fields = dict[str, Any]

WHOLE, STREAM = ":generateContent", ":streamGenerateContent"
_FILTERED = ("SAFETY", "RECITATION", "MODEL_ARMOR", "PROHIBITED_CONTENT", "SPII", "BLOCKLIST")


@cache
def recorded() -> list[Exchange]:
    """Return every exchange with a good answer."""
    return [*exchanges(WHOLE), *exchanges(STREAM)]


def chunks_of(exchange: Exchange) -> list[Fields]:
    """Return the chunks of a stream; a whole answer is one."""
    if not exchange.is_stream:
        return [exchange.json]
    lines = exchange.answer.replace(b"\r", b"").split(b"\n")
    return [json.loads(line[5:]) for line in lines if line.startswith(b"data:")]


def facts(exchange: Exchange) -> Facts:
    """Return what a recording says."""
    text, thinking, calls, reason = "", "", list[tuple[str, Any]](), None
    counts: dict[str, int] = {}
    for chunk in chunks_of(exchange):
        counts |= {name: count for name, count in chunk.get("usageMetadata", {}).items() if isinstance(count, int)}
        if "blockReason" in chunk.get("promptFeedback", {}):
            reason = "SAFETY"
        for candidate in chunk.get("candidates", [])[:1]:
            reason = candidate.get("finishReason") or reason
            for part in candidate.get("content", {}).get("parts", ()):
                if part.get("thought"):
                    thinking += part["text"]
                elif "text" in part:
                    text += part["text"]
                elif "functionCall" in part:
                    calls.append((part["functionCall"]["name"], part["functionCall"].get("args") or {}))
    length, filtered = reason in ("MAX_TOKENS", 2), reason in _FILTERED
    end = "length" if length else "filtered" if filtered else "calls" if calls else "end"
    asked = counts.get("promptTokenCount", 0) + counts.get("toolUsePromptTokenCount", 0)
    written = counts.get("candidatesTokenCount", 0) + counts.get("thoughtsTokenCount", 0)
    return Facts(text, thinking, calls, end, asked, written, counts.get("cachedContentTokenCount", 0))


def begun(client: str, fields: Fields, *, model: str, stream: bool) -> ConversationCrossing:
    """Return a client's request on its way to Gemini."""
    asked = {**fields, "stream": stream}
    if client == "chat" and stream:
        asked["stream_options"] = {"include_usage": True}
    members = wire.members(wire.encode(asked))
    profile = resolve(model, "gemini")
    return Conversations(CODECS[client], gemini.CODEC).begin(
        Asked(payload=JsonPayload(members, 0), fields=members, model="ours", stream=stream, profile=profile)
    )


def pieces(stream: bytes, seed: str) -> Iterator[bytes]:
    """Yield a stream in random pieces."""
    sizes = random.Random(seed)
    while stream:
        size = sizes.choice((1, 7, 100, 4000))
        yield stream[:size]
        stream = stream[size:]


def answered(client: str, crossing: ConversationCrossing, exchange: Exchange) -> Facts:
    """Return what the client learns."""
    if not exchange.is_stream:
        return _WHOLE[client](json.loads(wire.encode(crossing.answer(wire.members(exchange.answer)))))
    relay = crossing.relay()
    steps = [relay.feed(piece) for piece in pieces(exchange.answer, exchange.name)]
    if not relay.state.over:
        steps.append(relay.end())
    return _STREAM[client](b"".join(block for step in steps for block in (step.block, step.last)))
