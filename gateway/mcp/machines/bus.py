"""The way between the hubs of several machines: channels of the shared store, one for all and one for each hub."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.limits.address import store_address
from gateway.limits.store import TIMEOUT_SECONDS, connect
from gateway.mcp.machines.messages import Letter, Message, Seal

log = logging.getLogger("sekisho.mcp")

_CHANNEL = "sekisho:mcp"
_LISTEN_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0

Hear = Callable[[Letter], Awaitable[None]]


class NotSaid(Exception):
    """The store did not take a message."""


class Bus:
    """Says and hears messages. While the store is away nothing is said, and listening is taken up again."""

    def __init__(
        self, hub: str, address: str, secret: bytes, custom_ca: Path | None, namespace: str = "sekisho"
    ) -> None:
        """Take `hub`, its name among those that share the store. Raises `ConfigError` for an invalid address."""
        self.hub = hub
        self._seal = Seal(secret)
        self._all = _CHANNEL
        self._address = store_address(address)
        self._custom_ca = custom_ca
        self._client = connect(self._address, TIMEOUT_SECONDS, custom_ca)
        self._hear: Hear | None = None
        self._listening: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        """Set while it listens."""

    async def start(self, hear: Hear) -> None:
        """Listen from now on. A store that is away is no reason not to start."""
        self._hear = hear
        self._listening = asyncio.create_task(self._listen(), name="tool servers of other machines")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self.ready.wait()

    async def stop(self) -> None:
        if self._listening:
            self._listening.cancel()
            await asyncio.wait({self._listening})
        with contextlib.suppress(Exception):  # whatever the client stumbles over, it ends here
            await self._client.aclose()

    async def say(self, message: Message, hub: str | None = None) -> int:
        """Say something to one hub, or to all; return how many heard it, as far as the store knows.

        Raises `NotSaid`.
        """
        channel = f"{self._all}:{hub}" if hub else self._all
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return int(await self._client.publish(channel, self._seal.closed(self.hub, channel, message)))
        except Exception as error:
            # Whatever the client stumbles over is an outage of the store.
            raise NotSaid(type(error).__name__) from error

    @property
    def knows_listeners(self) -> bool:
        """Return whether the number that `say` returns counts for the whole store: a cluster's node knows its own."""
        return self._address.kind != "cluster"

    async def _listen(self) -> None:
        pause, told = _FIRST_PAUSE, False
        while True:
            try:
                async for letter in self._letters():
                    pause, told = _FIRST_PAUSE, False
                    assert self._hear
                    if letter is not None and letter.sender != self.hub:
                        await self._hear(letter)
            except Exception as error:
                if not told:
                    log.warning("mcp: %s does not answer: %s", self._address.name, type(error).__name__)
                told = True
            finally:
                self.ready.clear()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _letters(self) -> Any:
        """Yield what is said, and None now and then. Raises whatever the client stumbles over."""
        client, own = self._subscriber()
        channels = (self._all, f"{self._all}:{self.hub}")
        try:
            async with client.pubsub() as subscription:
                await subscription.subscribe(*channels)
                self.ready.set()
                while True:
                    found = await subscription.get_message(ignore_subscribe_messages=True, timeout=_LISTEN_SECONDS)
                    if found is None:
                        await subscription.ping()
                    elif found["type"] == "message":
                        yield self._seal.opened(found["channel"].decode(), found["data"])
                        continue
                    yield None
        finally:
            if own:
                await client.aclose()

    def _subscriber(self) -> tuple[Any, bool]:
        """Return a client that can listen, and whether it is only for that: each node of a cluster hears everything."""
        if self._address.kind != "cluster":
            return self._client, False
        host = replace(self._address, kind="server", hosts=self._address.hosts[:1])
        return connect(host, TIMEOUT_SECONDS, self._custom_ca), True
