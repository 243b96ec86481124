"""What Cohere really answered, replayed in random pieces by a server that judges requests, through the gateway."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.profiles.profile import Profile
from gateway.translation.codec import Writing
from tests.fakes.cohere import KEY, Cohere, Seen
from tests.fakes.exchanges import FOLDER, Exchange
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process
from tests.translation import cohere_wire as wire_of
from tests.translation.cohere_judging import CLIENTS, conversation_of
from tests.translation.gemini_judging import facts as gemini_facts
from tests.translation.judging import _STREAM, _WHOLE, Facts, compared

Fields = dict[str, Any]

PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}
MODELS = ("command-r", "command-a-03-2025", "command-r7b-12-2024", "command-a-vision-07-2025", "command-a-reasoning-08-2025")  # fmt: skip  # noqa: E501


@pytest.fixture(autouse=True)
def _recordings() -> None:
    if not FOLDER.is_dir():
        pytest.skip("no recordings in ../shared/recordings beside the repository")


@pytest.fixture(scope="module")
def replaying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[InProcess, list[bytes]]]:
    """A gateway, and the list whose last bytes are the next answer."""
    answers: list[bytes] = []

    def answer(seen: Seen) -> tuple[int, bytes]:
        return 200, answers[-1]

    with serving(Cohere(answer, lambda seen: wire_of.check_request(seen.body))) as address:
        at = {"provider": "cohere", "base_url": address, "api_key": KEY}
        models = [{"name": name, "deployments": [{**at, "model": name}]} for name in MODELS]
        with in_process(tmp_path_factory.mktemp("replaying"), {"models": models}) as gateway:
            yield gateway, answers


def _asked(client: str, exchange: Exchange) -> tuple[str, Fields]:
    found, stream = conversation_of(client, exchange.request), exchange.is_stream
    fields = wire_of.as_chat(exchange.request)
    if client != "chat":
        fields = CLIENTS[client].write_request(found, Writing(Profile(custom_tools=True)))
    if client == "gemini":
        how = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{found.model}:{how}", fields
    options = {"stream_options": {"include_usage": True}} if client == "chat" and stream else {}
    return PATHS[client], {**fields, "model": found.model, "stream": stream, **options}


def _facts(client: str, exchange: Exchange, body: bytes) -> Facts:
    if client == "gemini":
        return gemini_facts(Exchange("", {}, 200, body))
    return _STREAM[client](body) if exchange.is_stream else _WHOLE[client](json.loads(body))


@pytest.mark.parametrize("client", CLIENTS)
def test_what_cohere_answered(replaying: tuple[InProcess, list[bytes]], client: str) -> None:
    gateway, answers = replaying
    for exchange in wire_of.recorded()[::6]:
        answers[:] = [exchange.answer]
        path, fields = _asked(client, exchange)
        answer = gateway.post(path, json=fields)
        if wire_of.is_broken(exchange):
            assert "error" in answer.text
            continue
        assert answer.status_code == 200, (exchange.name, answer.text)
        got, expected = _facts(client, exchange, answer.content), wire_of.facts(exchange)
        assert compared(got) == compared(expected), exchange.name
        billed = wire_of.joined(exchange)["usage"]["billed_units"]
        record = gateway.record(answer)
        assert (record.input_tokens, record.output_tokens) == (billed["input_tokens"], billed["output_tokens"])
