"""The company's models as an outside system: made-up chat answers, real embeddings; remembers what it was sent."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

FIRST_HALF = "ご質問ありがとうございます。"
SECOND_HALF = "規程のとおりです。 As written in the rules."
ANSWER = FIRST_HALF + SECOND_HALF
TITLE = "就業規則の質問"
TAGS = ["人事", "Rules"]

# Open WebUI's task prompts show the JSON they want back.
TASK_ANSWERS: dict[str, dict[str, Any]] = {
    '"title":': {"title": TITLE},
    '"tags":': {"tags": TAGS},
    '"queries":': {"queries": []},
    '"follow_ups":': {"follow_ups": []},
}
USAGE = {"prompt_tokens": 120, "completion_tokens": 12, "total_tokens": 132}
LONGEST_PAUSE = 30
CALL_A_TOOL = "今は何時"
"""Who asks this gets an answer for which the model first looks at the clock, with Open WebUI's own tool."""
CLOCK = {"name": "get_current_timestamp", "arguments": "{}"}


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.raw))

    @property
    def prompt(self) -> str:
        """Everything the model was told."""
        return "\n".join(_text(message["content"]) for message in self.body["messages"])

    @property
    def everything(self) -> str:
        """Line, headers and body, for searching; the body with and without its escapes."""
        return "\n".join((self.path, json.dumps(self.headers), self.raw.decode(), str(self.body)))


class Upstream:
    """The ASGI application."""

    def __init__(self, embeddings: str) -> None:
        self.seen: list[Seen] = []
        self._embeddings = embeddings
        self._embedding = asyncio.Lock()
        self._go_on = threading.Event()
        self._go_on.set()
        self._app = Starlette(
            routes=[
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/embeddings", self._embed, methods=["POST"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    @property
    def chats(self) -> list[Seen]:
        """Answers to people, oldest first; tasks such as titles do not stream."""
        return [seen for seen in self.seen if seen.path.endswith("/chat/completions") and seen.body.get("stream")]

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Answers begun within the block stop half-way until its end."""
        self._go_on.clear()
        try:
            yield
        finally:
            self._go_on.set()

    async def _chat(self, request: Request) -> Response:
        seen = await self._remember(request)
        if seen.body.get("stream"):
            calls = CALL_A_TOOL in seen.prompt and not any(one["role"] == "tool" for one in seen.body["messages"])
            return StreamingResponse(self._call() if calls else self._halves(), media_type="text/event-stream")
        text = next((json.dumps(answer) for mark, answer in TASK_ANSWERS.items() if mark in seen.prompt), ANSWER)
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return JSONResponse({**_envelope("chat.completion"), "choices": [choice], "usage": USAGE})

    async def _halves(self) -> AsyncIterator[bytes]:
        yield _event([{"index": 0, "delta": {"role": "assistant", "content": FIRST_HALF}, "finish_reason": None}])
        await asyncio.to_thread(self._go_on.wait, LONGEST_PAUSE)
        yield _event([{"index": 0, "delta": {"content": SECOND_HALF}, "finish_reason": None}])
        yield _event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
        yield _event([], usage=USAGE)
        yield b"data: [DONE]\n\n"

    async def _call(self) -> AsyncIterator[bytes]:
        call = {"index": 0, "id": "call-1", "type": "function", "function": CLOCK}
        yield _event([{"index": 0, "delta": {"role": "assistant", "tool_calls": [call]}, "finish_reason": None}])
        yield _event([{"index": 0, "delta": {}, "finish_reason": "tool_calls"}])
        yield _event([], usage=USAGE)
        yield b"data: [DONE]\n\n"

    async def _embed(self, request: Request) -> Response:
        seen = await self._remember(request)
        # Open WebUI asks for all passages of a file at once; the server computes one, and queues only five.
        async with self._embedding, httpx2.AsyncClient(timeout=60) as client:
            answer = await client.post(f"{self._embeddings}/v1/embeddings", json=seen.body)
        return Response(answer.content, answer.status_code, media_type="application/json")

    async def _remember(self, request: Request) -> Seen:
        seen = Seen(request.url.path, dict(request.headers), await request.body())
        self.seen.append(seen)
        return seen


def _envelope(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": "upstream-model"}


def _event(choices: list[dict[str, Any]], **more: Any) -> bytes:
    chunk = {**_envelope("chat.completion.chunk"), "choices": choices, **more}
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return str(content or "")
