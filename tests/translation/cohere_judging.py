"""Recorded exchanges with Cohere, carried to the clients of all wires, its errors too."""

import json
import random
from collections.abc import Iterator
from typing import Any

import msgspec

from gateway import wire
from gateway.dialects.relay import FAILED
from gateway.payload import JsonPayload
from gateway.profiles.families import resolve
from gateway.profiles.profile import Profile
from gateway.translation import chat, cohere, gemini
from gateway.translation.codec import Codec, Writing
from gateway.translation.contract import Asked
from gateway.translation.conversation import Conversation
from gateway.translation.crossing import ConversationCrossing, Conversations
from gateway.translation.parts import Document, Source
from tests.fakes.exchanges import Exchange
from tests.translation import cohere_wire as wire_of
from tests.translation.gemini_judging import facts as gemini_facts
from tests.translation.judging import _STREAM, _WHOLE, CODECS, Facts, Outcome, compared, features_of

Fields = dict[str, Any]

CLIENTS: dict[str, Codec] = {**CODECS, "gemini": gemini.CODEC}


def judge(client: str) -> Iterator[Outcome]:
    """Carry every exchange to a client. Raises `AssertionError` that names the one that differs."""
    for exchange in wire_of.recorded():
        crossing = begun(client, exchange)
        wire_of.check_request(json.loads(crossing.encode({}).body))  # type: ignore[arg-type]
        got, sent = answered(client, crossing, exchange)
        if wire_of.is_broken(exchange):
            assert got is None, exchange.name
            assert b"invalid tool generation" in sent
        else:
            assert got is not None
            assert compared(got) == compared(wire_of.facts(exchange)), exchange.name
        features = features_of(conversation_of("messages", exchange.request), exchange)
        yield Outcome(client, "cohere", features, None)


def conversation_of(client: str, request: Fields) -> Conversation:
    """Return a recorded conversation; clients without Cohere's own member send documents as parts."""
    fields = wire_of.as_chat(request)
    documents = fields.pop("documents", []) if client != "chat" else []
    found = chat.CODEC.read_request(fields)
    parts = tuple(Document(source=Source(text=each["data"]["text"]), cite=True) for each in documents)
    last = msgspec.structs.replace(found.turns[-1], parts=(*parts, *found.turns[-1].parts))
    return msgspec.structs.replace(found, turns=(*found.turns[:-1], last))


def begun(client: str, exchange: Exchange) -> ConversationCrossing:
    """Return a recorded request, asked by a client."""
    found, stream = conversation_of(client, exchange.request), exchange.is_stream
    fields = wire_of.as_chat(exchange.request)
    if client != "chat":
        fields = CLIENTS[client].write_request(found, Writing(Profile(custom_tools=True)))
    fields |= {"stream": stream, "model": found.model}
    if client == "chat" and stream:
        fields["stream_options"] = {"include_usage": True}
    members = wire.members(wire.encode(fields))
    profile = resolve(found.model, "cohere")
    payload = JsonPayload(members, 0)
    asked = Asked(payload=payload, fields=members, model="ours", stream=stream, profile=profile)
    return Conversations(CLIENTS[client], cohere.CODEC).begin(asked)


def answered(client: str, crossing: ConversationCrossing, exchange: Exchange) -> tuple[Facts | None, Any]:
    """Return what a client learns, None where it is told of an error; and all that it got."""
    if not exchange.is_stream:
        answer = json.loads(wire.encode(crossing.answer(wire.members(exchange.answer))))
        told = gemini_facts(Exchange("", {}, 200, json.dumps(answer).encode())) if client == "gemini" else None
        return told or _WHOLE[client](answer), answer
    relay, stream, pieces = crossing.relay(), exchange.answer, random.Random(exchange.name)
    blocks = []
    while stream and not relay.state.over:
        size = pieces.randint(1, 700)
        step = relay.feed(stream[:size])
        stream = stream[size:]
        blocks += [step.block, step.last]
    if not relay.state.over:
        step = relay.end()
        blocks += [step.block, step.last]
    if relay.state is FAILED:
        return None, relay.error
    got = b"".join(blocks)
    return (gemini_facts(Exchange("", {}, 200, got)) if client == "gemini" else _STREAM[client](got)), got
