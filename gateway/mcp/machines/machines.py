"""This hub among those of other machines: what it says to them, and what it does when it hears them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.config.schema import Config
from gateway.mcp.machines.asking import Elsewhere
from gateway.mcp.machines.bus import Bus, NotSaid
from gateway.mcp.machines.messages import (
    Accepted,
    Asked,
    Began,
    Changed,
    Left,
    Letter,
    Lives,
    Message,
    Part,
    Updated,
    Waits,
)
from gateway.mcp.machines.serving import Guests

log = logging.getLogger("sekisho.mcp")

_MOST_SAYING = 1000
"""News that the store has not taken yet; further ones are dropped, and clients learn of them with their next list."""


class Hears(Protocol):
    """Takes news of other machines."""

    async def changed(self, news: Changed) -> None:
        """Take note that lists of a server changed."""

    async def updated(self, news: Updated) -> None:
        """Take note that a resource changed."""

    async def accepted(self, news: Accepted) -> None:
        """Take note that definitions were accepted."""


class Machines:
    """Connects a hub with those of other machines; `app` serves what they hand over."""

    def __init__(self, name: str, config: Config, secret: bytes, app: ASGIApp, hears: Hears) -> None:
        """Take `name`, that of this hub among all."""
        assert config.shared_state
        self._bus = Bus(name, config.shared_state.reveal(), secret, config.server.custom_ca)
        self._elsewhere = Elsewhere(self._bus)
        self._guests = Guests(self._bus, app)
        self._saying: set[asyncio.Task[None]] = set()
        self._table: dict[type[Any], Callable[[Any, str], Awaitable[None] | None]] = {
            Changed: lambda news, _: hears.changed(news),
            Updated: lambda news, _: hears.updated(news),
            Accepted: lambda news, _: hears.accepted(news),
            Asked: self._guests.asked,
            Left: self._guests.left,
            Waits: self._guests.waits,
            **{kind: lambda piece, _: self._elsewhere.heard(piece) for kind in (Began, Part, Lives)},
        }

    async def start(self) -> None:
        self._elsewhere.start()
        self._guests.start()
        await self._bus.start(self._hear)

    async def stop(self) -> None:
        await self._elsewhere.stop()
        await self._guests.stop()
        for task in self._saying:
            task.cancel()
        await self._bus.stop()

    def tell(self, news: Message) -> None:
        """Tell all other hubs, without waiting for it."""
        if len(self._saying) < _MOST_SAYING:
            task = asyncio.create_task(self._said(news), name="news to other machines")
            self._saying.add(task)
            task.add_done_callback(self._saying.discard)

    async def serve(self, hub: str, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Let another hub serve a request. Raises `ApiError` where it cannot; `ClientGone`."""
        await self._elsewhere.serve(hub, scope, receive, send, body)

    async def _said(self, news: Message) -> None:
        try:
            await self._bus.say(news)
        except NotSaid as error:
            log.info("mcp: other machines were not told of a change: %s", error)

    async def _hear(self, letter: Letter) -> None:
        try:
            done = self._table[type(letter.message)](letter.message, letter.sender)
            if done is not None:
                await done
        except Exception:
            log.exception("a message of another machine's hub failed")
