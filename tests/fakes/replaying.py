"""A server whose model names say which recording it plays or how it fails, and which remembers what it was sent."""

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.fakes.recordings import recorded

Body = dict[str, Any]
Parts = Callable[[Body], AsyncIterator[bytes]]
Behaviour = Callable[["Seen", Scope, Receive, Send], Coroutine[Any, Any, None]]

_EVENTS = re.compile(rb"(?:[^\n]+\n)+\n?")


@dataclass
class Seen:
    """A request as it arrived. `closed` is set when the client's connection went away before the end."""

    path: str
    query: str
    headers: dict[str, str]
    raw: bytes
    body: Body
    closed: threading.Event = field(default_factory=threading.Event)


class Replaying:
    """The ASGI application: a behaviour for each model name."""

    def __init__(self, paths: Sequence[str], behaviours: dict[str, Behaviour]) -> None:
        self.seen: list[Seen] = []
        self._behaviours = behaviours
        self._app = Starlette(routes=[Route(path, self._serve, methods=["POST"]) for path in paths])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    @property
    def last(self) -> Seen:
        return self.seen[-1]

    async def _serve(self, request: Request) -> Response:
        raw = await request.body()
        seen = Seen(request.url.path, request.url.query, dict(request.headers), raw, json.loads(raw))
        self.seen.append(seen)
        return _Behaving(seen, self._behaviours[seen.body["model"]])


class _Behaving(Response):
    def __init__(self, seen: Seen, behaviour: Behaviour) -> None:
        super().__init__()
        self._seen = seen
        self._behaviour = behaviour

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watcher = asyncio.create_task(_left(receive))
        work = asyncio.create_task(self._behaviour(self._seen, scope, receive, send))
        await asyncio.wait({watcher, work}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            self._seen.closed.set()
        for task in (watcher, work):
            task.cancel()
        await asyncio.gather(watcher, work, return_exceptions=True)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def events(stream: bytes) -> list[bytes]:
    """A recorded stream, event by event."""
    return [event if event.endswith(b"\n\n") else event + b"\n" for event in _EVENTS.findall(stream)]


def event(content: Body) -> bytes:
    """An event of the wires that name each one."""
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return f"event: {content['type']}\ndata: {data}\n\n".encode()


def replays(cassette: str, number: int = 0, *, whole: tuple[str, int] | None = None) -> Behaviour:
    """Plays a recorded stream, and for a request without `stream` the answer `whole`."""

    async def parts(body: Body) -> AsyncIterator[bytes]:
        yield recorded(cassette, number).answer

    return streamed(parts, whole)


def streamed(parts: Parts, whole: tuple[str, int] | None = None) -> Behaviour:
    """Plays what `parts` yields."""

    async def behave(seen: Seen, scope: Scope, receive: Receive, send: Send) -> None:
        if not seen.body.get("stream"):
            assert whole, "this behaviour only streams"
            await answers(*whole)(seen, scope, receive, send)
            return
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for part in parts(seen.body):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return behave


def answers(cassette: str, number: int = 0) -> Behaviour:
    """Plays a recorded answer in one piece, errors too."""

    async def behave(seen: Seen, scope: Scope, receive: Receive, send: Send) -> None:
        found = recorded(cassette, number)
        await Response(found.answer, found.status, media_type=found.media_type)(scope, receive, send)

    return behave


def says(status: int, content: Body) -> Behaviour:
    """Answers with this JSON."""

    async def behave(seen: Seen, scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse(content, status)(scope, receive, send)

    return behave
