"""Clients of both eras through the hub, at servers of both eras over HTTP."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import httpx2
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from gateway.ledger.record import Record
from gateway.ledger.segments import folder, read
from tests.fakes.mcp_everything.serving import Everything
from tests.fixtures.gateway import GatewayProcess, InProcess
from tests.mcp.hub import ERAS, Era, client, everything, hub, texts, until

PAIRS = list(product(ERAS, ERAS))
NO_SERVER = "http://127.0.0.1:9/mcp"

pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, tuple[Everything, str]]]:
    with everything("legacy", "modern") as found:
        yield found


@pytest.fixture(scope="module")
def gateway(
    servers: dict[str, tuple[Everything, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InProcess]:
    configured: dict[str, Any] = {name: {"url": url} for name, (_, url) in servers.items()}
    configured["down"] = {"url": NO_SERVER}
    configured["priced"] = {"url": servers["modern"][1], "price_per_call": 0.01, "access": "listed"}
    views = {"both": {"servers": ["legacy", "modern", "down"], "tools": ["*/test_simple_text", "*/test_elicitation"]}}
    with hub(tmp_path_factory.mktemp("hub"), configured, views=views) as running:
        yield running


@pytest.mark.parametrize(("front", "upstream"), PAIRS)
async def test_tools_in_every_pair(gateway: InProcess, front: Era, upstream: Era) -> None:
    steps: list[float] = []
    lines: list[Any] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        steps.append(progress)

    async def logged(params: types.LoggingMessageNotificationParams) -> None:
        lines.append(params.data)

    options: dict[str, Any] = {"log_level": "info"} if front == "modern" else {}
    async with client(gateway, f"/{upstream}", front, logging_callback=logged, **options) as connected:
        listed = {tool.name: tool for tool in (await connected.list_tools()).tools}
        assert "test_simple_text" in listed
        assert texts(await connected.call_tool("test_simple_text")) == ["This is a simple text response for testing."]
        assert (await connected.call_tool("test_error_handling")).is_error
        kinds = [block.type for block in (await connected.call_tool("test_multiple_content_types")).content]
        assert {"text", "image", "resource"} <= set(kinds)
        await connected.call_tool("test_tool_with_progress", progress_callback=report)
        await connected.call_tool("test_tool_with_logging")
        await until(lambda: len(steps) >= 3 and len(lines) >= 3)
    assert max(steps) == 100


@pytest.mark.parametrize(("front", "upstream"), PAIRS)
async def test_questions_in_every_pair(gateway: InProcess, front: Era, upstream: Era) -> None:
    asked: list[str] = []

    async def elicit(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params.message)
        return types.ElicitResult(action="accept", content={"username": "ada", "email": "ada@example.com"})

    async with client(gateway, f"/{upstream}", front, elicitation_callback=elicit) as connected:
        result = await connected.call_tool("test_elicitation", {"message": "Who?"})
    assert asked == ["Who?"]
    assert "ada" in texts(result)[0]


@pytest.mark.parametrize(("front", "upstream"), PAIRS)
async def test_a_client_that_cannot_be_asked(gateway: InProcess, front: Era, upstream: Era) -> None:
    async with client(gateway, f"/{upstream}", front) as connected:
        if (front, upstream) == ("legacy", "modern"):
            assert "cannot answer" in texts(await connected.call_tool("test_elicitation", {"message": "Who?"}))[0]
            return
        with pytest.raises(MCPError) as refused:
            await connected.call_tool("test_elicitation", {"message": "Who?"})
    allowed = types.MISSING_REQUIRED_CLIENT_CAPABILITY, types.METHOD_NOT_FOUND, types.INVALID_REQUEST
    assert refused.value.code in allowed


async def test_a_server_that_asks_a_client_without_the_ability(gateway: InProcess) -> None:
    async with client(gateway, "/legacy", "modern") as connected:
        with pytest.raises(MCPError) as refused:
            await connected.call_tool("test_sampling", {"prompt": "x"})
    assert refused.value.code in (types.MISSING_REQUIRED_CLIENT_CAPABILITY, types.INVALID_REQUEST)


@pytest.mark.parametrize(("front", "upstream"), PAIRS)
async def test_resources_prompts_and_completions(gateway: InProcess, front: Era, upstream: Era) -> None:
    async with client(gateway, f"/{upstream}", front) as connected:
        uris = [each.uri for each in (await connected.list_resources()).resources]
        assert "test://static-text" in uris
        templates = [each.uri_template for each in (await connected.list_resource_templates()).resource_templates]
        assert templates == ["test://template/{id}/data"]
        read_text = await connected.read_resource("test://static-text")
        assert read_text.contents[0].uri == "test://static-text"
        assert "7" in (await connected.read_resource("test://template/7/data")).contents[0].text  # type: ignore[union-attr]
        with pytest.raises(MCPError) as missing:
            await connected.read_resource("test://nonexistent-resource-for-conformance-testing")
        assert missing.value.code == (types.INVALID_PARAMS if front == "modern" else -32002)
        prompt = await connected.get_prompt("test_prompt_with_arguments", {"arg1": "one", "arg2": "two"})
        assert "one" in prompt.messages[0].content.text  # type: ignore[union-attr]
        reference = types.PromptReference(type="ref/prompt", name="test_prompt_with_arguments")
        assert (await connected.complete(reference, {"name": "arg1", "value": ""})).completion.values is not None


@pytest.mark.parametrize("front", ERAS)
async def test_several_servers_in_one_view(gateway: InProcess, front: Era) -> None:
    async with client(gateway, "/view/both", front) as connected:
        first = await connected.list_tools()
        names = [tool.name for tool in first.tools]
        assert names == [
            "legacy__test_simple_text",
            "legacy__test_elicitation",
            "modern__test_simple_text",
            "modern__test_elicitation",
        ]
        assert "down" in (first.meta or {})["sekisho/unavailable"]
        assert not (await connected.call_tool("modern__test_simple_text")).is_error
        broken = await connected.call_tool("down__anything")
        assert broken.is_error
        assert "'down' does not answer" in texts(broken)[0]
        with pytest.raises(MCPError, match="Unknown tool"):
            await connected.call_tool("legacy__test_image_content")


async def test_resources_of_several_servers_are_told_apart(gateway: InProcess) -> None:
    async with client(gateway, "", "modern") as connected:
        uris = [each.uri for each in (await connected.list_resources()).resources]
        assert "sekisho+legacy:test://static-text" in uris
        found = await connected.read_resource("sekisho+legacy:test://static-text")
        assert found.contents[0].uri == "sekisho+legacy:test://static-text"
        with pytest.raises(MCPError):
            await connected.read_resource("sekisho+priced:test://static-text")


def _records(gateway: InProcess) -> list[Record]:
    return [record for record in read(folder(gateway.data_dir)) if record.api == "mcp"]


async def test_one_record_a_call(gateway: InProcess) -> None:
    before = len(_records(gateway))
    async with client(gateway, "/legacy", "modern") as connected:
        await connected.list_tools()
        await connected.call_tool("test_simple_text")
        await connected.call_tool("test_error_handling")
        with pytest.raises(MCPError):
            await connected.call_tool("nothing")
    found = [(each.model, each.upstream_model, each.outcome, each.error_code) for each in _records(gateway)[before:]]
    assert found == [
        ("legacy", "test_simple_text", "ok", None),
        ("legacy", "test_error_handling", "error", "tool_error"),
        (None, None, "refused", "unknown_tool"),
    ]


async def test_keys_see_what_they_may_use(gateway: InProcess) -> None:
    process = GatewayProcess.__new__(GatewayProcess)
    process.file = gateway.data_dir.parent / "sekisho.yaml"
    one = process.key("one-tool", "--mcp", "legacy/test_simple*", "--mcp", "priced")
    async with client(gateway, "", "modern", key=one) as connected:
        names = [tool.name for tool in (await connected.list_tools()).tools]
        assert [name for name in names if name.startswith("legacy")] == ["legacy__test_simple_text"]
        assert "priced__test_simple_text" in names
        assert not [name for name in names if name.startswith("modern")]
        with pytest.raises(MCPError, match="Unknown tool"):
            await connected.call_tool("legacy__test_error_handling")
        await connected.call_tool("priced__test_simple_text")
    assert _records(gateway)[-1].cost_nano_usd == 10_000_000
    assert _initialize(gateway, "/mcp/modern", authorization=f"Bearer {one}").status_code == 404


def _initialize(gateway: InProcess, path: str, **headers: str) -> httpx2.Response:
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    return gateway.post(path, json=body, headers={"accept": "application/json, text/event-stream", **headers})


def test_a_session_belongs_to_its_key_and_view(gateway: InProcess) -> None:
    process = GatewayProcess.__new__(GatewayProcess)
    process.file = gateway.data_dir.parent / "sekisho.yaml"
    other = process.key("another")
    opened = _initialize(gateway, "/mcp/legacy")
    session = opened.headers["mcp-session-id"]
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-session-id": session,
        "mcp-protocol-version": "2025-11-25",
    }
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    assert gateway.post("/mcp/legacy", json=ping, headers=headers).status_code == 200
    assert gateway.post("/mcp/modern", json=ping, headers=headers).status_code == 404
    stolen = {**headers, "authorization": f"Bearer {other}"}
    assert gateway.post("/mcp/legacy", json=ping, headers=stolen).status_code == 404


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/mcp", {"authorization": "Bearer sk-unknown"}, 401),
        ("/mcp", {"host": "evil.example.com"}, 421),
        ("/mcp", {"origin": "https://evil.example.com"}, 403),
        ("/mcp/nothing", {}, 404),
        ("/mcp/view/nothing", {}, 404),
        ("/mcp/priced", {}, 404),
        ("/mcp/legacy", {"origin": "http://localhost:3000"}, 200),
    ],
)
def test_who_is_let_in(gateway: InProcess, path: str, headers: dict[str, str], status: int) -> None:
    answer = _initialize(gateway, path, **headers)
    assert answer.status_code == status
    if status >= 400:
        assert answer.json()["error"]["message"]


def test_a_body_that_is_too_large(gateway: InProcess) -> None:
    answer = gateway.post("/mcp", content=b"x" * (4 * 1024 * 1024 + 1), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert "mcp.max_body_bytes" in answer.json()["error"]["message"]
