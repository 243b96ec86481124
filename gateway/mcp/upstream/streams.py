"""A channel over a stream of messages: every answer and every question comes in one line of them."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import MCPError
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp_types import METHOD_NOT_FOUND

from gateway.mcp.protocol import CONNECTION_CLOSED, META, SUBSCRIPTION_ID_META_KEY, Params, Result
from gateway.mcp.transport import Streams
from gateway.mcp.upstream.channel import Listener, Sink


class StreamChannel:
    """Speaks over a pair of streams.

    A question of the server names no request of ours, nor does a line of its log: they belong to the request under way
    where there is just one.
    """

    tells_calls_apart = False

    def __init__(self, streams: Streams) -> None:
        self._dispatcher: JSONRPCDispatcher[Any] = JSONRPCDispatcher(*streams)
        self.modern = False
        self._sinks: list[Sink] = []
        self._listening: dict[str, Sink] = {}
        """Who listens to the server's changes, by the id of the request."""
        self._listened = 0
        self._listener: Listener | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read the server's messages as long as the block runs."""
        async with anyio.create_task_group() as tasks:
            await tasks.start(self._dispatcher.run, self._on_request, self._on_notify)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()

    async def request(
        self, method: str, params: Params, headers: Mapping[str, str], sink: Sink | None = None, *, cancels: bool = True
    ) -> Result:
        options: CallOptions = {"cancel_on_abandon": cancels, "headers": dict(headers)}
        if sink is None:
            return await self._dispatcher.send_raw_request(method, params, options)
        if method == "subscriptions/listen":
            return await self._listen(params, options, sink)
        options["on_progress"] = sink.progress
        self._sinks.append(sink)
        try:
            return await self._dispatcher.send_raw_request(method, params, options)
        finally:
            self._sinks.remove(sink)

    async def _listen(self, params: Params, options: CallOptions, sink: Sink) -> Result:
        """Send a request whose stream lasts; its notifications name its id."""
        self._listened += 1
        own = options["request_id"] = f"listen-{self._listened}"
        self._listening[own] = sink
        try:
            return await self._dispatcher.send_raw_request("subscriptions/listen", params, options)
        finally:
            del self._listening[own]

    async def notify(self, method: str, params: Params | None = None) -> None:
        with contextlib.suppress(OSError):
            await self._dispatcher.notify(method, params)

    def listen(self, listener: Listener) -> None:
        self._listener = listener

    async def _on_request(self, _: Any, method: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
        if method == "ping":
            return {}
        if len(self._sinks) == 1:
            return await self._sinks[0].asked(method, dict(params or {}))
        if self._listener:
            return await self._listener.asked(method, dict(params or {}))
        raise MCPError(METHOD_NOT_FOUND, "Method not found", data=method)

    async def _on_notify(self, _: Any, method: str, params: Mapping[str, Any] | None) -> None:
        if method in ("notifications/progress", "notifications/cancelled"):
            return  # the dispatcher has passed them on
        if sink := self._listening.get(_subscription(params)):
            await sink.notified(method, dict(params or {}))
            return
        if method == "notifications/message":
            # A newer server logs only for requests that ask for it, an older one for all of them.
            sinks = [sink for sink in self._sinks if sink.logs] if self.modern else self._sinks
            if len(sinks) == 1:
                await sinks[0].notified(method, dict(params or {}))
        elif self._listener:
            await self._listener.notified(method, dict(params or {}))


def _subscription(params: Mapping[str, Any] | None) -> str:
    """Return the id of the listening request that a notification belongs to; empty where it belongs to none."""
    meta = (params or {}).get(META)
    return str(meta.get(SUBSCRIPTION_ID_META_KEY, "")) if isinstance(meta, dict) else ""


def is_closed(error: MCPError) -> bool:
    """Return whether an error only says that the connection ended."""
    return error.error.code == CONNECTION_CLOSED
