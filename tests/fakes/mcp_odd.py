"""A tool server of the older era, written by hand, so that it can do what no SDK would let it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

BIG = 40 * 1024 * 1024


class Odd:
    """What arrived is kept in `calls` (name of the tool, headers); sessions can be forgotten."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.sessions: list[str] = []
        self.token: str | None = None
        """Where set, only requests with it as bearer token are served."""
        self.app = Starlette(routes=[Route("/mcp", self._serve, methods=["POST", "GET", "DELETE"])])

    def forget(self) -> None:
        self.sessions.clear()

    async def _serve(self, request: Request) -> Response:
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return Response(
                status_code=401, headers={"www-authenticate": "Bearer resource_metadata=http://169.254.169.254/"}
            )
        if request.method != "POST":
            return Response(status_code=405)
        message = await request.json()
        if message["method"] == "initialize":
            self.sessions.append(f"session-{len(self.calls)}-{len(self.sessions)}")
            return JSONResponse(_result(message, _INITIALIZED), headers={"mcp-session-id": self.sessions[-1]})
        if "mcp-protocol-version" in request.headers and request.headers["mcp-protocol-version"].startswith("2026"):
            return JSONResponse({"error": "no"}, 400)
        if request.headers.get("mcp-session-id") not in self.sessions:
            return Response("gone", 404)
        if "id" not in message:
            return Response(status_code=202)
        if message["method"] == "tools/list":
            return JSONResponse(_result(message, {"tools": [_tool(name) for name in TRICKS]}))
        name = message["params"]["name"]
        self.calls.append((name, dict(request.headers)))
        return TRICKS[name](message, request)


def _result(message: Any, result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": message["id"], "result": result}


def _text(words: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": words}], "vendorField": 1}


def _tool(name: str) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": name == "cut"}}


_INITIALIZED = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "odd", "version": "1"},
}


def _event(message: Any) -> bytes:
    return f"event: message\ndata: {json.dumps(message)}\n\n".encode()


def _plain(message: Any, request: Request) -> Response:
    return JSONResponse(_result(message, _text("plain")))


def _who(message: Any, request: Request) -> Response:
    shown = {name: request.headers.get(name, "") for name in ("authorization", "x-openwebui-user-jwt", "x-team")}
    return JSONResponse(_result(message, _text(json.dumps(shown))))


def _big(message: Any, request: Request) -> Response:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"' % message["id"]
        for _ in range(BIG // 65536):
            yield b"x" * 65536
        yield b'"}]}}'

    return StreamingResponse(body(), media_type="application/json")


def _big_event(message: Any, request: Request) -> Response:
    async def body() -> AsyncIterator[bytes]:
        yield b"data: "
        for _ in range(BIG // 65536):
            yield b"x" * 65536

    return StreamingResponse(body(), media_type="text/event-stream")


def _pieces(message: Any, request: Request) -> Response:
    async def body() -> AsyncIterator[bytes]:
        for byte in b": hello\r\n\r\n" + _event(_result(message, _text("in pieces 値"))).replace(b"\n", b"\r\n"):
            yield bytes([byte])

    return StreamingResponse(body(), media_type="text/event-stream; charset=utf-8")


def _cut(message: Any, request: Request) -> Response:
    return Response(b'event: message\ndata: {"jsonrpc"', media_type="text/event-stream")


def _twice(message: Any, request: Request) -> Response:
    first, second = _result(message, _text("first")), _result(message, _text("second"))
    return Response(_event(first) + _event(second), media_type="text/event-stream")


def _foreign(message: Any, request: Request) -> Response:
    return JSONResponse(_result({"id": "someone else's"}, _text("foreign")))


def _hangs(message: Any, request: Request) -> Response:
    async def body() -> AsyncIterator[bytes]:
        yield b": begun\n\n"
        await asyncio.sleep(60)

    return StreamingResponse(body(), media_type="text/event-stream")


TRICKS: dict[str, Callable[[Any, Request], Response]] = {
    "plain": _plain,
    "who": _who,
    "big": _big,
    "big_event": _big_event,
    "pieces": _pieces,
    "cut": _cut,
    "twice": _twice,
    "foreign": _foreign,
    "hangs": _hangs,
    "html": lambda message, request: Response("<h1>secret-host</h1>", media_type="text/html"),
    "error": lambda message, request: Response("<h1>secret-host</h1>", 500, media_type="text/html"),
    "redirect": lambda message, request: RedirectResponse("http://169.254.169.254/latest", 307),
    "not_json": lambda message, request: Response(b"{]", media_type="application/json"),
    "list": lambda message, request: JSONResponse([1, 2]),
    "null": lambda message, request: JSONResponse(_result(message, None)),
    "odd_content": lambda message, request: JSONResponse(_result(message, {"content": "text", "isError": None})),
    "odd_error": lambda message, request: JSONResponse({"jsonrpc": "2.0", "id": message["id"], "error": {"code": "x"}}),
    "accepted": lambda message, request: Response(status_code=202),
}
