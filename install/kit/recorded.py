"""A model server on loopback that gives the answers of a conversation. Speaks OpenAI's chat API, streamed or whole."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from install.kit.conversation import Answer

LARGEST_REQUEST = 50_000_000
"""Bytes."""

Json = dict[str, Any]


class RecordedModels:
    """`asked` has every request in full, as it came."""

    def __init__(self) -> None:
        self.url = ""
        self.models: Sequence[str] = ()
        self.answers: Sequence[Answer] = ()
        self.asked: list[Json] = []

    def answer(self, request: Json) -> Answer:
        """Return the first recorded answer that fits, a plain one where none does."""
        self.asked.append(request)
        text = json.dumps(request.get("messages") or request.get("input"), ensure_ascii=False)
        return next((each for each in self.answers if each.when in text), Answer(text=("OK",)))


@contextmanager
def recorded_models() -> Iterator[RecordedModels]:
    models = RecordedModels()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"models": models}))
    server.daemon_threads = True
    models.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield models
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    models: RecordedModels

    def do_GET(self) -> None:
        rows = [{"id": id, "object": "model", "owned_by": "recorded"} for id in self.models.models]
        self._whole(200, {"object": "list", "data": rows})

    def do_POST(self) -> None:
        length = min(int(self.headers.get("content-length") or 0), LARGEST_REQUEST)
        request = json.loads(self.rfile.read(length) or b"{}")
        answer = self.models.answer(request)
        if answer.status >= 400:
            self._whole(answer.status, {"error": {"message": "".join(answer.text) or "refused"}})
        elif request.get("stream"):
            # A caller that was stopped has hung up.
            with suppress(BrokenPipeError, ConnectionResetError):
                self._streamed(answer)
        else:
            time.sleep(answer.silent_ms / 1000)
            message = {"role": "assistant", "content": "".join(answer.text), "reasoning_content": answer.thinking}
            self._whole(200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    def _streamed(self, answer: Answer) -> None:
        self._head(200, "text/event-stream")
        deltas = [{"reasoning_content": answer.thinking}] if answer.thinking else []
        for delta in [*deltas, *({"content": piece} for piece in answer.text)]:
            time.sleep(answer.silent_ms / 1000)
            self._event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, chunk: Json) -> None:
        self.wfile.write(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode())
        self.wfile.flush()

    def _whole(self, status: int, value: Json) -> None:
        self._head(status, "application/json")
        self.wfile.write(json.dumps(value, ensure_ascii=False).encode())

    def _head(self, status: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""
