"""Cohere on a socket: checks the key and the request as strictly as its SDK's types, and replays what it once sent."""

import json
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Fields = dict[str, Any]

KEY = "co-key-for-tests"


@dataclass
class Seen:
    """One request, as it came."""

    path: str
    headers: dict[str, str]
    body: Fields


@dataclass
class Cohere:
    """The ASGI application. `answer` gives the status and the body of the answer to a request."""

    answer: Callable[[Seen], tuple[int, bytes]]
    check: Callable[[Seen], None] = lambda seen: None
    seen: list[Seen] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        paths = ("/v2/chat", "/v2/rerank")
        app = Starlette(routes=[Route(path, self._asked, methods=["POST"]) for path in paths])
        await app(scope, receive, send)

    async def _asked(self, request: Request) -> Response:
        body = await request.body()
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"id": "1", "message": "invalid api token"}, 401)
        if request.headers.get("content-type") != "application/json" or request.url.query:
            return JSONResponse({"id": "1", "message": "invalid request: content type"}, 400)
        seen = Seen(request.url.path, dict(request.headers), json.loads(body))
        self.seen.append(seen)
        try:
            self.check(seen)
        except (AssertionError, ValueError, KeyError) as error:
            return JSONResponse({"id": "1", "message": f"invalid request: {error}"}, 422)
        status, answer = self.answer(seen)
        if status != 200 or not seen.body.get("stream"):
            return Response(answer, status, media_type="application/json")
        return StreamingResponse(_pieces(answer), media_type="text/event-stream")


async def _pieces(stream: bytes) -> AsyncIterator[bytes]:
    pieces = random.Random(len(stream))
    while stream:
        size = pieces.randint(1, 3000)
        yield stream[:size]
        stream = stream[size:]
