"""Many at once: sessions, persons with tokens of their own, and sessions that nobody ends."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.shared.exceptions import MCPError

from tests.bench.mcp_soak import IDLE_SECONDS, held, limits, settled, soak
from tests.fixtures.gateway import GatewayProcess, InProcess, in_process
from tests.mcp.hub import ERAS, Era, client, everything, texts

pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
MANY = 200
PERSONS = ("ada", "bob")
_OLDER = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}


async def test_two_hundred_sessions_at_once(tmp_path: Path) -> None:
    """Each opens, is opened for itself, calls at the same instant as all others, and gets its own answer."""
    with everything("modern") as servers, in_process(tmp_path, _config(servers["modern"][1])) as gateway:
        limits_ = httpx2.Limits(max_connections=50)
        async with httpx2.AsyncClient(timeout=60, trust_env=False, limits=limits_) as http:
            sessions = await asyncio.gather(*(_opened(http, gateway) for _ in range(MANY)))
            assert len(set(sessions)) == MANY
            said = await asyncio.gather(*(_echoed(http, gateway, each, f"own {each}") for each in sessions))
            assert said == [f"own {each}" for each in sessions]


async def _opened(http: httpx2.AsyncClient, gateway: InProcess) -> str:
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    headers = {**_OLDER, "authorization": f"Bearer {gateway.key}"}
    answer = await http.post(f"{gateway.url}/mcp/one", json=body, headers=headers)
    assert answer.status_code == 200
    session = str(answer.headers["mcp-session-id"])
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    await http.post(f"{gateway.url}/mcp/one", json=ready, headers={**headers, "mcp-session-id": session})
    return session


async def _echoed(http: httpx2.AsyncClient, gateway: InProcess, session: str, words: str) -> str:
    headers = {**_OLDER, "authorization": f"Bearer {gateway.key}", "mcp-session-id": session}
    params = {"name": "echo", "arguments": {"text": words}}
    body = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}
    answer = await http.post(f"{gateway.url}/mcp/one", json=body, headers=headers)
    data = next(line[5:] for line in answer.text.splitlines() if line.startswith("data:") and '"result"' in line)
    return str(json.loads(json.loads(data)["result"]["content"][0]["text"])["text"])


def _config(url: str, **more: Any) -> dict[str, Any]:
    return {"models": [], "mcp": {"servers": {"one": {"url": url, **more}}}}


@pytest.mark.parametrize("upstream", ERAS)
async def test_two_credentials_are_never_mixed(tmp_path: Path, upstream: Era) -> None:
    """Two persons with tokens of their own call at the same time, in both eras; a third without one gets neither."""
    tokens = {f"{name}@example.com": f"token-of-{name}" for name in PERSONS}
    with everything(upstream) as servers:
        config = _config(servers[upstream][1], auth={"user_tokens": tokens})
        with in_process(tmp_path, config) as gateway:
            process = GatewayProcess.__new__(GatewayProcess)
            process.file = tmp_path / "sekisho.yaml"
            names = (*PERSONS, "eve")
            keys = [await asyncio.to_thread(process.key, each, "--owner", f"{each}@example.com") for each in names]
            found = await asyncio.gather(
                *(_tokens_of(gateway, key, era) for key in keys for era in ERAS for _ in range(3))
            )
    for name, seen in zip((each for each in names for _ in range(6)), found, strict=True):
        assert seen == ({f"Bearer token-of-{name}"} if name in PERSONS else {"none"})


async def _tokens_of(gateway: InProcess, key: str, era: Era) -> set[str]:
    seen = set()
    async with client(gateway, "/one", era, key=key) as connected:
        for _ in range(8):
            try:
                result = await connected.call_tool("who_asks")
                seen.add("none" if result.is_error else json.loads(texts(result)[0])["headers"]["authorization"])
            except MCPError as error:
                seen.add("told a token" if "token-of" in str(error) else "none")
    return seen


async def test_abandoned_sessions_leave_nothing(tmp_path: Path) -> None:
    """A short run of the soak of tests/bench."""
    config = {"models": [], "mcp": {"servers": limits(), "session_idle_seconds": IDLE_SECONDS}}
    gateway = GatewayProcess(tmp_path, config)
    key = gateway.key("soak")
    await asyncio.to_thread(gateway.start)
    try:
        assert gateway.process
        before = held(gateway.process.pid)
        sessions = await soak(f"{gateway.url}/mcp/bench", key, time.monotonic() + 5)
        after = await settled(gateway.process.pid, before, 60)
    finally:
        await asyncio.to_thread(gateway.stop)
    assert sessions > 16
    assert after.processes <= before.processes
    assert after.descriptors <= before.descriptors + 4, "what the SDK and the event loop keep for themselves"
    assert after.mib - before.mib < 96, "the hub's own parts, which are imported with the first request, and no more"
