"""Sessions of tool servers opened and abandoned: `python -m tests.bench.mcp_soak [--seconds 600]`.

Clients of both eras open, call and leave in every way that clients leave: with and without ending their session, in
the middle of a call, with a question unanswered. Afterwards memory, descriptors and processes are as before.
"""

import argparse
import asyncio
import os
import time
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.bench.mcp_peers import SERVER, headers, message, ours
from tests.bench.measure import resident_mib, tree

PARALLEL = 8
IDLE_SECONDS = 1.0
"""After which sessions and programs end in this gateway."""
_OLDER = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}
_INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"elicitation": {}},
    "clientInfo": {"name": "x", "version": "1"},
}


@dataclass(frozen=True)
class Held:
    """What a gateway holds."""

    mib: float
    descriptors: int
    processes: int


def held(pid: int) -> Held:
    """Return what a process holds now."""
    return Held(resident_mib([pid]), len(os.listdir(f"/proc/{pid}/fd")), len(tree([pid])) - 1)


async def soak(url: str, key: str, until: float) -> int:
    """Open and abandon sessions until a moment of the clock; return how many there were."""
    counts = await asyncio.gather(*(_abandoning(url, key, number, until) for number in range(PARALLEL)))
    return sum(counts)


async def _abandoning(url: str, key: str, number: int, until: float) -> int:
    count = 0
    while time.monotonic() < until:
        ways = (_older, _newer, _left_in_a_call)
        async with httpx2.AsyncClient(timeout=30, trust_env=False) as http:
            await ways[(number + count) % len(ways)](http, url, key, count)
        count += 1
    return count


async def _older(http: httpx2.AsyncClient, url: str, key: str, count: int) -> None:
    """Open a session and call; end every third one, leave the others with their stream open."""
    own = {**_OLDER, "authorization": f"Bearer {key}"}
    opened = await _post(http, url, own, 1, "initialize", _INITIALIZE)
    session = {**own, "mcp-session-id": opened.headers["mcp-session-id"]}
    await http.post(url, json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=session)
    await _post(http, url, session, 2, "tools/call", {"name": "echo", "arguments": {}})
    if count % 3 == 0:
        await http.delete(url, headers=session)


async def _newer(http: httpx2.AsyncClient, url: str, key: str, _: int) -> None:
    sent = headers("tools/call", "echo", key)
    (await http.post(url, content=message("tools/call", name="echo", arguments={}), headers=sent)).raise_for_status()


async def _left_in_a_call(http: httpx2.AsyncClient, url: str, key: str, _: int) -> None:
    """Leave while a call runs that would take a second."""
    body = message("tools/call", name="sleep", arguments={"seconds": 0.3})
    try:
        async with asyncio.timeout(0.1):
            await http.post(url, content=body, headers=headers("tools/call", "sleep", key))
    except TimeoutError:
        return


async def _post(http: httpx2.AsyncClient, url: str, own: dict[str, str], id_: int, method: str, params: Any) -> Any:
    answer = await http.post(url, json={"jsonrpc": "2.0", "id": id_, "method": method, "params": params}, headers=own)
    answer.raise_for_status()
    return answer


async def settled(pid: int, before: Held, seconds: float) -> Held:
    """Return what a process holds once no more descriptors and processes are left than before, or the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        found = held(pid)
        if time.monotonic() > deadline or (
            found.descriptors <= before.descriptors and found.processes <= before.processes
        ):
            return found
        await asyncio.sleep(0.1)


def limits() -> dict[str, Any]:
    """Return the server of this soak: it lives no longer than it must."""
    return {"bench": {"command": SERVER, "protocol": "legacy", "idle_seconds": IDLE_SECONDS}}


async def _measured(gateway: Any, key: str, seconds: float) -> None:
    url, pid = f"{gateway.url}/mcp/bench", gateway.process.pid
    before = held(pid)
    await soak(url, key, time.monotonic() + min(30, seconds))
    warm = await settled(pid, before, 60)
    print(f"warm: {warm}")
    sessions = await soak(url, key, time.monotonic() + seconds)
    after = await settled(pid, before, 60)
    growth = after.mib - warm.mib
    print(f"{sessions} sessions in {seconds:g} s: {after}; {growth:+.1f} MiB, {growth / sessions * 1024:+.3f} KiB each")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    given = parser.parse_args()
    with ours(limits(), session_idle_seconds=IDLE_SECONDS) as (gateway, key):
        asyncio.run(_measured(gateway, key, given.seconds))


if __name__ == "__main__":
    main()
