"""The client of a tool server as Open WebUI holds it, with ears for progress and reports."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from plugins.shared.tool_names import LANGUAGE

Hear = Callable[..., Awaitable[None]]
LOG_LEVEL = "io.modelcontextprotocol/logLevel"
HEARING = "_sekisho_hearing"
NEWER = "2026-07-28"
"""From this revision on, each request says which reports it wants."""


class Listening:
    """Stands for the SDK's client during one call; keeps the whole result."""

    def __init__(self, client: Any, progress: Hear, report: Hear | None, language: str) -> None:
        self._client, self._progress, self._report, self._language = client, progress, report, language
        self.result: Any = None

    async def call_tool(self, name: str, arguments: dict[str, Any], **options: Any) -> Any:
        wanted = self._report is not None and str(getattr(self._client, "protocol_version", "")) >= NEWER
        meta = {LANGUAGE: self._language, **({LOG_LEVEL: "info"} if wanted else {})}
        with reports(self._client, self._report):
            self.result = await self._client.call_tool(
                name, arguments, progress_callback=self._progress, meta=meta, **options
            )
        return self.result


@contextmanager
def reports(client: Any, report: Hear | None) -> Iterator[None]:
    """Show what the server reports within the block; the SDK takes such a listener only when it connects.

    Of several calls at once the latest hears: a report does not say to which of them it belongs.
    """
    session = getattr(client, "session", None)
    if report is None or getattr(session, "_logging_callback", None) is None:
        yield
        return
    hearing = _hearing(session)
    hearing.append(report)
    try:
        yield
    finally:
        hearing.remove(report)


def _hearing(session: Any) -> list[Hear]:
    """Return who hears a session's reports, at first nobody but who did before."""
    known: list[Hear] | None = getattr(session, HEARING, None)
    if known is not None:
        return known
    hearing: list[Hear] = []
    former = session._logging_callback

    async def heard(params: Any) -> None:
        await (hearing[-1](params.data) if hearing else former(params))

    session._logging_callback = heard
    setattr(session, HEARING, hearing)
    return hearing
