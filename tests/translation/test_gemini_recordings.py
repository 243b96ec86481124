"""Every recorded exchange with Gemini: its request is written again, its answer arrives in the other dialects."""

import json
from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.profiles.profile import DEFAULT_PROFILE
from gateway.translation import gemini
from gateway.translation.codec import Writing
from gateway.translation.gemini.spelling import plain
from tests.fakes.exchanges import FOLDER, Exchange
from tests.translation import gemini_judging as judge
from tests.translation.judging import compared, request_of

Fields = dict[str, Any]

NOT_CARRIED = {"server tools of another vendor", "parts that only its own wire has"}
PLAIN = {"model": "gemini-3.5-flash", "contents": [{"parts": [{"text": "Hello"}]}]}
"""Asked where other wires have no words for what was: the answer has to arrive all the same."""


@pytest.fixture(autouse=True)
def _recordings() -> None:
    if not FOLDER.is_dir():
        pytest.skip("no recordings in ../shared/recordings beside the repository")


def normal(request: Fields) -> Fields:
    """Return a request in its normal form: no empty members, one content a role, results and functions first."""
    found = plain(request)
    contents: list[Fields] = []
    for content in found["contents"]:
        role, parts = "model" if content.get("role") == "model" else "user", list(content["parts"])
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})
    for content in contents:
        if content["role"] == "user":
            content["parts"].sort(key=lambda part: "functionResponse" not in part)
    found["contents"] = contents
    tools = found.get("tools", [])
    tools = tools if isinstance(tools, list) else [tools]
    found["tools"] = sorted(tools, key=lambda tool: "functionDeclarations" not in tool)
    return {name: value for name, value in found.items() if value}


def test_every_request_is_written_again() -> None:
    for exchange in judge.recorded():
        writing = Writing(DEFAULT_PROFILE)
        conversation = gemini.CODEC.read_request({**exchange.request, "model": "theirs"})
        assert gemini.CODEC.write_request(conversation, writing) == normal(exchange.request), exchange.name
        assert writing.dropped == []


def test_the_same_conversation_is_the_same_bytes() -> None:
    for exchange in judge.recorded()[::10]:
        written = [
            json.dumps(
                gemini.CODEC.write_request(
                    gemini.CODEC.read_request({**exchange.request, "model": "m"}), Writing(DEFAULT_PROFILE)
                )
            )
            for _ in range(2)
        ]
        assert written[0] == written[1]


@pytest.mark.parametrize("client", ["chat", "responses", "messages"])
def test_what_was_recorded_arrives(client: str) -> None:
    skipped: list[str] = []
    for exchange in judge.recorded():
        try:
            asked, sent = _asked(client, exchange, {**exchange.request, "model": "gemini-3.5-flash"})
        except InvalidRequest as error:
            skipped.append(error.code)
            asked, sent = _asked(client, exchange, PLAIN)
        assert sent["contents"], exchange.name
        assert "model" not in sent
        got, expected = judge.answered(client, asked, exchange), judge.facts(exchange)
        assert compared(got) == compared(expected), (client, exchange.name)
    assert set(skipped) <= NOT_CARRIED
    assert len(skipped) < 0.1 * len(judge.recorded())


def _asked(client: str, exchange: Exchange, request: Fields) -> tuple[Any, Fields]:
    conversation = gemini.CODEC.read_request(request)
    fields = request_of(client, "gemini", conversation)
    crossing = judge.begun(client, fields, model="gemini-3.5-flash", stream=exchange.is_stream)
    return crossing, json.loads(crossing.encode({}).body)  # type: ignore[arg-type]
