"""Several processes of one gateway: sessions, waiting calls and streams work whichever process a client meets."""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import mcp_types as types
import pytest

from gateway.mcp.workers.follower import Follower
from gateway.mcp.workers.place import Place
from tests.fakes import mcp_hostile
from tests.fakes.mcp_everything.serving import Everything
from tests.fixtures.gateway import GatewayProcess, InProcess
from tests.gateway.oauth.conftest import running as in_a_folder
from tests.limits.conftest import RedisServer, shared_redis
from tests.mcp.hub import A_CONNECTION_EACH, ERAS, Era, client, everything, texts, until

__all__ = ["shared_redis"]
pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
WATCHED = "test://watched-resource"
MANY = 24
"""Requests on connections of their own: that all of them meet the same of two processes is out of the question."""


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, tuple[Everything, str]]]:
    with everything("legacy", "modern") as found:
        yield found


@pytest.fixture(scope="module")
def process(
    servers: dict[str, tuple[Everything, str]],
    shared_redis: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[GatewayProcess]:
    configured: dict[str, Any] = {name: {"url": url} for name, (_, url) in servers.items()}
    configured["program"] = {"command": [sys.executable, "-I", "-S", mcp_hostile.__file__]}
    config = {
        "models": [],
        "server": {"workers": 2, "allowed_networks": ["127.0.0.1"]},
        "shared_state": shared_redis.url,
        "mcp": {"servers": configured},
    }
    running = GatewayProcess(tmp_path_factory.mktemp("workers"), config)
    (running.data_dir / "mcp").mkdir(parents=True, mode=0o755)  # as earlier versions made it
    yield running.start()
    assert running.stop() == 0, running.log


@pytest.fixture(scope="module")
def gateway(process: GatewayProcess) -> InProcess:
    return InProcess(process.url, process.key("workers"), process.data_dir)


@pytest.mark.parametrize("upstream", ERAS)
@pytest.mark.parametrize("front", ERAS)
async def test_a_client_meets_every_process(gateway: InProcess, front: Era, upstream: Era) -> None:
    asked: list[types.ElicitRequestParams] = []
    reports: list[float] = []

    async def answer(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params)
        return types.ElicitResult(action="accept", content={"username": "ada", "email": "ada@example.com"})

    async def reported(progress: float, total: float | None, message: str | None) -> None:
        reports.append(progress)

    options: dict[str, Any] = {"limits": A_CONNECTION_EACH, "elicitation_callback": answer}
    async with client(gateway, f"/{upstream}", front, **options) as connected:
        for _ in range(MANY):
            assert not (await connected.call_tool("test_simple_text")).is_error
        for _ in range(4):
            assert "ada" in texts(await connected.call_tool("test_elicitation", {"message": "Who?"}))[0]
        await connected.call_tool("test_tool_with_progress", progress_callback=reported)
    assert len(asked) == 4
    assert reports == sorted(reports) != []


async def test_a_program_runs_once_whichever_process_is_met(gateway: InProcess) -> None:
    async with client(gateway, "/program", "modern", limits=A_CONNECTION_EACH) as connected:
        pids = {texts(await connected.call_tool("where"))[0].split()[0] for _ in range(MANY)}
    assert len(pids) == 1


@pytest.mark.parametrize("front", ERAS)
async def test_changes_are_told_to_clients_of_every_process(gateway: InProcess, front: Era) -> None:
    told: list[str] = []

    async def heard(message: Any) -> None:
        if isinstance(message, types.ResourceUpdatedNotification):
            told.append(str(message.params.uri))

    async with client(gateway, "/modern", "modern", limits=A_CONNECTION_EACH) as toucher:
        for _ in range(4):  # until there is one at each process
            told.clear()
            options: dict[str, Any] = {"limits": A_CONNECTION_EACH, "message_handler": heard}
            async with client(gateway, "/modern", front, **options) as follower:
                if front == "legacy":
                    await follower.session.subscribe_resource(WATCHED)
                    for _ in range(100):
                        await toucher.call_tool("touch_resource", {"uri": WATCHED})
                        if told:
                            break
                        await asyncio.sleep(0.02)
                    assert told
                else:
                    async with follower.listen(resource_subscriptions=[WATCHED]) as stream:
                        await toucher.call_tool("touch_resource", {"uri": WATCHED})
                        async for event in stream:
                            assert event.uri == WATCHED  # type: ignore[union-attr]
                            break


@pytest.mark.parametrize("upstream", ERAS)
@pytest.mark.parametrize("front", ERAS)
async def test_a_call_is_cancelled_at_its_server(
    gateway: InProcess, servers: dict[str, tuple[Everything, str]], front: Era, upstream: Era
) -> None:
    server = servers[upstream][0]
    for _ in range(3):
        before, began = len(server.happened.cancelled), len(server.happened.started)
        async with client(gateway, f"/{upstream}", front, limits=A_CONNECTION_EACH) as connected:
            calling = asyncio.create_task(connected.call_tool("slow", {"seconds": 60}))
            await until(lambda began=began: len(server.happened.started) > began)  # type: ignore[misc]
            calling.cancel()
            await until(lambda before=before: len(server.happened.cancelled) > before)  # type: ignore[misc]


def test_what_bad_input_gets_is_the_same_from_every_process(gateway: InProcess) -> None:
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    cases: list[tuple[dict[str, Any], int]] = [
        ({"headers": {**headers, "mcp-session-id": "0" * 32}, "json": ping}, 404),
        ({"headers": {"authorization": "Bearer sk-unknown"}, "json": ping}, 401),
        ({"headers": {"origin": "https://evil.example.com"}, "json": ping}, 403),
        ({"headers": {"host": "evil.example.com"}, "json": ping}, 421),
        ({"headers": {"content-type": "application/json"}, "content": b" " * (4 * 1024 * 1024 + 1)}, 413),
        ({"headers": {"x-sekisho-handed-over": '["",["10.0.0.1",1]]', "mcp-session-id": "0"}, "json": ping}, 404),
    ]
    known = {"authorization": f"Bearer {gateway.key}"}
    with httpx2.Client(timeout=30, trust_env=False, limits=A_CONNECTION_EACH) as http:
        for sent, status in cases:
            sent = {**sent, "headers": {**known, **sent["headers"]}}
            answers = [http.post(f"{gateway.url}/mcp", **sent) for _ in range(MANY // 3)]
            assert {answer.status_code for answer in answers} == {status}
            assert all(answer.json()["error"]["message"] for answer in answers)


@pytest.mark.parametrize(("address", "status"), [("127.0.0.1", 401), ("192.0.2.7", 403)])
async def test_nothing_of_strangers_is_read_or_handed_over(tmp_path: Path, address: str, status: int) -> None:
    sent: list[Any] = []

    async def never() -> Any:
        raise AssertionError("a stranger's body is read")

    async def send(message: Any) -> None:
        sent.append(message)

    async with in_a_folder(tmp_path) as company:
        servers = {"wiki": {"url": "http://127.0.0.1:9/mcp"}}
        company.reconfigure(mcp={"servers": servers}, server={"allowed_networks": ["127.0.0.1"]})
        asked = {"type": "http", "method": "POST", "path": "/mcp", "raw_path": b"/mcp", "query_string": b""}
        scope = {**asked, "headers": [(b"authorization", b"Bearer sk-unknown")], "client": (address, 4711)}
        await Follower(company.runtime, Place(tmp_path / "none"))(scope, never, send, never)
    assert sent[0]["status"] == status


def test_folder_and_socket_are_the_owners_alone(gateway: InProcess) -> None:
    folder = gateway.data_dir / "mcp"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "hub.sock").stat().st_mode) == 0o600


def test_the_socket_takes_nothing_from_others(gateway: InProcess) -> None:
    for header in ({}, {"x-sekisho-handed-over": '["wrong",null]'}, {"x-sekisho-handed-over": "\xff"}):
        with Place(gateway.data_dir / "mcp").connect() as found:
            found.setblocking(True)
            lines = [f"{name}: {value}" for name, value in header.items()]
            found.sendall(
                "\r\n".join(["POST /mcp HTTP/1.1", "host: x", "content-length: 0", *lines, "", ""]).encode("latin-1")
            )
            assert found.recv(4096).startswith(b"HTTP/1.1 403")


async def test_the_process_with_the_hub_dies(
    process: GatewayProcess, gateway: InProcess, servers: dict[str, tuple[Everything, str]]
) -> None:
    """Sessions end, calls under way are told so at once, and clients go on after opening another session."""
    lock = process.data_dir / "mcp/hub.lock"
    first = int(lock.read_text())
    headers = {"authorization": f"Bearer {gateway.key}", "accept": "application/json, text/event-stream"}
    older = {**headers, "mcp-protocol-version": "2025-11-25", "mcp-session-id": _opened(gateway)}
    body = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "slow"}}
    async with httpx2.AsyncClient(timeout=60, trust_env=False, limits=A_CONNECTION_EACH) as http:

        async def call() -> int:
            try:
                async with http.stream("POST", f"{gateway.url}/mcp/modern", json=body, headers=older) as answer:
                    await answer.aread()
                    return answer.status_code
            except httpx2.TransportError:
                return 0  # the connection was the dead process's own, or the answer had begun

        began = len(servers["modern"][0].happened.started)
        calls = [asyncio.create_task(call()) for _ in range(8)]
        await until(lambda: len(servers["modern"][0].happened.started) == began + len(calls))
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(10):
            statuses = await asyncio.gather(*calls)
        assert set(statuses) <= {0, 200, 404}

        async def ping() -> int:
            sent = {"jsonrpc": "2.0", "id": 4, "method": "ping"}
            try:
                return (await http.post(f"{gateway.url}/mcp/modern", json=sent, headers=older)).status_code
            except httpx2.TransportError:
                return 0  # the dead process still listens for a moment

        for _ in range(200):
            if status := await ping():
                break
            await asyncio.sleep(0.05)
        assert status == 404
    for era in ERAS:
        async with client(gateway, "/program", era, limits=A_CONNECTION_EACH) as connected:
            for _ in range(MANY // 2):
                assert not (await connected.call_tool("echo")).is_error
    assert int(lock.read_text()) != first


def _opened(gateway: InProcess) -> str:
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    found = gateway.post("/mcp/modern", json=body, headers={"accept": "application/json, text/event-stream"})
    return str(found.headers["mcp-session-id"])
