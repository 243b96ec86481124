"""An upstream's answer, and its failures as ours."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from gateway.errors import UpstreamError, UpstreamTimeout, UpstreamUnreachable
from gateway.upstream.connection import Closed, Connection, NotHttp
from gateway.upstream.pool import Pool

LARGEST_ANSWER = 256 * 1024 * 1024
"""Bytes, of all that answers one request."""


class UpstreamAnswer:
    """An answer whose status and headers are there; its body comes. Closing it gives the connection back or ends it."""

    __slots__ = ("_connection", "_pool", "headers", "status")

    def __init__(self, connection: Connection, pool: Pool) -> None:
        self._connection: Connection | None = connection
        self._pool = pool
        self.status = connection.status
        self.headers = connection.headers
        """By lower-case name."""

    async def read(self) -> bytes:
        """Return what arrived of the body; empty at its end. Raises `UpstreamUnreachable`, `UpstreamTimeout`."""
        if self._connection is None:
            return b""
        try:
            return await self._connection.read()
        except OSError as error:
            raise broken(error) from error

    async def read_all(self) -> bytes:
        """Return all of the body. Raises as `read` does."""
        parts, size = [], 0
        while part := await self.read():
            parts.append(part)
            size += len(part)
            if size > LARGEST_ANSWER:
                raise too_large()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def read_beginning(self, most: int) -> bytes:
        """Return the body, or the first `most` bytes of it. Raises as `read` does."""
        parts, size = [], 0
        while size < most and (part := await self.read()):
            parts.append(part)
            size += len(part)
        return b"".join(parts)[:most]

    def at_end(self, callback: Callable[[], None]) -> None:
        """Call `callback` once the whole response has arrived, however much of it was read."""
        if self._connection:
            self._connection.at_end(callback)

    def close(self) -> None:
        """Give the connection back where the response was read to its end, else close it. Never waits."""
        connection, self._connection = self._connection, None
        if connection and connection.release():
            self._pool.put(connection)

    def finish(self) -> None:
        """Give the connection back as soon as the rest of the response, which holds nothing more, has arrived."""
        connection, self._connection = self._connection, None
        if connection:
            connection.drain(self._pool.put)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def too_large() -> UpstreamUnreachable:
    """Return the error for an answer of more than `LARGEST_ANSWER`."""
    return UpstreamUnreachable(
        f"The answer of the model's server is larger than {LARGEST_ANSWER // 2**20} MiB.",
        code="upstream_answer_too_large",
    )


def broken(error: OSError) -> UpstreamError:
    """Return the failure of a connection as our error. Names and addresses stay out of it: clients read it."""
    who = "The model's server"
    if isinstance(error, TimeoutError):
        return UpstreamTimeout(f"{who} did not answer in time. Try again, or ask for a shorter answer.")
    if isinstance(error, NotHttp):
        return UpstreamUnreachable(f"{who} answered with something that is not HTTP.", code="upstream_invalid_answer")
    if isinstance(error, Closed):
        return UpstreamUnreachable(
            f"{who} closed the connection before its answer was complete.", code="upstream_closed"
        )
    return UpstreamUnreachable(f"{who} cannot be reached. The administrator can see why.")
