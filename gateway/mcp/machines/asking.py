"""Requests that another machine's hub must serve: sent to it, and its answers streamed to the clients here."""

import asyncio
import contextlib
import secrets
from collections import defaultdict

from starlette.types import Receive, Scope, Send

from gateway.api.client import Answer, ClientGone, UntilGone
from gateway.errors import ApiError, NotFound, Overloaded
from gateway.mcp.machines.bus import Bus, NotSaid
from gateway.mcp.machines.messages import Asked, Began, Left, Lives, Part, Waits

_LOOK_SECONDS = 1.0
_MOST_UNHEARD = 4
"""Looks in a row that another hub may leave unanswered before it counts as dead."""
_MOST_WAITING_BYTES = 32 * 1024 * 1024
"""Of one answer, which its client has not taken yet."""


class _Asking:
    """One request. `None` in the queue: the other hub is gone."""

    def __init__(self, hub: str) -> None:
        self.id = secrets.token_hex(16)
        self.hub = hub
        self.queue: asyncio.Queue[Began | Part | None] = asyncio.Queue()
        self.waiting_bytes = 0
        self.unheard = 0

    def put(self, piece: Began | Part | None) -> None:
        if isinstance(piece, Part):
            self.waiting_bytes += len(piece.body)
            if self.waiting_bytes > _MOST_WAITING_BYTES:
                piece = None
        self.queue.put_nowait(piece)

    async def next(self) -> Began | Part | None:
        piece = await self.queue.get()
        if isinstance(piece, Part):
            self.waiting_bytes -= len(piece.body)
        return piece


class Elsewhere:
    """All requests of clients here that other hubs serve."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._open: dict[str, _Asking] = {}
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._looking = asyncio.create_task(self._look(), name="tool servers of other machines")

    async def stop(self) -> None:
        if self._looking:
            self._looking.cancel()
        for asking in self._open.values():
            asking.put(None)

    async def serve(self, hub: str, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Let another hub serve a request. Raises `ApiError` where it cannot; `ClientGone`."""
        asking = self._open.setdefault((made := _Asking(hub)).id, made)
        answer = Answer(send)
        try:
            await self._ask(asking, scope, body)
            async with UntilGone(receive, answer):
                await self._stream(asking, scope, send, answer)
        finally:
            del self._open[asking.id]
            if not answer.ended:
                with contextlib.suppress(NotSaid):
                    await asyncio.shield(self._bus.say(Left(asking.id), hub))

    def heard(self, piece: Began | Part | Lives) -> None:
        """Take what another hub says of requests from here."""
        if isinstance(piece, Lives):
            for id_ in piece.ids:
                if found := self._open.get(id_):
                    found.unheard = 0
        elif found := self._open.get(piece.id):
            found.unheard = 0
            found.put(piece)

    async def _ask(self, asking: _Asking, scope: Scope, body: bytes) -> None:
        asked = Asked(
            asking.id,
            scope["method"],
            scope["path"],
            scope["raw_path"],
            scope["query_string"],
            scope["headers"],
            scope["client"],
            body,
        )
        try:
            heard = await self._bus.say(asked, asking.hub)
        except NotSaid as error:
            raise Overloaded(
                "This session is served by another machine, which cannot be reached now. Try again in a moment.",
                retry_after=2,
            ) from error
        if not heard and self._bus.knows_listeners:
            raise _ended(scope)

    async def _stream(self, asking: _Asking, scope: Scope, send: Send, answer: Answer) -> None:
        while piece := await asking.next():
            if isinstance(piece, Began):
                answer.started = True
                await send({"type": "http.response.start", "status": piece.status, "headers": piece.headers})
                if (b"content-type", b"text/event-stream") in piece.headers:  # the first event may come late
                    await send({"type": "http.response.body", "body": b"", "more_body": True})
                continue
            if piece.last and not piece.whole:
                break
            answer.ended = piece.last
            await send({"type": "http.response.body", "body": piece.body, "more_body": not piece.last})
            if piece.last:
                return
        if not answer.started:
            raise _ended(scope)
        raise ClientGone  # an answer that has begun can only break off

    async def _look(self) -> None:
        """Ask the other hubs each second whether they still serve what clients here wait for."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            by_hub: dict[str, list[_Asking]] = defaultdict(list)
            for asking in self._open.values():
                by_hub[asking.hub].append(asking)
            for hub, askings in by_hub.items():
                heard = 1
                with contextlib.suppress(NotSaid):
                    heard = await self._bus.say(Waits(tuple(each.id for each in askings)), hub)
                for each in askings:
                    each.unheard += 1
                    if each.unheard > _MOST_UNHEARD or (not heard and self._bus.knows_listeners):
                        each.put(None)


def _ended(scope: Scope) -> ApiError:
    """Return what a client can go on from: one with a session opens another, one without begins its call anew."""
    if any(name == b"mcp-session-id" for name, _ in scope["headers"]):
        return NotFound("The session has ended. Open a new one.", code="mcp_session_ended")
    return NotFound("This call does not wait any more: its process has ended. Call again.", code="mcp_process_ended")
