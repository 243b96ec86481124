"""Tool servers: `python -m tests.bench.mcp`. What the hub adds to a call, beside mcpo and FastMCP's proxy.

All stand in front of the same program, which does nothing but answer; one plain HTTP client asks them.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
from mcp.client.session import ClientSession

from gateway.mcp.stdio import StdioCommand, StdioTransport
from tests.bench.install import Unavailable
from tests.bench.mcp_peers import PEERS, SERVER, Target, before_everything, everything, headers, message, ours
from tests.bench.measure import cpu_model, percentile, resident_mib, tree

AIMS = {
    "added median ms, stdio": 5.0,
    "added median ms, HTTP": 5.0,
    "times the direct call, HTTP": 3.0,
    "opening with 200 tools ms": 30.0,
    "50 unused servers MiB": 40.0,
    "kill -9 known after s": 0.5,
    "100 MB refused after s": 1.0,
    "100 MB memory MiB": 32.0,
}
PARALLEL = 16


async def timed(count: int, call: Callable[[], Awaitable[object]]) -> list[float]:
    """Return the milliseconds of calls one after the other."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        await call()
        took.append((time.perf_counter() - began) * 1000)
    return took


async def direct(count: int) -> list[float]:
    """Call the server without anything between but our transport and the SDK's session."""
    with TemporaryDirectory() as folder:
        command = StdioCommand("bench", tuple(SERVER), {}, Path(folder))
        async with StdioTransport(command) as streams, ClientSession(*streams) as session:
            await session.initialize()
            await session.list_tools()
            await timed(50, lambda: session.call_tool("echo", {}))
            return await timed(count, lambda: session.call_tool("echo", {}))


async def judge(target: Target, count: int) -> dict[str, float]:
    """Call through a proxy: one after the other, then many at once."""
    async with httpx2.AsyncClient(headers=dict(target.headers), timeout=60, trust_env=False) as http:

        async def call() -> None:
            (await http.post(target.url, content=target.body)).raise_for_status()

        await timed(50, call)
        alone = await timed(count, call)
        began = time.perf_counter()
        crowds = await asyncio.gather(*(timed(count // PARALLEL, call) for _ in range(PARALLEL)))
        together = [each for crowd in crowds for each in crowd]
        seconds = time.perf_counter() - began
    return {
        "median ms": median(alone),
        "p95 ms": percentile(alone, 0.95),
        "calls a second": len(together) / seconds,
        "p95 of many ms": percentile(together, 0.95),
        "MiB": resident_mib([target.pid]),
    }


async def opening(count: int) -> float:
    """Median milliseconds of discover and a list of 200 tools, with the lists at hand."""
    with ours({"many": {"command": [*SERVER, "many-tools-200"], "protocol": "legacy"}}) as (gateway, key):
        async with httpx2.AsyncClient(timeout=60, trust_env=False) as http:

            async def open_up() -> None:
                for method in ("server/discover", "tools/list"):
                    sent = headers(method, key=key)
                    answer = await http.post(f"{gateway.url}/mcp", content=message(method), headers=sent)
                    answer.raise_for_status()

            await open_up()
            return median(await timed(count, open_up))


def unused() -> tuple[float, int]:
    """MiB that 50 servers cost which nobody uses, and their processes."""
    few, many = ({f"s{number}": {"command": SERVER} for number in range(size)} for size in (1, 50))
    sizes = []
    for servers in (few, many):
        with ours(servers) as (gateway, _):
            assert gateway.process
            sizes.append(resident_mib([gateway.process.pid]))
            processes = len(tree([gateway.process.pid])) - 1
    return sizes[1] - sizes[0], processes


async def killed(rounds: int) -> float:
    """Longest of some seconds from `kill -9` of a server in mid-call to the client's error; the next call works."""
    with ours({"bench": {"command": SERVER, "protocol": "legacy"}}) as (gateway, key):
        async with httpx2.AsyncClient(timeout=60, trust_env=False) as http:

            async def call(name: str) -> Any:
                body = message("tools/call", name=name, arguments={"seconds": 60})
                sent = headers("tools/call", name, key)
                return _result(await http.post(f"{gateway.url}/mcp/bench", content=body, headers=sent))

            took = []
            for _ in range(rounds):
                pid = int((await call("where"))["content"][0]["text"].split()[0])
                calling = asyncio.ensure_future(call("sleep"))
                await asyncio.sleep(0.3)
                began = time.perf_counter()
                os.kill(pid, signal.SIGKILL)
                assert (await calling)["isError"]
                took.append(time.perf_counter() - began)
            return max(took)


async def refused() -> tuple[float, float]:
    """Seconds until an answer of 100 MB is refused, and the memory in MiB that it took."""
    with ours({"bench": {"command": SERVER, "protocol": "legacy"}}) as (gateway, key):
        assert gateway.process
        async with httpx2.AsyncClient(timeout=60, trust_env=False) as http:

            async def call(name: str) -> Any:
                body = message("tools/call", name=name, arguments={"mib": 100})
                sent = headers("tools/call", name, key)
                return _result(await http.post(f"{gateway.url}/mcp/bench", content=body, headers=sent))

            await call("echo")
            with _peak(gateway.process.pid) as peak:
                began = time.perf_counter()
                assert (await call("big"))["isError"]
                seconds = time.perf_counter() - began
            return seconds, peak[0]


@contextmanager
def _peak(pid: int) -> Iterator[list[float]]:
    """Give the MiB that the largest memory of a process grew by in the block."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before, found = _high_water(pid), [0.0]
    yield found
    found[0] = _high_water(pid) - before


def _high_water(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


def _result(answer: httpx2.Response) -> Any:
    text = answer.text
    if answer.headers["content-type"].startswith("text/event-stream"):
        text = [line[5:] for line in text.splitlines() if line.startswith("data:")][-1]
    return json.loads(text)["result"]


def peers(count: int) -> dict[str, dict[str, float]]:
    """Judge every proxy that can be installed here."""
    found = {}
    for peer in PEERS:
        try:
            with peer() as target:
                found[target.name] = asyncio.run(judge(target, count))
        except Unavailable as why:
            print(f"{peer.__name__}: {why}")
    return found


def over_http(count: int) -> dict[str, dict[str, float]]:
    """Judge a server of the SDK over HTTP, and our gateway before it."""
    with everything() as server, before_everything(server.url) as through:
        return {target.name: asyncio.run(judge(target, count)) for target in (server, through)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1600)
    given = parser.parse_args()
    alone = asyncio.run(direct(given.calls))
    beside = peers(given.calls)
    http = over_http(given.calls)
    bare, through = (row["median ms"] for row in http.values())
    mib, processes = unused()
    seconds, memory = asyncio.run(refused())
    figures = {
        "added median ms, stdio": beside["sekisho"]["median ms"] - median(alone),
        "added median ms, HTTP": through - bare,
        "times the direct call, HTTP": through / bare,
        "opening with 200 tools ms": asyncio.run(opening(50)),
        "50 unused servers MiB": mib,
        "kill -9 known after s": asyncio.run(killed(5)),
        "100 MB refused after s": seconds,
        "100 MB memory MiB": memory,
    }
    print(f"{cpu_model()}; direct call over stdio: {median(alone):.2f} ms, p95 {percentile(alone, 0.95):.2f}")
    for name, row in (beside | http).items():
        print(f"{name:16}" + "  ".join(f"{what} {value:.1f}" for what, value in row.items()))
    for name, value in figures.items():
        print(f"{name:28}{value:8.2f}   aim {AIMS[name]:g}   {'ok' if value <= AIMS[name] else 'MISSED'}")
    print(f"processes of 50 unused servers: {processes}")


if __name__ == "__main__":
    main()
