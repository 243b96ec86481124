"""The client of a tool server as Open WebUI holds it, with ears for progress and reports."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

Hear = Callable[..., Awaitable[None]]
LOG_LEVEL = "io.modelcontextprotocol/logLevel"
NEWER = "2026-07-28"
"""From this revision on, each request says which reports it wants."""


class Listening:
    """Stands for the SDK's client during one call; keeps the whole result."""

    def __init__(self, client: Any, progress: Hear, report: Hear | None) -> None:
        self._client, self._progress, self._report = client, progress, report
        self.result: Any = None

    async def call_tool(self, name: str, arguments: dict[str, Any], **options: Any) -> Any:
        wanted = self._report is not None and str(getattr(self._client, "protocol_version", "")) >= NEWER
        meta = {"meta": {LOG_LEVEL: "info"}} if wanted else {}
        with reports(self._client, self._report):
            self.result = await self._client.call_tool(
                name, arguments, progress_callback=self._progress, **meta, **options
            )
        return self.result


@contextmanager
def reports(client: Any, report: Hear | None) -> Iterator[None]:
    """Show what the server reports within the block; the SDK takes such a listener only when it connects."""
    session = getattr(client, "session", None)
    former = getattr(session, "_logging_callback", None)
    if session is None or former is None or report is None:
        yield
        return

    async def heard(params: Any) -> None:
        await report(params.data)

    session._logging_callback = heard
    try:
        yield
    finally:
        session._logging_callback = former
