"""Long request bodies in memory: bounded in all and for each key, and worked on one at a time."""

import asyncio
from collections import Counter
from collections.abc import Callable

from gateway.errors import Overloaded

_KEY_SHARE = 2
"""One key may hold one half of what there is."""
_RETRY_AFTER_SECONDS = 2.0


class Bodies:
    """Counts the bytes of long bodies, from their arrival to the end of their requests."""

    def __init__(self, most_bytes: Callable[[], int]) -> None:
        """Share what `most_bytes` returns, the bytes that all bodies may hold now."""
        self._most_bytes = most_bytes
        self._by_key: Counter[str] = Counter()
        self._bytes = 0
        self.turn = asyncio.Lock()
        """Held while one is worked on, so that other requests get the event loop in between."""

    @property
    def held_bytes(self) -> int:
        return self._bytes

    def take(self, key_id: str, size: int) -> None:
        """Count `size` further bytes of a key. Raises `Overloaded` where there is no room for them."""
        most = self._most_bytes()
        if self._bytes + size > most or self._by_key[key_id] + size > most // _KEY_SHARE:
            raise Overloaded(
                "Too many long requests at the same time. Try again in a moment.",
                code="too_many_long_requests",
                retry_after=_RETRY_AFTER_SECONDS,
            )
        self._bytes += size
        self._by_key[key_id] += size

    def give_back(self, key_id: str, size: int) -> None:
        """Take `size` bytes of a key out of the count."""
        self._bytes -= size
        self._by_key[key_id] -= size
        if self._by_key[key_id] <= 0:
            del self._by_key[key_id]


class Share:
    """What one request holds; given back at its end."""

    __slots__ = ("_bodies", "_key_id", "_size")

    def __init__(self, bodies: Bodies, key_id: str) -> None:
        self._bodies = bodies
        self._key_id = key_id
        self._size = 0

    def grow(self, size: int) -> None:
        """Hold `size` bytes in all. Raises `Overloaded`."""
        if size > self._size:
            self._bodies.take(self._key_id, size - self._size)
            self._size = size

    def add(self, size: int) -> None:
        """Hold `size` further bytes. Raises `Overloaded`."""
        self.grow(self._size + size)

    def end(self) -> None:
        size, self._size = self._size, 0
        if size:
            self._bodies.give_back(self._key_id, size)
