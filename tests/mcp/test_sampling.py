"""What a server asks a model is answered by a model of the gateway, where the client has none to ask."""

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import mcp_types as types
import msgspec
import pytest
from mcp.shared.exceptions import MCPError

from gateway.config.load import load
from gateway.config.mcp import McpSampling
from gateway.ledger.contents import content_of
from gateway.ledger.record import Record
from gateway.ledger.segments import folder, read
from gateway.mcp.relay.sampling import chat_request, sampled
from tests.fakes.mcp_everything.serving import everything_command
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ENVIRONMENT, GatewayProcess, InProcess, deployment, in_process, model
from tests.mcp.hub import ERAS, Era, client, everything, texts

pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
SAMPLING = {"model": "helper", "max_tokens": 50}
KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture(scope="module")
def gateway(upstream: tuple[FakeUpstream, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with everything("legacy", "modern") as servers:
        command, env = everything_command("legacy")
        configured: dict[str, Any] = {
            **{name: {"url": url, "sampling": SAMPLING} for name, (_, url) in servers.items()},
            "program": {"command": command, "env": env, "sampling": SAMPLING},
            "alone": {"command": command, "env": env, "process": "per_user", "sampling": SAMPLING},
            "without": {"url": servers["legacy"][1]},
        }
        config = {
            "models": [model("helper", deployment(upstream[1]), price={"input": 3.0, "output": 15.0})],
            "ledger": {"content": {"keys": ["in-process"], "encryption_key": KEY}},
            "mcp": {"servers": configured},
        }
        with in_process(tmp_path_factory.mktemp("sampling"), config) as running:
            yield running


def _records(gateway: InProcess) -> list[Record]:
    return list(read(folder(gateway.data_dir)))


@pytest.mark.parametrize("server", ["legacy", "modern", "program", "alone"])
@pytest.mark.parametrize("front", ERAS)
async def test_a_client_that_cannot_be_asked(gateway: InProcess, front: Era, server: str) -> None:
    before = len(_records(gateway))
    async with client(gateway, f"/{server}", front) as connected:
        told = texts(await connected.call_tool("test_sampling", {"prompt": "Say something."}))
    assert told[0].startswith("LLM response: ")
    assert told[0] != "LLM response: None"
    chat, call = sorted(_records(gateway)[before:], key=lambda record: record.api)
    assert (chat.api, chat.task, chat.model, chat.outcome) == ("chat", "mcp_sampling", "helper", "ok")
    assert chat.cost_nano_usd
    assert chat.key_id == call.key_id
    assert call.outcome == "ok"


@pytest.mark.parametrize("front", ERAS)
async def test_a_client_that_can_be_asked_is(gateway: InProcess, front: Era) -> None:
    async def answer(_: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
        content = types.TextContent(type="text", text="from the client")
        return types.CreateMessageResult(role="assistant", content=content, model="own")

    for server in ("legacy", "modern"):
        async with client(gateway, f"/{server}", front, sampling_callback=answer) as connected:
            told = texts(await connected.call_tool("test_sampling", {"prompt": "Say something."}))
        assert told == ["LLM response: from the client"]


async def test_a_question_for_the_client_beside_one_for_the_model(gateway: InProcess) -> None:
    """A newer server asks both in one round."""

    async def answer(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"name": "ada"})

    async with client(gateway, "/modern", "modern", elicitation_callback=answer, list_roots_callback=_roots) as one:
        told = texts(await one.call_tool("test_input_required_result_multiple_inputs"))
    assert told == ["Got client_roots, greeting, user_name"]


async def _roots(_: Any) -> types.ListRootsResult:
    return types.ListRootsResult(roots=[])


async def test_a_key_that_may_not_use_the_model(gateway: InProcess) -> None:
    process = GatewayProcess.__new__(GatewayProcess)
    process.file = gateway.data_dir.parent / "sekisho.yaml"
    other = await asyncio.to_thread(process.key, "no-models", "--model", "another")
    async with client(gateway, "/legacy", "legacy", key=other) as connected:
        with pytest.raises(MCPError, match="The model was not asked"):
            await connected.call_tool("test_sampling", {"prompt": "Say something."})


async def test_without_a_model_nobody_answers(gateway: InProcess) -> None:
    async with client(gateway, "/without", "modern") as connected:
        with pytest.raises(MCPError):
            await connected.call_tool("test_sampling", {"prompt": "Say something."})


async def test_arguments_and_results_are_recorded_for_keys_that_want_it(gateway: InProcess) -> None:
    async with client(gateway, "/legacy", "modern") as connected:
        await connected.call_tool("echo", {"text": "canary-of-arguments"})
    record = _records(gateway)[-1]
    loaded = await asyncio.to_thread(load, gateway.data_dir.parent / "sekisho.yaml", ENVIRONMENT)
    for _ in range(200):  # a thread writes it
        if found := await asyncio.to_thread(content_of, loaded.config, record.request_id):
            break
        await asyncio.sleep(0.02)
    assert found
    assert b"canary-of-arguments" in found.prompt
    assert b"canary-of-arguments" in found.answer
    assert b"canary-of-arguments" not in b"".join(
        path.read_bytes() for path in folder(gateway.data_dir).glob("*.jsonl")
    )


SETTINGS = McpSampling(model="helper", max_tokens=100)
SAID = [{"role": "user", "content": {"type": "text", "text": "hi"}}]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"messages": SAID, "maxTokens": 7}, {"max_tokens": 7}),
        ({"messages": SAID, "maxTokens": 10**9}, {"max_tokens": 100}),
        ({"messages": SAID, "maxTokens": -1}, {"max_tokens": 100}),
        ({"messages": SAID, "systemPrompt": "Be short."}, {"messages": [{"role": "system", "content": "Be short."}]}),
        ({"messages": SAID, "temperature": 0.5, "stopSequences": ["x", 1]}, {"temperature": 0.5, "stop": ["x"]}),
        ({"messages": SAID, "temperature": True}, {}),
    ],
)
def test_questions_as_chats(params: dict[str, Any], expected: dict[str, Any]) -> None:
    found = msgspec.json.decode(chat_request(params, SETTINGS))
    said = expected.pop("messages", [])
    assert found["messages"] == [*said, {"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    assert {name: found[name] for name in expected} == expected
    assert found["model"] == "helper"


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"messages": []},
        {"messages": "hi"},
        {"messages": [None]},
        {"messages": [{"role": "system", "content": {"type": "text", "text": "x"}}]},
        {"messages": [{"role": "user", "content": {"type": "video"}}]},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": SAID * 257},
        {"messages": SAID, "tools": [{"name": "x"}]},
    ],
)
def test_questions_that_no_model_is_asked(params: dict[str, Any]) -> None:
    with pytest.raises(MCPError):
        chat_request(params, SETTINGS)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"choices":[]}', b'{"choices":[{"message":null}]}', b"\xff"])
def test_answers_that_are_none(body: bytes) -> None:
    for status in (200, 500):
        with pytest.raises(MCPError):
            sampled(status, body, "helper")
