"""A tool server over HTTP with SSE, written by hand, so that it can do what no SDK would let it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

INSTRUCTIONS = "Say things."
_INITIALIZED = {
    "protocolVersion": "2024-11-05",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "sse", "version": "1"},
    "instructions": INSTRUCTIONS,
}
_TOOLS = [{"name": "言う", "inputSchema": {"type": "object"}}]


class OddSse:
    """Its one tool answers with `size` characters, or its POST with `status`. `endpoint`: what it names as that."""

    def __init__(self, endpoint: str = "/post") -> None:
        self.endpoint = endpoint
        self.streams = 0
        self._news: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        routes = [Route("/sse", self._open, methods=["GET"]), Route("/post", self._take, methods=["POST"])]
        self.app = Starlette(routes=routes)

    async def _open(self, request: Request) -> Response:
        self.streams += 1
        self._news = asyncio.Queue()
        return StreamingResponse(self._events(self._news), media_type="text/event-stream")

    async def _events(self, news: asyncio.Queue[dict[str, Any]]) -> AsyncIterator[str]:
        yield f": hello\n\nevent: endpoint\ndata: {self.endpoint}\n\n"
        while True:
            yield f"event: message\ndata: {json.dumps(await news.get())}\n\n"

    async def _take(self, request: Request) -> Response:
        message = await request.json()
        arguments = message.get("params", {}).get("arguments", {})
        if status := arguments.get("status"):
            return Response("no", status)
        if "id" in message:
            text = {"content": [{"type": "text", "text": "x" * arguments.get("size", 0)}]}
            result = {"initialize": _INITIALIZED, "tools/list": {"tools": _TOOLS}}.get(message["method"], text)
            self._news.put_nowait({"jsonrpc": "2.0", "id": message["id"], "result": result})
        return Response(status_code=202)
