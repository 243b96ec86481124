"""Who waits for a person to sign in at a tool server, and what happens when one has."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from cachetools import LRUCache

from gateway.mcp.protocol import Params

_MOST_WAITING = 4096
_MOST_OF_ONE = 20
_LOOK_AGAIN_SECONDS = 1.0
"""Another process of the gateway may have served the sign-in."""

Tell = Callable[[str, Params], None]
Seen = Callable[[], Awaitable[bool]]


class Arrivals:
    """People by server and name."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], list[asyncio.Event]] = {}
        self._asked: LRUCache[tuple[str, str], list[tuple[Tell, str]]] = LRUCache(_MOST_WAITING)

    async def wait(self, place: tuple[str, str], seen: Seen, seconds: float) -> bool:
        """Wait until a person has signed in; return whether that came about in time."""
        event = asyncio.Event()
        waiting = self._waiting.setdefault(place, [])
        waiting.append(event)
        try:
            async with asyncio.timeout(seconds):
                while not await seen():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK_AGAIN_SECONDS):
                            await event.wait()
                    event.clear()
        except TimeoutError:
            return False
        finally:
            waiting.remove(event)
            if not waiting:
                self._waiting.pop(place, None)
        return True

    def asked(self, place: tuple[str, str], tell: Tell, elicitation: str) -> None:
        """Note that an older client was given a link under an id; it is told when the person has signed in."""
        waiting = self._asked.setdefault(place, [])
        waiting.append((tell, elicitation))
        del waiting[:-_MOST_OF_ONE]

    def arrived(self, place: tuple[str, str]) -> None:
        """Wake everybody who waits for a person."""
        for event in self._waiting.get(place, ()):
            event.set()
        for tell, id_ in self._asked.pop(place, ()):
            tell("notifications/elicitation/complete", {"elicitationId": id_})
