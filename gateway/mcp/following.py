"""Resources that clients follow: one subscription at the server for all who follow the same in the same name."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from mcp.shared.exceptions import MCPError

from gateway.mcp.capabilities import Capabilities
from gateway.mcp.errors import UpstreamDown
from gateway.mcp.protocol import Params, Result
from gateway.mcp.upstream.connection import Connection
from gateway.mcp.upstream.pool import Group, Pool

log = logging.getLogger("sekisho.mcp")

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0

Tell = Callable[[], None]
Place = tuple[str, str, str]
"""Server, principal, and the server's own address of the resource."""


class _Followed:
    """One resource, its task, and whom to tell."""

    def __init__(self) -> None:
        self.tells: list[Tell] = []
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None] | None = None


class Following:
    """All resources that are followed."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._all: dict[Place, _Followed] = {}

    async def follow(self, group: Group, uri: str, capabilities: Capabilities, tell: Tell) -> Callable[[], None]:
        """Call `tell` at each change of a resource; return what ends that. Raises `UpstreamDown`, `MCPError`."""
        place = group.way.name, group.way.principal, uri
        followed = self._all.get(place)
        if followed is None:
            followed = self._all[place] = _Followed()
            followed.task = asyncio.create_task(self._keep(group, uri, capabilities, followed), name=f"following {uri}")
        followed.tells.append(tell)
        ended = False

        def end() -> None:
            nonlocal ended
            if not ended:
                ended = True
                self._end(place, followed, tell)

        try:
            async with asyncio.timeout(group.way.server.timeouts.open + group.way.server.timeouts.list):
                await asyncio.shield(followed.ready)
        except BaseException as error:
            end()
            if isinstance(error, TimeoutError):
                raise UpstreamDown(group.way.name, "it does not answer in time") from None
            raise
        return end

    def updated(self, server: str, principal: str, uri: str) -> None:
        """Tell everybody who follows a resource that it changed."""
        followed = self._all.get((server, principal, uri))
        for tell in list(followed.tells) if followed else ():
            tell()

    async def stop(self) -> None:
        tasks = [each.task for each in self._all.values() if each.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self, place: Place, followed: _Followed, tell: Tell) -> None:
        followed.tells.remove(tell)
        if not followed.tells and followed.task:
            followed.task.cancel()
            if self._all.get(place) is followed:
                del self._all[place]

    async def _keep(self, group: Group, uri: str, capabilities: Capabilities, followed: _Followed) -> None:
        """Subscribe, and again after each connection that ended, until cancelled."""
        pause = _FIRST_PAUSE
        while True:
            try:
                async with self._pool.use(group, {}, declared=capabilities) as connection:
                    connection.held += 1
                    connection.in_use -= 1  # it is held, and free for calls
                    try:
                        await self._subscribed(connection, uri, followed)
                    finally:
                        connection.in_use += 1
                        connection.held -= 1
                pause = _FIRST_PAUSE
            except (UpstreamDown, MCPError) as error:
                if not followed.ready.done():
                    followed.ready.set_exception(error)
                    followed.ready.exception()
                    return
                log.info("tool server %s: a subscription broke off and is taken up again: %s", group.way.name, error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _subscribed(self, connection: Connection, uri: str, followed: _Followed) -> None:
        session = connection.session
        if session.peer.era == "modern":
            stream = _Acknowledged(connection, followed)
            await session.request(
                "subscriptions/listen", {"notifications": {"resourceSubscriptions": [uri]}}, sink=stream
            )
            return
        await session.request("resources/subscribe", {"uri": uri})
        _set_ready(followed)
        try:
            await connection.wait_closed()
        finally:
            if not connection.closed:
                with contextlib.suppress(UpstreamDown, MCPError, TimeoutError, asyncio.CancelledError):
                    async with asyncio.timeout(2):
                        await asyncio.shield(session.request("resources/unsubscribe", {"uri": uri}))


class _Acknowledged:
    """Takes the stream of a newer server: the acknowledgement first, then the changes."""

    logs = False

    def __init__(self, connection: Connection, followed: _Followed) -> None:
        self._connection = connection
        self._followed = followed

    async def progress(self, progress: float, total: float | None, message: str | None) -> None:
        pass

    async def notified(self, method: str, params: Params) -> None:
        if method == "notifications/subscriptions/acknowledged":
            _set_ready(self._followed)
        else:
            await self._connection.listener.notified(method, params)

    async def asked(self, method: str, params: Params) -> Result:
        return await self._connection.listener.asked(method, params)


def _set_ready(followed: _Followed) -> None:
    if not followed.ready.done():
        followed.ready.set_result(None)
