"""Connections that wait for their next exchange."""

import asyncio
from collections import deque

from gateway.upstream.connection import Connection

IDLE_SECONDS = 30.0
"""Shorter than most servers keep one: who closes first decides who fails."""
_MOST_IDLE = 512


class Pool:
    """Idle connections along one way, the last used first, so that the others may grow old and go."""

    def __init__(self) -> None:
        self._idle: deque[Connection] = deque()

    def take(self) -> Connection | None:
        """One that was alive a moment ago, or None."""
        oldest = asyncio.get_running_loop().time() - IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.alive and connection.idle_since >= oldest:
                return connection
            connection.abort()
        return None

    def put(self, connection: Connection) -> None:
        self._idle.append(connection)
        oldest = connection.idle_since - IDLE_SECONDS
        while len(self._idle) > _MOST_IDLE or self._idle[0].idle_since < oldest:
            self._idle.popleft().abort()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().abort()
