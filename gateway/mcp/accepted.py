"""Definitions of tools that somebody accepts while the gateway runs: clients are told, and other machines."""

import asyncio
from collections.abc import Callable

from gateway.mcp.catalog.pins import Pins

_LOOK_SECONDS = 1.0

Tell = Callable[[str, dict[str, str]], None]


class AcceptedWatch:
    """Looks each second whether another process, such as `sekisho mcp accept`, has written the pins."""

    def __init__(self, pins: Pins, tell: Tell) -> None:
        """Call `tell` with a server, and the hashes of what was accepted of it by the tool's name."""
        self._pins = pins
        self._tell = tell
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._watch(), name="accepted definitions")

    def stop(self) -> None:
        if self._task:
            self._task.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await asyncio.to_thread(self._pins.load)
            for server, hashes in self._pins.take_accepted().items():
                self._tell(server, hashes)
