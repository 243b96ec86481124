"""Idle connections to one origin."""

import asyncio
from collections import deque

from gateway.upstream.connection import Connection

IDLE_SECONDS = 30.0
"""Shorter than the keep-alive time of most servers: whoever closes first decides whether a request fails."""
MAX_AGE_SECONDS = 300.0
"""A connection is replaced after this time, so that a host name which moves to another address is followed."""
_MOST_IDLE = 512


class Pool:
    """Idle connections to one origin, the last used first, so that the others grow old and are closed."""

    def __init__(self) -> None:
        self._idle: deque[Connection] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._idle)

    def take(self) -> Connection | None:
        """Return a connection that was alive a moment ago, or None."""
        while self._idle:
            connection = self._idle.pop()
            if _usable(connection):
                return connection
            connection.abort()
        return None

    def put(self, connection: Connection) -> None:
        """Keep a connection until it is used again, too old, or idle for too long."""
        if self._closed or not _usable(connection):
            connection.abort()
            return
        self._idle.append(connection)
        if len(self._idle) > _MOST_IDLE:
            self._idle.popleft().abort()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._sweep)

    def clear(self) -> None:
        """Close every idle connection."""
        while self._idle:
            self._idle.pop().abort()

    def close(self) -> None:
        """Close every idle connection, and every other one when it comes back."""
        self._closed = True
        if self._timer:
            self._timer.cancel()
        self.clear()

    def _sweep(self) -> None:
        """Close what was idle for too long; runs only while there are idle connections."""
        self._timer = None
        kept = [connection for connection in self._idle if _usable(connection)]
        for connection in set(self._idle).difference(kept):
            connection.abort()
        self._idle = deque(kept)
        if kept:
            self._timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._sweep)


def _usable(connection: Connection) -> bool:
    now = asyncio.get_running_loop().time()
    idle, age = now - connection.idle_since, now - connection.made_at
    return connection.alive and idle < IDLE_SECONDS and age < MAX_AGE_SECONDS
