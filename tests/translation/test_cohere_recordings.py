"""Requests that Cohere really got, made from those of other clients; and its citations in their answers."""

import json
from typing import Any

import pytest
from google.genai.types import GenerateContentResponse

from gateway.errors import InvalidRequest
from gateway.profiles.families import resolve
from gateway.translation import chat, cohere, gemini
from gateway.translation.answer import Cited, Closed, Delta, Ended, Opened, Started
from gateway.translation.codec import Writing
from gateway.translation.parts import Citation, Text
from tests.fakes.exchanges import FOLDER, Exchange
from tests.translation import cohere_wire as wire_of
from tests.translation.cohere_judging import answered, begun

Fields = dict[str, Any]


@pytest.fixture(autouse=True)
def _recordings() -> None:
    if not FOLDER.is_dir():
        pytest.skip("no recordings in ../shared/recordings beside the repository")


def remade(client: str, exchange: Exchange) -> bool:
    """Return whether a recorded request goes up again; clients of other wires than Chat know no plan, and a limit."""
    sent, recorded = json.loads(begun(client, exchange).encode({}).body), exchange.request  # type: ignore[arg-type]
    return wire_of.normal(sent, plan=client == "chat") == wire_of.normal(recorded, plan=client == "chat")


@pytest.mark.parametrize(("client", "least"), [("chat", 52), ("responses", 46), ("messages", 45), ("gemini", 47)])
def test_recorded_requests_are_made_again(client: str, least: int) -> None:
    asked = [each for each in wire_of.recorded() if each.request is not wire_of.ASKED]
    assert len(asked) == 52
    assert sum(remade(client, each) for each in asked) >= least


def test_citations_arrive() -> None:
    cited = [each for each in wire_of.recorded() if wire_of.citations(each)]
    assert len(cited) > 10
    for exchange in cited:
        assert not exchange.is_stream
        expected = wire_of.citations(exchange)
        _, of_chat = answered("chat", begun("chat", exchange), exchange)
        told = [each["url_citation"] for each in of_chat["choices"][0]["message"]["annotations"]]
        assert [(each["start_index"], each["end_index"], each["content"]) for each in told] == expected
        _, of_responses = answered("responses", begun("responses", exchange), exchange)
        found = [each for item in of_responses["output"] for part in item.get("content") or () for each in part.get("annotations", ())]  # fmt: skip  # noqa: E501
        assert [(each["start_index"], each["end_index"]) for each in found] == [each[:2] for each in expected]
        _, of_messages = answered("messages", begun("messages", exchange), exchange)
        sources = [each for block in of_messages["content"] for each in block.get("citations") or ()]
        assert [each["cited_text"] for each in sources] == [each[2] for each in expected]
        _, of_gemini = answered("gemini", begun("gemini", exchange), exchange)
        GenerateContentResponse.model_validate(of_gemini)
        told = of_gemini["candidates"][0]["groundingMetadata"]["groundingSupports"]
        assert [each["segment"]["text"] for each in told] == [each[2] for each in expected]


def test_citations_of_a_stream_arrive_in_gemini() -> None:
    """Gemini counts bytes."""
    citation = Citation(url="https://example.com/a", title="A", start=2, end=4)
    text = Text(text="日本語です", citations=(citation, citation, Citation(url="document:doc-0", start=0, end=1)))
    writer = gemini.CODEC.writer("m", {})
    events = (Started("a", "m"), Opened(0, Text(text="")), Delta(0, text.text), Closed(0, text), Ended("stop"))
    chunks = [json.loads(each.removeprefix(b"data: ")) for event in events if (each := writer.write(event))]
    found = chunks[-1]["candidates"][0]["groundingMetadata"]
    assert found["groundingChunks"] == [
        {"web": {"uri": "https://example.com/a", "title": "A"}},
        {"retrievedContext": {"uri": "document:doc-0"}},
    ]
    first = {"segment": {"startIndex": 6, "endIndex": 12, "text": "語で"}, "groundingChunkIndices": [0]}
    last = {"segment": {"startIndex": 0, "endIndex": 3, "text": "日"}, "groundingChunkIndices": [1]}
    assert found["groundingSupports"] == [first, first, last]
    read = gemini.CODEC.reader(resolve("gemini-3.5-flash", "gemini"))
    told = [event for chunk in chunks for event in read.read(b"", json.dumps(chunk).encode())]
    assert [
        (each.citation.url, each.citation.start, each.citation.end) for each in told if isinstance(each, Cited)
    ] == [
        ("https://example.com/a", 2, 4),
        ("document:doc-0", 0, 1),
    ]


def test_a_request_in_json_with_tools_is_refused() -> None:
    fields = {**wire_of.ASKED, "tools": [{"type": "function", "function": {"name": "a"}}]}
    found = chat.CODEC.read_request({**fields, "response_format": {"type": "json_object"}})
    with pytest.raises(InvalidRequest, match="JSON while it has tools"):
        cohere.CODEC.write_request(found, Writing(resolve("command-a-03-2025", "cohere")))
