"""Upstream connections over many requests: used again after whole answers, closed after others, never kept open."""

import asyncio
import json
import os
import random
import resource
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.wire import Caller, saying
from tests.fixtures.gateway import GatewayProcess, deployment, model

OPEN_FILES = 100
REQUESTS, CALLERS = 400, 8
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
WHOLE = b'{"id":"c","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}'


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _event(delta: dict[str, str], finish: str | None) -> bytes:
    content = {"model": "up", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return _chunk(b"data: " + json.dumps(content).encode() + b"\n\n")


def _answer(status: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)


@dataclass
class Upstream:
    """Streams whose last chunk comes a moment after `[DONE]`, whole answers and refusals, as the request says."""

    opened: int = 0
    open_now: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    async def serve(self, caller: Caller) -> None:
        self.opened += 1
        self.open_now += 1
        try:
            while True:
                _, body = await caller.request()
                await self._respond(caller, json.loads(body))
        finally:
            self.open_now -= 1

    async def _respond(self, caller: Caller, body: dict[str, object]) -> None:
        if body.get("stop") == "refused":
            await caller.say(_answer(b"400 Bad Request", b'{"error":{"message":"no"}}'))
        elif not body.get("stream"):
            await caller.say(_answer(b"200 OK", WHOLE), pause=0.06)
        else:
            await caller.say(HEAD + _event({"content": "hi"}, None), pause=0.03)
            await caller.say(_event({"content": "there"}, None), pause=0.03)
            await caller.say(_event({}, "stop") + _chunk(b"data: [DONE]\n\n"), pause=0.005)
            await caller.say(b"0\r\n\r\n")


@asynccontextmanager
async def _few_files(upstream: Upstream, folder: Path) -> AsyncIterator[GatewayProcess]:
    """A gateway that may open few files."""
    async with saying(upstream.serve) as address:
        gateway = GatewayProcess(folder, {"models": [model("m", deployment(address))]})
        await asyncio.to_thread(gateway.start)
        assert gateway.process
        resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
        try:
            yield gateway
        finally:
            await asyncio.to_thread(gateway.stop)


async def _call(gateway: GatewayProcess, key: str, kind: str, chance: random.Random) -> str:
    """Make one request as `kind` says; gives how it ended."""
    body: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    body |= {"whole": {}, "refused": {"stop": "refused"}}.get(kind, {"stream": True})
    sent = json.dumps(body).encode()
    version = b"1.0" if kind == "HTTP/1.0" else b"1.1"
    close = b"" if kind == "kept" else b"connection: close\r\n"
    head = b"POST /v1/chat/completions HTTP/%s\r\nhost: x\r\n%sauthorization: Bearer %s\r\ncontent-length: %d\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        writer.write(head % (version, close, key.encode(), len(sent)) + sent)
        if kind == "left":
            await asyncio.sleep(chance.uniform(0, 0.08))
            return "left"
        ending = b"[DONE]" if kind in ("at done", "kept") else None
        answer = await asyncio.wait_for(reader.readuntil(ending) if ending else reader.read(), 20)
        return answer.split(b"\r\n", 1)[0].decode().partition(" ")[2]
    finally:
        writer.transport.abort()


KINDS = ("to the end", "at done", "kept", "HTTP/1.0", "whole", "refused", "left")


async def test_none_stays_and_all_are_used_again(tmp_path: Path) -> None:
    upstream, chance, ends = Upstream(), random.Random(5), Counter[str]()
    async with _few_files(upstream, tmp_path) as gateway:
        key = await asyncio.to_thread(gateway.key, "soak")
        left = iter(range(REQUESTS))

        async def caller() -> None:
            for _ in left:
                kind = chance.choice(KINDS)
                upstream.kinds[kind] += 1
                ends[f"{kind}: {await _call(gateway, key, kind, chance)}"] += 1

        await asyncio.gather(*(caller() for _ in range(CALLERS)))
        await asyncio.sleep(1)
        assert gateway.process
        files = len(os.listdir(f"/proc/{gateway.process.pid}/fd"))
    expected = {kind: "400 Bad Request" if kind == "refused" else "200 OK" for kind in KINDS} | {"left": "left"}
    assert set(ends) == {f"{kind}: {end}" for kind, end in expected.items()}
    assert files < OPEN_FILES / 2
    assert upstream.open_now == 0, "a gateway that stopped keeps none"
    assert upstream.opened <= upstream.kinds["left"] + 2 * CALLERS, "whole answers leave their connection to the next"


async def test_one_after_another_needs_one_connection(tmp_path: Path) -> None:
    upstream = Upstream()
    async with _few_files(upstream, tmp_path) as gateway:
        key = await asyncio.to_thread(gateway.key, "soak")
        for kind in ("to the end", "HTTP/1.0", "whole", "refused", "kept", "at done") * 5:
            await _call(gateway, key, kind, random.Random(1))
            await asyncio.sleep(0.05)
        assert upstream.opened == 1
        assert upstream.open_now == 1


async def test_a_gateway_without_free_files_gives_its_idle_connections_up(tmp_path: Path) -> None:
    many = [Upstream() for _ in range(12)]
    addresses = []
    async with asyncio.timeout(60):
        stack = [saying(each.serve) for each in many]
        for each in stack:
            addresses.append(await each.__aenter__())
        models = [model(f"m{at}", deployment(address)) for at, address in enumerate(addresses)]
        gateway = GatewayProcess(tmp_path, {"models": models})
        await asyncio.to_thread(gateway.start)
        key = await asyncio.to_thread(gateway.key, "files")
        assert gateway.process
        used = len(os.listdir(f"/proc/{gateway.process.pid}/fd"))
        resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, (used + 6, used + 6))
        body = {"messages": [{"role": "user", "content": "x"}]}
        for at in range(len(models)):
            sent = json.dumps({**body, "model": f"m{at}"}).encode()
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer %s\r\n"
            writer.write(head % key.encode() + b"content-length: %d\r\n\r\n" % len(sent) + sent)
            answer = await reader.read()
            writer.close()
            assert answer.startswith(b"HTTP/1.1 200"), answer
        await asyncio.to_thread(gateway.stop)
        for each in stack:
            await each.__aexit__(None, None, None)
