"""How soon an upstream is left when a newer keystroke supersedes an older one: several people type at the same time.

    python -m tests.bench.keystrokes

The upstream never answers; it notes when each connection is closed. A keystroke is sent when the one before it has
reached the upstream, so that each supersedes exactly one.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import typer

from tests.bench.measure import percentile
from tests.fakes.serving import free_port
from tests.fixtures.gateway import GatewayProcess

PEOPLE, KEYSTROKES = 20, 20
_PAUSE_SECONDS = 0.1
"""Between the arrival of a keystroke and the next one; people begin at different moments."""
MOST_MS = 50
"""What is to be reached."""


@dataclass
class _Typist:
    """A person in an editor, and what the upstream sees of them."""

    name: str
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    closed_at: list[float] = field(default_factory=list)
    sent_at: list[float] = field(default_factory=list)

    def late_ms(self) -> list[float]:
        """Return how long each superseded request lived on after the next keystroke was sent."""
        return [(closed - sent) * 1000 for closed, sent in zip(self.closed_at, self.sent_at[1:], strict=False)]


async def _upstream(typists: dict[str, _Typist], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take one request, say so to its typist, and wait until the connection is closed."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if line)
    body = json.loads(await reader.readexactly(int(fields["content-length"])))
    typist = typists[body["prompt"].split()[1]]
    typist.arrived.set()
    await reader.read()
    typist.closed_at.append(time.perf_counter())
    writer.close()


async def _type(typist: _Typist, port: int, key: str, delay: float) -> None:
    """Send one keystroke after the other, each on a connection of its own, as editors do."""
    await asyncio.sleep(delay)
    connections: list[asyncio.StreamWriter] = []
    for number in range(KEYSTROKES):
        typist.arrived.clear()
        prompt = f"# {typist.name} types\ndef f{'x' * number}("
        body = json.dumps({"model": "coder", "prompt": prompt, "suffix": ")\n", "max_tokens": 64}).encode()
        head = (
            f"POST /v1/fim/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\n"
            f"user-agent: {typist.name}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        connections.append(writer)
        typist.sent_at.append(time.perf_counter())
        writer.write(head.encode() + body)
        await asyncio.wait_for(typist.arrived.wait(), 20)
        await asyncio.sleep(_PAUSE_SECONDS)
    for writer in connections:
        writer.close()


async def _measure(gateway: GatewayProcess, key: str, upstream_port: int) -> list[float]:
    typists = {f"person{number}": _Typist(f"person{number}") for number in range(PEOPLE)}
    server = await asyncio.start_server(lambda *ends: _upstream(typists, *ends), "127.0.0.1", upstream_port)
    async with server:
        await asyncio.gather(
            *(
                _type(typist, gateway.port, key, number * _PAUSE_SECONDS / PEOPLE)
                for number, typist in enumerate(typists.values())
            )
        )
        await asyncio.sleep(0.2)
    late = [ms for typist in typists.values() for ms in typist.late_ms()]
    assert len(late) == PEOPLE * (KEYSTROKES - 1), "a keystroke superseded nothing"
    return late


@contextmanager
def _serving(folder: Path, upstream_port: int) -> Iterator[tuple[GatewayProcess, str]]:
    address = f"http://127.0.0.1:{upstream_port}/v1"
    deployment = {"provider": "vllm", "base_url": address, "model": "qwen2.5-coder"}
    models = [{"name": "coder", "mode": "completion", "deployments": [deployment]}]
    gateway = GatewayProcess(folder, {"models": models})
    key = gateway.key("typing")
    try:
        yield gateway.start(), key
    finally:
        gateway.stop()


def superseding() -> dict[str, float]:
    """Return the milliseconds from a newer keystroke until the older one's upstream call is closed."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="sekisho-keystrokes-") as folder, _serving(Path(folder), port) as (gw, key):
        late = asyncio.run(_measure(gw, key, port))
    return {
        "superseded_p50": percentile(late, 0.5),
        "superseded_p99": percentile(late, 0.99),
        "superseded_most": max(late),
    }


def main() -> None:
    """Print the figures and whether they are reached."""
    found = superseding()
    reached = "reached" if found["superseded_most"] <= MOST_MS else "MISSED"
    for name, value in found.items():
        typer.echo(f"{name}: {value:.2f} ms")
    typer.echo(f"older upstream call closed within {MOST_MS} ms: {reached}")


if __name__ == "__main__":
    main()
