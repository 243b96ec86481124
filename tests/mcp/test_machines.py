"""Two machines with one Redis: what one learns the other knows, and any of them serves any client."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import mcp_types as types
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from gateway.mcp.catalog.pins import Pins
from gateway.mcp.machines.messages import Changed, Seal
from tests.fakes import mcp_hostile
from tests.fakes.mcp_everything.serving import Everything
from tests.fixtures.gateway import GatewayProcess, InProcess, in_process
from tests.limits.conftest import RedisServer, redis_server, shared_redis
from tests.mcp.hub import ERAS, MODES, Era, client, everything, texts, until

__all__ = ["redis_server", "shared_redis"]
pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
WATCHED = "test://watched-resource"
_EARLIER = {"name": "echo", "description": "As it was before.", "inputSchema": {"type": "object"}}
SECRET = "a-secret-that-both-machines-know-0123456789"


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, tuple[Everything, str]]]:
    with everything("legacy", "modern") as found:
        yield found


def _config(servers: dict[str, tuple[Everything, str]], redis: str, folder: Path, **more: Any) -> dict[str, Any]:
    configured: dict[str, Any] = {name: {"url": url} for name, (_, url) in servers.items()}
    configured["calc"] = {"command": [sys.executable, "-I", "-S", mcp_hostile.__file__], "definitions": "block"}
    return {
        "models": [],
        "database": f"sqlite+aiosqlite:///{folder}/keys.sqlite",
        "key_secret": SECRET,
        "shared_state": redis,
        "mcp": {"servers": configured},
        **more,
    }


@pytest.fixture(scope="module")
def machines(
    servers: dict[str, tuple[Everything, str]], shared_redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[InProcess]]:
    folder, found = tmp_path_factory.mktemp("machines"), []
    with ExitStack() as stack:
        for name in ("one", "two"):
            (folder / name).mkdir()
            Pins(folder / name / "data/mcp/pins.json").note("calc", [_EARLIER], "block", [])
            config = _config(servers, shared_redis.url, folder)
            found.append(stack.enter_context(in_process(folder / name, config)))
        process = GatewayProcess.__new__(GatewayProcess)
        process.file = folder / "one/sekisho.yaml"
        key = process.key("both")
        yield [InProcess(each.url, key, each.data_dir) for each in found]


class _Turns(httpx2.AsyncBaseTransport):
    """Sends each request to the next machine, as a balancer does that knows nothing of sessions."""

    def __init__(self, machines: list[InProcess]) -> None:
        self._machines = machines
        self._inner = httpx2.AsyncHTTPTransport()
        self._turn = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._turn += 1
        url = httpx2.URL(self._machines[self._turn % len(self._machines)].url)
        request.url = request.url.copy_with(host=url.host, port=url.port)
        request.headers["host"] = f"{url.host}:{url.port}"
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def balanced(machines: list[InProcess], path: str, era: Era, **options: Any) -> AsyncIterator[Client]:
    headers = {"authorization": f"Bearer {machines[0].key}"}
    async with httpx2.AsyncClient(transport=_Turns(machines), headers=headers, timeout=30) as http:
        transport = streamable_http_client(f"{machines[0].url}/mcp{path}", http_client=http)
        async with Client(transport, mode=MODES[era], **options) as connected:
            yield connected


@pytest.mark.parametrize("upstream", ERAS)
@pytest.mark.parametrize("front", ERAS)
async def test_a_client_meets_both_machines(machines: list[InProcess], front: Era, upstream: Era) -> None:
    reports: list[float] = []

    async def answer(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"username": "ada", "email": "ada@example.com"})

    async def reported(progress: float, total: float | None, message: str | None) -> None:
        reports.append(progress)

    async with balanced(machines, f"/{upstream}", front, elicitation_callback=answer) as connected:
        for _ in range(4):
            assert not (await connected.call_tool("test_simple_text")).is_error
            assert "ada" in texts(await connected.call_tool("test_elicitation", {"message": "Who?"}))[0]
        await connected.call_tool("test_tool_with_progress", progress_callback=reported)
    assert reports == sorted(reports) != []


async def test_the_rest_of_a_long_result_is_read_from_the_other_machine(machines: list[InProcess]) -> None:
    headers = {"user-agent": "claude-code/2.0"}
    async with client(machines[0], "/modern", "modern", headers=headers) as connected:
        cut = await connected.call_tool("echo", {"text": "x" * (300 * 1024)})
    links = [block for block in cut.content if block.type == "resource_link"]
    assert len(links) == 1
    async with client(machines[1], "/modern", "modern", headers=headers) as connected:
        rest = await connected.read_resource(links[0].uri)
    assert rest.contents[0].text.startswith("x")  # type: ignore[union-attr]


@pytest.mark.parametrize("upstream", ERAS)
@pytest.mark.parametrize("front", ERAS)
async def test_a_call_is_cancelled_at_its_server(
    machines: list[InProcess], servers: dict[str, tuple[Everything, str]], front: Era, upstream: Era
) -> None:
    server = servers[upstream][0]
    for _ in range(2):
        before, began = len(server.happened.cancelled), len(server.happened.started)
        async with balanced(machines, f"/{upstream}", front) as connected:
            calling = asyncio.create_task(connected.call_tool("slow", {"seconds": 60}))
            await until(lambda began=began: len(server.happened.started) > began)  # type: ignore[misc]
            calling.cancel()
            await until(lambda before=before: len(server.happened.cancelled) > before)  # type: ignore[misc]


@pytest.mark.parametrize("front", ERAS)
async def test_changes_at_one_machine_are_told_at_the_other(machines: list[InProcess], front: Era) -> None:
    kinds: list[str] = []

    async def heard(message: Any) -> None:
        kinds.append(type(message).__name__)

    async with (
        client(machines[0], "/legacy", "modern") as here,
        client(machines[1], "/legacy", front, message_handler=heard) as there,
    ):
        await there.list_tools()
        if front == "modern":
            async with there.listen(tools_list_changed=True) as stream:
                await here.call_tool("test_trigger_tool_change")
                async for _ in stream:
                    break
        else:
            for _ in range(100):  # until the stream of the session is open
                await here.call_tool("test_trigger_tool_change")
                if "ToolListChangedNotification" in kinds:
                    break
                await asyncio.sleep(0.02)
            assert "ToolListChangedNotification" in kinds


async def test_what_one_machine_accepts_the_other_accepts(machines: list[InProcess]) -> None:
    async with (
        client(machines[0], "/calc", "modern") as here,
        client(machines[1], "/calc", "modern") as there,
        there.listen(tools_list_changed=True) as stream,
    ):
        for each in (here, there):
            assert "echo" not in [tool.name for tool in (await each.list_tools()).tools]
        assert await asyncio.to_thread(Pins(machines[0].data_dir / "mcp/pins.json").accept_all, "calc", ())
        async for _ in stream:
            break
        assert "echo" in [tool.name for tool in (await there.list_tools()).tools]


async def test_a_machine_that_died_and_a_store_that_is_away(
    servers: dict[str, tuple[Everything, str]], redis_server: RedisServer, tmp_path: Path
) -> None:
    initialize = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}},
    }
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    slow = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "slow"}}
    accept = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    config = _config(servers, redis_server.url, tmp_path)
    other = GatewayProcess(tmp_path / "two", config)
    key = other.key("both")
    server = servers["modern"][0]
    with in_process(tmp_path / "one", config) as made:
        one = InProcess(made.url, key, made.data_dir)
        two = InProcess(other.url, key, other.data_dir)
        await asyncio.to_thread(other.start)
        try:
            opened = await asyncio.to_thread(two.post, "/mcp/modern", json=initialize, headers=accept)
            session = {**accept, "mcp-session-id": opened.headers["mcp-session-id"]}
            assert (await asyncio.to_thread(one.post, "/mcp/modern", json=ping, headers=session)).status_code == 200
            assert (await asyncio.to_thread(one.post, "/mcp/legacy", json=ping, headers=session)).status_code == 404
            began = len(server.happened.started)
            async with asyncio.timeout(20):
                calling = asyncio.create_task(asyncio.to_thread(one.post, "/mcp/modern", json=slow, headers=session))
                await until(lambda: len(server.happened.started) > began)
                assert other.process
                other.process.kill()
                with pytest.raises(httpx2.RemoteProtocolError):  # its answer had begun
                    await calling
            ended = await asyncio.to_thread(one.post, "/mcp/modern", json=ping, headers=session)
            assert (ended.status_code, ended.json()["error"]["data"]["reason"]) == (404, "mcp_session_ended")
            redis_server.stop()
            away = await asyncio.to_thread(one.post, "/mcp/modern", json=ping, headers=session)
            assert (away.status_code, away.headers["retry-after"]) == (503, "2")
            own = await asyncio.to_thread(one.post, "/mcp/modern", json=initialize, headers=accept)
            assert own.status_code == 200
            session = {**accept, "mcp-session-id": own.headers["mcp-session-id"]}
            assert (await asyncio.to_thread(one.post, "/mcp/modern", json=ping, headers=session)).status_code == 200
        finally:
            other.stop()


def test_letters_of_others_are_not_read() -> None:
    one, other = Seal(b"1" * 32), Seal(b"2" * 32)
    sealed = one.closed("a" * 16, "sekisho:mcp", Changed("git", ("tools",)))
    letter = one.opened("sekisho:mcp", sealed)
    assert letter is not None
    assert letter.message == Changed("git", ("tools",))
    assert one.opened("sekisho:mcp:0", sealed) is None
    assert other.opened("sekisho:mcp", sealed) is None
    assert one.opened("sekisho:mcp", sealed[:-1]) is None
    assert one.opened("sekisho:mcp", b"") is None
