"""How much memory an uploaded recording takes: untouched to a server of its own wire, and as base64 to Gemini.

    python -m tests.bench.uploads

The upstream reads all of each request. The highest resident memory while an upload runs is the kernel's own figure.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import typer
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from tests.fakes.google import sse
from tests.fakes.serving import serving
from tests.fixtures.gateway import GatewayProcess

MOST_MIB = 5
"""What is to be reached."""
_SIZES = {"untouched": 25 * 10**6, "gemini": 15 * 10**6}
"""Bytes: what OpenAI takes, what Google takes within a request."""
_WARM_UP = 3 * 10**6
"""Bytes of uploads before: they lie on the disk as the large ones do."""
_HEARD = {"candidates": [{"content": {"parts": [{"text": "heard"}]}, "finishReason": "STOP"}]}


class _Upstream:
    """Reads requests to their end, and keeps nothing of them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        size = 0
        async for piece in request.stream():
            size += len(piece)
        answer: Response = sse([_HEARD]) if "Content" in request.url.path else JSONResponse({"text": str(size)})
        await answer(scope, receive, send)


@contextmanager
def _gateway(folder: Path) -> Iterator[tuple[GatewayProcess, str]]:
    with serving(_Upstream()) as address:
        own = {"provider": "openai-compatible", "base_url": f"{address}/v1", "model": "whisper"}
        google = {"provider": "gemini", "base_url": address, "api_key": "AIza", "model": "gemini-3.5-flash"}
        deployments = {"untouched": own, "gemini": google}
        models = [{"name": name, "mode": "transcription", "deployments": [each]} for name, each in deployments.items()]
        gateway = GatewayProcess(folder, {"models": models})
        key = gateway.key("uploads")
        try:
            yield gateway.start(), key
        finally:
            gateway.stop()


def _upload(gateway: GatewayProcess, key: str, model: str, size: int) -> None:
    files = {"file": ("talk.wav", b"RIFF0000WAVE" + bytes(size - 12), "audio/wav")}
    headers = {"authorization": f"Bearer {key}"}
    url = f"{gateway.url}/v1/audio/transcriptions"
    answer = httpx2.post(url, data={"model": model}, files=files, headers=headers, timeout=120)
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.content)["text"]


def _kib(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def added() -> dict[str, float]:
    """Return the MiB that one upload adds to the resident memory at most, by how it is sent on."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="sekisho-uploads-") as folder, _gateway(Path(folder)) as (gateway, key):
        assert gateway.process
        pid = gateway.process.pid
        for name, size in _SIZES.items():
            for _ in range(3):
                _upload(gateway, key, name, _WARM_UP)
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the highest so far is what is there now
            before = _kib(pid, "VmRSS")
            _upload(gateway, key, name, size)
            found[f"upload_{name}"] = (_kib(pid, "VmHWM") - before) / 1024
    return found


def main() -> None:
    """Print the figures and whether they are reached."""
    for name, value in added().items():
        typer.echo(f"{name}: {value:.1f} MiB, {'reached' if value <= MOST_MIB else 'MISSED'} (at most {MOST_MIB})")


if __name__ == "__main__":
    main()
