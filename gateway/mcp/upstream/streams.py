"""A channel over a stream of messages: every answer and every question comes in one line of them."""

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCMessage, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from gateway.mcp.protocol import CONNECTION_CLOSED, META, SUBSCRIPTION_ID_META_KEY, Params, Result
from gateway.mcp.transport import Streams
from gateway.mcp.upstream import questions
from gateway.mcp.upstream.channel import Listener, Sink
from gateway.mcp.upstream.messages import error_of, report

_VERSION: Any = "2.0"
_MOST_NEWS = 1000
"""Notifications of one request that its client has not taken; further ones are dropped."""
_LEAVING_SECONDS = 2.0
_GONE = (anyio.ClosedResourceError, anyio.BrokenResourceError)


class _Waiting:
    """A request under way. What belongs to it is passed on in order, by a task of its own: a client may be slow."""

    def __init__(self, sink: Sink | None) -> None:
        self.sink = sink
        self.outcome: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._news: deque[Callable[[], Coroutine[Any, Any, None]]] = deque()
        self.task: asyncio.Task[None] | None = None

    def take(self, news: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Pass something on, after what came before it."""
        if len(self._news) < _MOST_NEWS:
            self._news.append(news)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._pass_on(), name="notifications of a tool server")

    def close(self, error: MCPError) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)
            self.outcome.exception()

    async def _pass_on(self) -> None:
        while self._news:
            await self._news.popleft()()


class StreamChannel:
    """Speaks over a pair of streams.

    A question of the server names no request of ours, nor does a line of its log: they belong to the request under way
    where there is just one.
    """

    tells_calls_apart = False

    def __init__(self, streams: Streams) -> None:
        self._read, self._write = streams
        self._ids = itertools.count(1)
        self._pending: dict[str, _Waiting] = {}
        """Requests under way, by their ids as text: some servers send back a number as a text."""
        self._listening: dict[str, Sink] = {}
        """Who listens to the server's changes, by the id of the request."""
        self._questions = questions.Questions(self._send)
        self._listener: Listener | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._closed = False
        self.modern = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read the server's messages as long as the block runs."""
        reading = asyncio.create_task(self._keep_reading(), name="reading a tool server")
        try:
            yield
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading

    async def request(
        self, method: str, params: Params, headers: Mapping[str, str], sink: Sink | None = None, *, cancels: bool = True
    ) -> Result:
        lasts = method == "subscriptions/listen" and sink is not None
        id_: int | str = f"listen-{next(self._ids)}" if lasts else next(self._ids)
        own, waiting = str(id_), _Waiting(None if lasts else sink)
        if waiting.sink is not None:
            params = {**params, META: {**params.get(META, {}), "progressToken": id_}}
        if lasts and sink is not None:
            self._listening[own] = sink
        self._pending[own] = waiting
        try:
            more: Any = {"params": params} if params else {}
            await self._send(JSONRPCRequest.model_construct(jsonrpc=_VERSION, id=id_, method=method, **more))
            result = await waiting.outcome
            if waiting.task is not None:
                await waiting.task
            return result
        except asyncio.CancelledError:
            if cancels and not self._closed:
                self._leave(id_)
            raise
        finally:
            del self._pending[own]
            self._listening.pop(own, None)
            if waiting.task is not None and not waiting.task.done():
                waiting.task.cancel()

    async def notify(self, method: str, params: Params | None = None) -> None:
        more: Any = {} if params is None else {"params": params}
        with contextlib.suppress(MCPError):
            await self._send(JSONRPCNotification.model_construct(jsonrpc=_VERSION, method=method, **more))

    def listen(self, listener: Listener) -> None:
        self._listener = listener

    async def _send(self, message: JSONRPCMessage) -> None:
        """Send a message. Raises `MCPError` where the connection has ended."""
        if self._closed:
            raise _ended()
        try:
            await self._write.send(SessionMessage(message))
        except _GONE:
            raise _ended() from None

    def _leave(self, id_: int | str) -> None:
        """Tell the server, in the name of a task that is ending, that nobody waits any more."""
        params = {"requestId": id_, "reason": "The caller has left."}
        task = asyncio.create_task(self._timed("notifications/cancelled", params), name="leaving a tool server")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _timed(self, method: str, params: Params) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEAVING_SECONDS):
                await self.notify(method, params)

    async def _keep_reading(self) -> None:
        try:
            async for item in self._read:
                if isinstance(item, SessionMessage):
                    await self._take(item.message)
        except _GONE:
            pass
        finally:
            self._closed = True
            self._questions.close()
            for waiting in self._pending.values():
                waiting.close(_ended())

    async def _take(self, message: JSONRPCMessage) -> None:
        if isinstance(message, JSONRPCResponse):
            if (waiting := self._pending.get(str(message.id))) and not waiting.outcome.done():
                waiting.outcome.set_result(message.result)
        elif isinstance(message, JSONRPCError):
            if waiting := self._pending.get(str(message.id)):
                found = message.error
                waiting.close(error_of({"code": found.code, "message": found.message, "data": found.data}))
        elif isinstance(message, JSONRPCRequest):
            call = self._only_call()
            self._questions.ask(message, call.sink if call else self._listener)
        else:
            await self._notified(message.method, message.params or {})

    async def _notified(self, method: str, params: Params) -> None:
        if method == "notifications/progress":
            token = params.get("progressToken")
            waiting = self._pending.get(str(token)) if isinstance(token, int | str) else None
            if waiting and waiting.sink is not None:
                waiting.take(partial(report, waiting.sink, params))
        elif method == "notifications/cancelled":
            self._questions.cancel(params.get("requestId"))
        elif listening := self._listening.get(_subscription(params)):
            await listening.notified(method, params)
        elif method == "notifications/message":
            # A newer server logs only for requests that ask for it, an older one for all of them.
            if (call := self._only_call(logs=self.modern)) and call.sink is not None:
                call.take(partial(call.sink.notified, method, params))
        elif self._listener:
            await self._listener.notified(method, params)

    def _only_call(self, logs: bool = False) -> _Waiting | None:
        """Return the call under way, of those that want the log where `logs`; None where there is not just one."""
        calls = [each for each in self._pending.values() if each.sink is not None and (each.sink.logs or not logs)]
        return calls[0] if len(calls) == 1 else None


def _subscription(params: Params) -> str:
    """Return the id of the listening request that a notification belongs to; empty where it belongs to none."""
    meta = params.get(META)
    return str(meta.get(SUBSCRIPTION_ID_META_KEY, "")) if isinstance(meta, dict) else ""


def _ended() -> MCPError:
    return MCPError(CONNECTION_CLOSED, "Connection closed")
