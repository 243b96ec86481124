"""What a server says outside of any request: followed as long as a connection is open."""

import asyncio
import logging

from mcp.shared.exceptions import MCPError

from gateway.mcp.errors import HttpFailure, UpstreamDown
from gateway.mcp.protocol import Params, Result
from gateway.mcp.upstream.channel import Listener
from gateway.mcp.upstream.http import HttpChannel
from gateway.mcp.upstream.session import UpstreamSession

log = logging.getLogger("sekisho.mcp")

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_KINDS = {"tools": "toolsListChanged", "prompts": "promptsListChanged", "resources": "resourcesListChanged"}


class _Stream:
    """Takes what belongs to a standing request."""

    logs = False

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    async def progress(self, progress: float, total: float | None, message: str | None) -> None:
        pass

    async def notified(self, method: str, params: Params) -> None:
        await self._listener.notified(method, params)

    async def asked(self, method: str, params: Params) -> Result:
        return await self._listener.asked(method, params)


async def follow(session: UpstreamSession, listener: Listener) -> None:
    """Follow a server's changes until cancelled; one that has nothing to tell is left alone.

    Older servers over HTTP have a stream of their own for it, on which many ask too.
    """
    asks_here = session.peer.era == "legacy" and isinstance(session.channel, HttpChannel)
    if not asks_here and not _tells_changes(session):
        return
    pause = _FIRST_PAUSE
    while True:
        began = asyncio.get_running_loop().time()
        try:
            if session.peer.era == "modern":
                await listen(
                    session, listener, {kind: True for name, kind in _KINDS.items() if _changes(session, name)}
                )
            elif isinstance(session.channel, HttpChannel):
                await session.channel.follow()
            else:
                return  # older processes say it on the one stream that there is
        except (MCPError, HttpFailure):
            return
        except UpstreamDown as error:
            log.debug("tool server %s: listening broke off: %s", error.server, error.reason)
        lasted = asyncio.get_running_loop().time() - began
        pause = _FIRST_PAUSE if lasted > _LONGEST_PAUSE else min(2 * pause, _LONGEST_PAUSE)
        await asyncio.sleep(pause)


async def listen(session: UpstreamSession, listener: Listener, wanted: Params) -> None:
    """Listen to a newer server until its stream ends. Raises `MCPError`, `UpstreamDown`."""
    await session.request("subscriptions/listen", {"notifications": wanted}, sink=_Stream(listener))


def _tells_changes(session: UpstreamSession) -> bool:
    return any(_changes(session, name) for name in _KINDS) or session.offers("resources", "subscribe")


def _changes(session: UpstreamSession, name: str) -> bool:
    return session.offers(name, "listChanged")
