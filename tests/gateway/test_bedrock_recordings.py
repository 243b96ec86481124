"""What Bedrock really answered, replayed in random pieces by a server that checks signatures, through the gateway."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.profiles.profile import Profile
from gateway.translation import messages
from gateway.translation.codec import Writing
from tests.fakes.bedrock import KEY_ID, SECRET, TOKEN, Bedrock, Seen
from tests.fakes.exchanges import FOLDER, Exchange, exchanges
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process
from tests.translation.converse_wire import facts_of_stream, facts_of_whole, frames
from tests.translation.judging import _STREAM, _WHOLE, CODECS, PATHS, Facts, compared
from tests.translation.messages_wire import joined
from tests.translation.test_converse_recordings import recorded

Fields = dict[str, Any]

REGION = "ap-northeast-3"
CLIENTS = ("chat", "responses", "messages")


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

    with pytest.MonkeyPatch.context() as patch, serving(Bedrock(answer, REGION)) as address:
        for name, value in (("ACCESS_KEY_ID", KEY_ID), ("SECRET_ACCESS_KEY", SECRET), ("SESSION_TOKEN", TOKEN)):
            patch.setenv(f"AWS_{name}", value)
        at = {"provider": "bedrock", "region": REGION, "base_url": address}
        models = [
            {"name": "converse", "deployments": [{**at, "model": "arn:aws:bedrock:x:1:inference-profile/y"}]},
            {"name": "claude", "deployments": [{**at, "model": "anthropic.claude-3-haiku-20240307-v1:0"}]},
        ]
        with in_process(tmp_path_factory.mktemp("replaying"), {"models": models}) as gateway:
            yield gateway, answers


def _asked(client: str, request: Fields, model: str, *, stream: bool) -> Fields:
    found = messages.CODEC.read_request({**request, "model": model, "max_tokens": 4000})
    fields = CODECS[client].write_request(found, Writing(Profile(custom_tools=True)))
    fields["stream"] = stream
    if client == "chat" and stream:
        fields["stream_options"] = {"include_usage": True}
    return fields


def _answered(
    replaying: tuple[InProcess, list[bytes]], client: str, request: Fields, model: str, exchange: Exchange
) -> Facts:
    gateway, answers = replaying
    answers[:] = [exchange.answer]
    stream = exchange.is_frames
    answer = gateway.post("/v1" + PATHS[client], json=_asked(client, request, model, stream=stream))
    assert answer.status_code == 200, (exchange.name, answer.text)
    return _STREAM[client](answer.content) if stream else _WHOLE[client](answer.json())


@pytest.mark.parametrize("client", CLIENTS)
def test_converse(replaying: tuple[InProcess, list[bytes]], client: str) -> None:
    asked = {"messages": [{"role": "user", "content": "Hello"}]}
    for exchange in recorded()[::6]:
        expected = facts_of_stream(frames(exchange.answer)) if exchange.is_frames else facts_of_whole(exchange.json)
        got = _answered(replaying, client, asked, "converse", exchange)
        assert compared(got) == compared(expected), exchange.name


def _invoked() -> list[Exchange]:
    """Return the invocations of Claude in its own wire."""
    found = [*exchanges("/invoke"), *exchanges("/invoke-with-response-stream")]
    return [each for each in found if "anthropic_version" in each.request and "messages" in each.request]


def _of_claude(exchange: Exchange) -> Facts:
    if not exchange.is_frames:
        return _WHOLE["messages"](exchange.json, False)
    inner = [json.loads(base64.b64decode(content["bytes"])) for _, content in frames(exchange.answer)]
    return _WHOLE["messages"](joined(inner), False)


@pytest.mark.parametrize("client", CLIENTS)
def test_claude(replaying: tuple[InProcess, list[bytes]], client: str) -> None:
    found = _invoked()
    assert len(found) > 50
    for exchange in found[::2]:
        request = {name: value for name, value in exchange.request.items() if name in ("messages", "system", "tools")}
        got = _answered(replaying, client, request, "claude", exchange)
        assert compared(got) == compared(_of_claude(exchange)), exchange.name
