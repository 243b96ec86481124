"""What Bedrock really sent through Converse and ConverseStream, carried to the clients of the other wires."""

import json
import random
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote, unquote

import pytest

from gateway import wire
from gateway.dialects.amazon_frames import AMAZON_EVENT_STREAM
from gateway.errors import InvalidRequest
from gateway.payload import JsonPayload
from gateway.profiles.families import resolve
from gateway.profiles.profile import Profile
from gateway.translation import converse, messages
from gateway.translation.answer import Answer, Closed, Event
from gateway.translation.codec import Writing
from gateway.translation.contract import Asked
from gateway.translation.crossing import ConversationCrossing, Conversations
from gateway.translation.repairs import repaired
from tests.fakes.exchanges import FOLDER, Exchange, exchanges
from tests.translation.converse_wire import as_messages, check_request, encoded, facts_of_stream, facts_of_whole, frames
from tests.translation.judging import _STREAM, _WHOLE, CODECS, Facts, compared

Fields = dict[str, Any]

CLIENTS = ("chat", "responses", "messages")
ASKED: Fields = {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}


@cache
def recorded() -> list[Exchange]:
    found = [*exchanges("/converse"), *exchanges("/converse-stream"), *_answers()]
    return [each for each in found if each.is_frames or "output" in each.json]


def _answers() -> Iterator[Exchange]:
    """Yield the answers that were recorded without their requests."""
    for file in sorted((FOLDER / "vercel-ai" / "amazon-bedrock").glob("amazon-bedrock-*")):
        answer = file.read_bytes()
        if file.suffix == ".txt":
            lines = [json.loads(line) for line in answer.splitlines() if line.strip()]
            answer = encoded((name, content) for line in lines for name, content in line.items())
        yield Exchange(file.name, ASKED, 200, answer, "/model/m/converse")


@pytest.fixture(autouse=True)
def _recordings() -> None:
    if not FOLDER.is_dir():
        pytest.skip("no recordings in ../shared/recordings beside the repository")


def model_of(exchange: Exchange) -> str:
    return unquote(exchange.address.split("/")[-2])


def begun(client: str, exchange: Exchange) -> ConversationCrossing:
    """Return a recorded request, asked by a client."""
    conversation = messages.CODEC.read_request(as_messages(exchange.request, model_of(exchange)))
    fields = CODECS[client].write_request(conversation, Writing(Profile(custom_tools=True)))
    stream = exchange.is_frames
    fields |= {"stream": stream}
    if client == "chat" and stream:
        fields["stream_options"] = {"include_usage": True}
    members = wire.members(wire.encode(fields))
    return Conversations(CODECS[client], converse.CODEC).begin(
        Asked(
            payload=JsonPayload(members, 0),
            fields=members,
            model="ours",
            stream=stream,
            framing=AMAZON_EVENT_STREAM,
            profile=resolve(model_of(exchange), "bedrock"),
        )
    )


def answered(client: str, crossing: ConversationCrossing, exchange: Exchange) -> Facts:
    if not exchange.is_frames:
        return _WHOLE[client](json.loads(wire.encode(crossing.answer(wire.members(exchange.answer)))))
    relay, stream, pieces = crossing.relay(), exchange.answer, random.Random(exchange.name)
    blocks = []
    while stream:
        size = pieces.randint(1, 700)
        step = relay.feed(stream[:size])
        stream = stream[size:]
        blocks += [step.block, step.last]
    if not relay.state.over:
        step = relay.end()
        blocks += [step.block, step.last]
    return _STREAM[client](b"".join(blocks))


@pytest.mark.parametrize("client", CLIENTS)
def test_what_was_recorded_arrives(client: str) -> None:
    found, skipped = recorded(), dict[str, int]()
    for exchange in found:
        try:
            crossing = begun(client, exchange)
            sent = json.loads(crossing.encode({}).body)  # type: ignore[arg-type]
        except InvalidRequest as error:
            skipped[error.code] = skipped.get(error.code, 0) + 1
            continue
        check_request(sent)
        expected = facts_of_stream(frames(exchange.answer)) if exchange.is_frames else facts_of_whole(exchange.json)
        if expected.calls and expected.end == "end":  # some models do not say so
            expected = expected._replace(end="calls")
        assert compared(answered(client, crossing, exchange)) == compared(expected), exchange.name
    print(client, len(found), skipped)
    assert len(found) > 170
    assert sum(skipped.values()) < 10


def _cited(exchange: Exchange) -> list[tuple[str, str]]:
    """Return the title and the words of each source that a recording names."""
    if exchange.is_frames:
        found = [event["delta"]["citation"] for name, event in frames(exchange.answer) if name == "contentBlockDelta" and "citation" in event["delta"]]  # fmt: skip  # noqa: E501
    else:
        blocks = [block.get("citationsContent", {}) for block in exchange.json["output"]["message"]["content"]]
        found = [each for block in blocks for each in block.get("citations", ())]
    return [(each["title"], "".join(piece["text"] for piece in each["sourceContent"])) for each in found]


def test_citations_of_documents_arrive() -> None:
    """A document has no address: those who must have one are told its title."""
    cited = [each for each in recorded() if _cited(each)]
    assert len(cited) >= 5
    for exchange in cited:
        expected = _cited(exchange)
        kept = {client: _told(client, exchange) for client in CLIENTS}
        annotations = [each["url_citation"] for each in _within(kept["chat"], "annotations")]
        assert [(each["title"], each["content"]) for each in annotations] == expected
        assert [each["url"] for each in annotations] == [f"document:{quote(title)}" for title, _ in expected]
        titles = [each["title"] for each in _within(kept["responses"], "annotations")]
        assert titles == [title for title, _ in expected]
        sources = _within(kept["messages"], "citations")
        assert [(each["document_title"], each["cited_text"]) for each in sources] == expected
        kinds = {"char_location", "page_location", "content_block_location"}
        assert {each["type"] for each in sources} <= kinds


def _told(client: str, exchange: Exchange) -> Any:
    """Return an answer as a client gets it whole, also of a stream."""
    crossing = begun(client, exchange)
    crossing.encode({})
    if not exchange.is_frames:
        return json.loads(wire.encode(crossing.answer(wire.members(exchange.answer))))
    reader, told = converse.CODEC.reader(resolve(model_of(exchange), "bedrock")), list[Event]()
    for name, event in frames(exchange.answer):
        told += reader.read(name.encode(), json.dumps(event).encode())
    parts = tuple(each.part for each in told if isinstance(each, Closed))
    return CODECS[client].write_answer(Answer(id="a", model="m", parts=parts, end="stop"), {})


def _within(found: Any, name: str) -> list[Fields]:
    """Return all members of lists of a name, wherever they stand."""
    if isinstance(found, list):
        return [each for inner in found for each in _within(inner, name)]
    if not isinstance(found, dict):
        return []
    return [*(found.get(name) or ()), *(each for key, inner in found.items() if key != name for each in _within(inner, name))]  # fmt: skip  # noqa: E501


def test_recorded_requests_are_reproduced() -> None:
    """Most differ in nothing; the others have what the client's form of them cannot say, or say a default."""
    found = exchanges("/converse")
    same = sum(_reproduced(each) == _normal(each.request) for each in found)
    print(f"{same} of {len(found)} requests are reproduced")
    assert same > 75


def _reproduced(exchange: Exchange) -> Any:
    model = model_of(exchange)
    writing = Writing(resolve(model, "bedrock"))
    try:
        conversation = messages.CODEC.read_request(as_messages(exchange.request, model))
        kept = repaired(conversation, messages.CODEC, converse.CODEC, writing)
        return _normal(json.loads(json.dumps(converse.CODEC.write_request(kept, writing))))
    except InvalidRequest:
        return None


def _normal(request: Fields) -> Fields:
    """Return a request without members that say nothing."""
    request = json.loads(json.dumps(request).replace(', "status": "success"', ""))
    found = {name: value for name, value in request.items() if value not in ([], {}, None) and name != "modelId"}
    found["inferenceConfig"] = {"maxTokens": 5000, **found.get("inferenceConfig", {})}
    if found.get("toolConfig", {}).get("toolChoice") == {"auto": {}}:
        found["toolConfig"] = {"tools": found["toolConfig"]["tools"]}
    return found
