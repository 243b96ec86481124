"""A models' server that costs next to nothing: whole answers at once, streams at a fixed pace.

A bare protocol on uvloop, so that it never is the bottleneck: 8,000 chunks a second take a tenth of a
core. Every chunk carries the moment it was sent, so that a reader sees how long it was on its way.

    python -m tests.bench.upstream PORT PORT --chunks 200 --rate 80 [--think 0.05] [--failing 50]
"""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Annotated, cast

import httptools
import typer
import uvloop

from tests.bench.answers import ANSWER, DONE, FINISH_CHUNK, USAGE_CHUNK, chunk_with

_STREAM_MARKS = (b'"stream":true', b'"stream": true')
_USAGE_MARK = b'"include_usage"'
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\n%s\r\n\r\n"
_STREAM_HEAD = _HEAD % (b"text/event-stream", b"cache-control: no-cache\r\ntransfer-encoding: chunked")
_ERROR = b'{"error":{"message":"failing on purpose","type":"server_error"}}'
_FAILURE = b"HTTP/1.1 %d Failing\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"


@dataclass
class Behaviour:
    """How all streams of this process run, and what became of them. Times in seconds."""

    chunks: int
    rate: float
    """Chunks a second of each stream."""
    think: float
    """Before the first byte of any answer."""
    failing: int
    """Every so manieth request fails; 0 = none."""
    requests: int = 0
    open: int = 0
    """Streams that run now."""
    finished: int = 0
    left: int = 0
    """Streams whose client closed before the end."""

    def failure(self) -> str | None:
        """What the request that came just now gets instead of an answer."""
        if not self.failing or self.requests % self.failing:
            return None
        kinds = ("500", "503", "429", "reset", "break")
        return kinds[self.requests // self.failing % len(kinds)]


class Server(asyncio.Protocol):
    """One connection."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._is = behaviour
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._body: list[bytes] = []
        self._stream: Stream | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._stream:
            self._stream.abandon()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_url(self, url: bytes) -> None:
        self._url, self._body = url, []

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        if self._parser.get_method() == b"GET":
            self._whole(self._statistics() if self._url == b"/stats" else b'{"object":"list","data":[]}')
            return
        self._is.requests += 1
        failure, body = self._is.failure(), b"".join(self._body)
        if self._is.think:
            self._loop.call_later(self._is.think, self._answer, failure, body)
        else:
            self._answer(failure, body)

    def _answer(self, failure: str | None, body: bytes) -> None:
        if self._transport.is_closing():
            return
        if failure == "reset":
            self._transport.abort()
        elif failure and failure != "break":
            self._transport.write(_FAILURE % (int(failure), len(_ERROR), _ERROR))
        elif any(mark in body for mark in _STREAM_MARKS):
            breaks_at = self._is.chunks // 2 if failure else None
            self._stream = Stream(self._transport, self._is, _USAGE_MARK in body, breaks_at)
        elif failure:
            self._transport.abort()
        else:
            self._whole(ANSWER)

    def _whole(self, body: bytes) -> None:
        length = b"content-length: %d" % len(body)
        self._transport.write(_HEAD % (b"application/json", length) + body)

    def _statistics(self) -> bytes:
        names = ("requests", "open", "finished", "left")
        return json.dumps({name: getattr(self._is, name) for name in names}).encode()


class Stream:
    """One answer, a chunk at a time, each at its own moment: a late one does not delay the rest."""

    def __init__(self, transport: asyncio.Transport, behaviour: Behaviour, usage: bool, breaks_at: int | None) -> None:
        self._transport = transport
        self._is = behaviour
        self._usage = usage
        self._breaks_at = breaks_at
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()
        self._sent = 0
        self._running = True
        behaviour.open += 1
        transport.write(_STREAM_HEAD)
        self._timer = self._loop.call_soon(self._next)

    def abandon(self) -> None:
        """The connection is gone."""
        self._timer.cancel()
        if self._running:
            self._is.left += 1
            self._ended()

    def _next(self) -> None:
        if self._sent == self._breaks_at:
            self._ended()
            self._transport.abort()
            return
        if self._sent == self._is.chunks:
            self._finish()
            return
        self._sent += 1
        self._transport.write(framed(chunk_with(time.monotonic_ns() // 1000)))
        self._timer = self._loop.call_at(self._begun + self._sent / self._is.rate, self._next)

    def _finish(self) -> None:
        self._is.finished += 1
        self._ended()
        last = FINISH_CHUNK + (USAGE_CHUNK if self._usage else b"") + DONE
        self._transport.write(framed(last) + b"0\r\n\r\n")

    def _ended(self) -> None:
        self._running = False
        self._is.open -= 1


def framed(data: bytes) -> bytes:
    """As one chunk of HTTP's chunked coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def main(
    ports: list[int],
    chunks: Annotated[int, typer.Option(help="Chunks a stream.")] = 200,
    rate: Annotated[float, typer.Option(help="Chunks a second of each stream.")] = 80,
    think: Annotated[float, typer.Option(help="Seconds before any answer.")] = 0,
    failing: Annotated[int, typer.Option(help="Every so manieth request fails.")] = 0,
) -> None:
    """Serve on loopback until stopped."""
    uvloop.run(_serve(ports, Behaviour(chunks, rate, think, failing)))


async def _serve(ports: list[int], behaviour: Behaviour) -> None:
    loop = asyncio.get_running_loop()
    for port in ports:
        await loop.create_server(lambda: Server(behaviour), "127.0.0.1", port, backlog=1024)
    await asyncio.Event().wait()


if __name__ == "__main__":
    typer.run(main)
