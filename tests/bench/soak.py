"""Our gateway for a long time: mixed, half streamed, clients leaving, an upstream that fails now and then.

    python -m tests.bench.soak < call.json

is the client, in a process of its own. It knows to the request what it sent: each must have one record.
"""

import asyncio
import http.client
import json
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from typing import Any

import uvloop

from gateway.ledger.segments import folder, read
from tests.bench.measure import cores, growth, on
from tests.bench.peers import CHAT_PATH
from tests.bench.running import Running, paced_upstream
from tests.bench.streams import request
from tests.fakes.serving import free_port

CLIENTS = 32
STREAMED = 0.5
LEAVING = 0.08
LONG_PROMPTS = 0.1
_LEAVES_AFTER = (0.02, 0.3)
"""Seconds: before the first byte (the upstream thinks 0.05 s), or in the middle of the stream."""
_PAUSE = 0.05
_UPSTREAM = ("--chunks", "30", "--rate", "80", "--think", "0.05", "--failing", "50")
_END_SECONDS = 2.0
"""A stream that is open upstream so long after the last client left was forgotten."""


def soak(running: Running) -> dict[str, float]:
    """Run the client, watch the memory, count records and open streams."""
    ports = [free_port(), free_port()]
    running.stop()
    with paced_upstream(ports, running.log, *_UPSTREAM):
        own = Running(running.peer, replace(running.site, folder=running.site.folder / "soak", paced=ports))
        try:
            own.restart()
            before = _records(own)
            result, memory = _watched(own)
            time.sleep(_END_SECONDS)
            left_open = _statistics(ports[0])["open"]
        finally:
            own.stop()
    records = _records(own)
    sent, wanted = result["sent"], before.total() + result["sent"]
    return {
        "soak_requests": sent,
        "soak_cancelled": result["left"],
        "soak_failed": result["failed"],
        "soak_growth": growth(memory) * 100,
        "soak_missing": max(0, wanted - len(records)),
        "soak_surplus": max(0, records.total() - wanted),
        "soak_open": left_open,
    }


def _records(own: Running) -> Counter[str]:
    """How many records each request has."""
    return Counter(record.request_id for record in read(folder(own.folder / "data")))


def _watched(own: Running) -> tuple[dict[str, int], list[float]]:
    """What the client counted, and the gateway's resident memory in MiB, twice a second."""
    seconds, way = own.effort.soak, own.launch.paced
    requests = [
        request(CHAT_PATH, way.headers, body, close=False).decode()
        for size, streamed in ((60, False), (60, True), (50_000, False), (50_000, True))
        for body in way.bodies("a word " * (size // 7), 20, stream=streamed)
    ]
    call = {"port": way.port, "seconds": seconds, "requests": requests}
    memory: list[float] = []
    with on(cores()[1]):
        client = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.soak"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    assert client.stdin
    assert client.stdout
    with client:
        try:
            client.stdin.write(json.dumps(call))
            client.stdin.close()
            deadline = time.monotonic() + seconds + 60
            while client.poll() is None and time.monotonic() < deadline:
                memory.append(own.resident_mib())
                time.sleep(0.5)
            return json.loads(client.stdout.read()), memory
        finally:
            client.kill()


def _statistics(port: int) -> dict[str, int]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/stats")
        found: dict[str, int] = json.loads(connection.getresponse().read())
        return found
    finally:
        connection.close()


class Client:
    """One of the clients: keeps its connection, until it leaves in the middle of an answer."""

    def __init__(self, port: int, requests: list[bytes], counts: Counter[str]) -> None:
        self._port = port
        # As `_watched` orders them: short and whole, short and streamed, long and whole, long and streamed.
        fourth = len(requests) // 4
        self._kinds = [requests[start : start + fourth] for start in range(0, len(requests), fourth)]
        self._counts = counts
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def run(self, until: float) -> None:
        while time.monotonic() < until:
            await self._once()
            await asyncio.sleep(random.uniform(0, 2 * _PAUSE))
        self._close()

    async def _once(self) -> None:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        streamed, long = random.random() < STREAMED, random.random() < LONG_PROMPTS
        patience = random.choice(_LEAVES_AFTER) if random.random() < LEAVING else 60
        self._writer.write(random.choice(self._kinds[2 * long + streamed]))
        await self._writer.drain()
        self._counts["sent"] += 1
        try:
            async with asyncio.timeout(patience):
                self._counts["answered" if await self._answer() else "failed"] += 1
        except TimeoutError:
            self._counts["left" if patience < 60 else "failed"] += 1
            self._close()
        except (OSError, asyncio.IncompleteReadError):
            self._counts["failed"] += 1
            self._close()

    async def _answer(self) -> bool:
        """Read one answer to its end; says whether it is a good one."""
        assert self._reader
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        body = await self._body(head)
        return head.startswith(b"http/1.1 200") and b'"error"' not in body

    async def _body(self, head: bytes) -> bytes:
        assert self._reader
        if b"\r\ncontent-length: " in head:
            length = head.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]
            return await self._reader.readexactly(int(length))
        parts: list[bytes] = []
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            parts.append((await self._reader.readexactly(size + 2))[:-2])
        await self._reader.readexactly(2)
        return b"".join(parts)

    def _close(self) -> None:
        if self._writer:
            self._writer.close()
        self._reader = self._writer = None


async def run_clients(call: dict[str, Any]) -> Counter[str]:
    """All clients of a call; gives how many requests were sent, answered, left, failed."""
    counts = Counter(sent=0, answered=0, left=0, failed=0)
    requests = [each.encode() for each in call["requests"]]
    until = time.monotonic() + call["seconds"]
    await asyncio.gather(*(Client(call["port"], requests, counts).run(until) for _ in range(CLIENTS)))
    return counts


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run_clients(json.load(sys.stdin)))))
