"""Requests that came from another machine's hub: served here, and the answers sent back in pieces."""

import asyncio
import contextlib
from typing import Any

from cachetools import TTLCache
from starlette.types import ASGIApp, Message, Scope

from gateway.mcp.machines.bus import Bus, NotSaid
from gateway.mcp.machines.messages import Asked, Began, Left, Lives, Part, Waits

_PIECE_BYTES = 256 * 1024
_MOST = 10_000
_FORGOTTEN_SECONDS = 10.0
"""Seconds without a word of the hub that waits for an answer, after which the request counts as left."""
_LOOK_SECONDS = 1.0
_REPLAY_SECONDS = 150.0
_MOST_KNOWN = 100_000


class _Guest:
    """One request."""

    def __init__(self, asked: Asked, hub: str, now: float) -> None:
        self.asked = asked
        self.hub = hub
        self.heard_at = now
        self.left = asyncio.Event()
        self.task: asyncio.Task[None]


class Guests:
    """All requests of other hubs' clients that are served here."""

    def __init__(self, bus: Bus, app: ASGIApp) -> None:
        self._bus = bus
        self._app = app
        self._all: dict[str, _Guest] = {}
        self._known: TTLCache[str, bool] = TTLCache(_MOST_KNOWN, _REPLAY_SECONDS)
        """A letter that comes a second time is somebody's copy."""
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._looking = asyncio.create_task(self._look(), name="requests of other machines")

    async def stop(self) -> None:
        if self._looking:
            self._looking.cancel()
        tasks = [guest.task for guest in self._all.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def asked(self, asked: Asked, hub: str) -> None:
        """Serve a request, where there is room."""
        if asked.id in self._known or len(self._all) >= _MOST:
            return
        self._known[asked.id] = True
        guest = self._all[asked.id] = _Guest(asked, hub, asyncio.get_running_loop().time())
        guest.task = asyncio.create_task(self._serve(guest), name="request of another machine")

    def left(self, left: Left, hub: str) -> None:
        """Note that the client of a request is gone."""
        if (guest := self._all.get(left.id)) and guest.hub == hub:
            guest.left.set()

    async def waits(self, waits: Waits, hub: str) -> None:
        """Say which requests are still served."""
        now, own = asyncio.get_running_loop().time(), []
        for id_ in waits.ids:
            if (guest := self._all.get(id_)) and guest.hub == hub:
                guest.heard_at = now
                own.append(id_)
        with contextlib.suppress(NotSaid):
            await self._bus.say(Lives(tuple(own)), hub)

    async def _serve(self, guest: _Guest) -> None:
        try:
            await self._app(_scope(guest.asked), _receive(guest), lambda message: self._send(guest, message))
        except NotSaid:
            pass  # nobody hears the answer
        finally:
            self._all.pop(guest.asked.id, None)
            with contextlib.suppress(NotSaid):  # one that is complete has been forgotten there
                await asyncio.shield(self._bus.say(Part(guest.asked.id, b"", last=True, whole=False), guest.hub))

    async def _send(self, guest: _Guest, message: Message) -> None:
        id_ = guest.asked.id
        if message["type"] == "http.response.start":
            await self._bus.say(Began(id_, message["status"], list(message.get("headers", ()))), guest.hub)
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        while len(body) > _PIECE_BYTES:
            await self._bus.say(Part(id_, body[:_PIECE_BYTES]), guest.hub)
            body = body[_PIECE_BYTES:]
        if body or not more:
            await self._bus.say(Part(id_, body, last=not more), guest.hub)

    async def _look(self) -> None:
        """Let go of requests whose hub no longer asks after them."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            oldest = asyncio.get_running_loop().time() - _FORGOTTEN_SECONDS
            for guest in self._all.values():
                if guest.heard_at < oldest:
                    guest.left.set()


def _scope(asked: Asked) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": "http",
        "path": asked.path,
        "raw_path": asked.raw_path,
        "query_string": asked.query,
        "root_path": "",
        "headers": asked.headers,
        "client": asked.client,
        "server": None,
        "state": {},
    }


def _receive(guest: _Guest) -> Any:
    given = False

    async def receive() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": guest.asked.body, "more_body": False}
        await guest.left.wait()
        return {"type": "http.disconnect"}

    return receive
