"""What carries messages to a server and back, whatever the transport."""

from collections.abc import Mapping
from typing import Protocol

from gateway.mcp.protocol import Params, Result


class Sink(Protocol):
    """Takes what a server sends while a request of ours is under way."""

    logs: bool
    """Whether the client wants the server's log."""

    async def progress(self, progress: float, total: float | None, message: str | None) -> None:
        """Take a report of progress."""

    async def notified(self, method: str, params: Params) -> None:
        """Take any other notification that belongs to the request."""

    async def asked(self, method: str, params: Params) -> Result:
        """Return a client's answer to a request of the server. Raises `MCPError`."""


class Listener(Protocol):
    """Takes what a server sends outside of any request."""

    async def notified(self, method: str, params: Params) -> None:
        """Take a notification."""

    async def asked(self, method: str, params: Params) -> Result:
        """Return the answer to a request of the server. Raises `MCPError`."""


class Channel(Protocol):
    """Sends requests and notifications to one server."""

    tells_calls_apart: bool
    """True where a server's questions can be told apart by the request that they belong to."""

    async def request(
        self, method: str, params: Params, headers: Mapping[str, str], sink: Sink | None = None, *, cancels: bool = True
    ) -> Result:
        """Send a request and return its result.

        Cancelling the wait tells the server so, where `cancels`. Raises `MCPError`, `UpstreamDown`.
        """

    async def notify(self, method: str, params: Params | None = None) -> None:
        """Send a notification; one that cannot be sent is dropped."""

    modern: bool
    """True once the server is known to speak 2026-07-28 or newer."""

    def listen(self, listener: Listener) -> None:
        """Pass everything that belongs to no request to `listener`."""
