"""Many streams at the same time, read as cheaply as Python can: raw sockets on uvloop, in a process of its own.

    python -m tests.bench.streams < call.json

The moment on each chunk (see `answers.chunk_with`) tells how long it was on its way.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import uvloop

from tests.bench.answers import STAMP
from tests.bench.load import LoadFailed
from tests.bench.measure import on, percentile

_EVENT = b"data: "


@dataclass
class Streams:
    """What was read. Times in milliseconds."""

    chunks: int = 0
    finished: int = 0
    first_ms: list[float] = field(default_factory=list)
    """From sending the request to the first chunk, one for each stream."""
    late_ms_p50: float = 0
    """From the upstream's sending of a chunk to its arrival."""
    late_ms_p99: float = 0
    failures: list[str] = field(default_factory=list)


def run(
    port: int,
    path: str,
    headers: Mapping[str, str],
    bodies: Sequence[bytes],
    *,
    count: int,
    stagger: float,
    only_first: bool,
    seconds: float,
    cores: set[int],
) -> Streams:
    """Open `count` streams, spread over `stagger` seconds, and read them to their ends. Raises `LoadFailed`.

    `only_first`: leave them as soon as all have begun.
    """
    call = {
        "port": port,
        "requests": [request(path, headers, body).decode() for body in bodies],
        "count": count,
        "stagger": stagger,
        "only_first": only_first,
        "seconds": seconds,
    }
    with on(cores):
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.streams"],
            input=json.dumps(call),
            capture_output=True,
            text=True,
            timeout=seconds + 30,
            check=False,
        )
    if done.returncode:
        raise LoadFailed(done.stderr.strip()[-300:])
    read = Streams(**json.loads(done.stdout))
    if read.finished < count:
        raise LoadFailed(f"{count - read.finished} of {count} streams failed: {read.failures[:1]}")
    return read


def request(path: str, headers: Mapping[str, str], body: bytes, close: bool = True) -> bytes:
    """A POST as it goes over the wire. `close`: the server closes when it has answered."""
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
    lines += ["connection: close"] if close else []
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Reader(asyncio.Protocol):
    """One stream, from connection to end."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.begun: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.arrivals: list[tuple[int, bytes]] = []
        """When each piece came, in microseconds, and the piece: looked at only when all is over."""
        self._asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes) -> None:
        self._asked = _now()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.arrivals.append((_now(), data))
        if not self.begun.done() and _EVENT in data:
            self.begun.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        for each in (self.begun, self.ended):
            if not each.done():
                each.set_result(None)

    def leave(self) -> None:
        self._transport.abort()

    def first_ms(self) -> float:
        """Until the first chunk, or nothing where none came."""
        came = next((moment for moment, data in self.arrivals if _EVENT in data), None)
        return (came - self._asked) / 1000 if came else float("inf")

    def late_ms(self) -> list[float]:
        return [(came - int(sent)) / 1000 for came, data in self.arrivals for sent in STAMP.findall(data)]

    def text(self) -> bytes:
        return b"".join(data for _, data in self.arrivals)


async def read(call: dict[str, Any]) -> Streams:
    """Run the streams of a call."""
    requests = [each.encode() for each in call["requests"]]
    loop = asyncio.get_running_loop()
    readers = [(await loop.create_connection(Reader, "127.0.0.1", call["port"]))[1] for _ in range(call["count"])]
    # All connections stand before the first request, so that only answering is measured.
    for number, reader in enumerate(readers):
        later = call["stagger"] * number / len(readers)
        loop.call_later(later, reader.ask, requests[number % len(requests)])
    only_first = call["only_first"]
    await asyncio.wait([each.begun if only_first else each.ended for each in readers], timeout=call["seconds"])
    for reader in readers:
        reader.leave()
    return _summed_up(readers, b"" if only_first else b"[DONE]")


def _summed_up(readers: Sequence[Reader], last: bytes) -> Streams:
    """What all have read; those that did not come to `last` have failed."""
    found, late = Streams(), list[float]()
    for reader in readers:
        text = reader.text()
        chunks = len(STAMP.findall(text))
        if last not in text or not chunks:
            found.failures.append(text[:300].decode(errors="replace") or "no answer")
            continue
        found.finished += 1
        found.chunks += chunks
        found.first_ms.append(reader.first_ms())
        late += reader.late_ms()
    if late:
        found.late_ms_p50, found.late_ms_p99 = percentile(late, 0.5), percentile(late, 0.99)
    return found


def _now() -> int:
    return time.monotonic_ns() // 1000


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(read(json.load(sys.stdin))))))
