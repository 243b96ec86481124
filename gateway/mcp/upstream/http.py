"""A channel over Streamable HTTP: one POST a request, whose answer is JSON or a stream of its own."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from mcp.shared.exceptions import MCPError

from gateway.errors import UpstreamError
from gateway.mcp.errors import UpstreamDown
from gateway.mcp.protocol import Params, Result
from gateway.mcp.upstream import messages
from gateway.mcp.upstream.channel import Listener, Sink
from gateway.mcp.upstream.events import Event
from gateway.mcp.upstream.http_sender import Sender
from gateway.mcp.upstream.messages import Message
from gateway.mcp.upstream.reading import events_of, too_long
from gateway.upstream.answer import UpstreamAnswer

_LEAVING_SECONDS = 2.0
_RESUMPTIONS = 2
_RETRY_MS = 1000
_MOST_QUESTIONS = 16
"""Requests of a server that are being answered at the same time, in one stream."""


class HttpChannel:
    """Speaks to one address; a session of an older server is kept by its id."""

    tells_calls_apart = True

    def __init__(self, sender: Sender, message_bytes: int) -> None:
        self._sender = sender
        self._limit = message_bytes
        self._ids = itertools.count(1)
        self._listener: Listener | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._sinks: list[Sink] = []
        """Those of the calls under way."""
        self._asked: set[asyncio.Task[None]] = set()
        self.modern = False

    def listen(self, listener: Listener) -> None:
        self._listener = listener

    def adopt(self, version: str) -> None:
        """Tell the server from now on which version of an older revision was agreed."""
        self._sender.version = version

    async def request(
        self, method: str, params: Params, headers: Mapping[str, str], sink: Sink | None = None, *, cancels: bool = True
    ) -> Result:
        id_ = next(self._ids)
        if sink is not None:
            params = {**params, "_meta": {**params.get("_meta", {}), "progressToken": id_}}
            self._sinks.append(sink)
        try:
            answer = await self._sender.open("POST", messages.request(id_, method, params), headers, wants_answer=True)
            try:
                if method == "initialize":
                    self._sender.session_id = answer.headers.get("mcp-session-id")
                return await self._result(answer, id_, sink)
            finally:
                answer.close()
        except asyncio.CancelledError:
            if cancels and not self.modern:  # newer servers are told by the closed stream
                self._leave("notifications/cancelled", {"requestId": id_, "reason": "The caller has left."})
            raise
        finally:
            if sink is not None:
                self._sinks.remove(sink)

    async def notify(self, method: str, params: Params | None = None) -> None:
        await self._post(messages.notification(method, params))

    async def end(self) -> None:
        """End the session of an older server, if there is one."""
        if self._sender.session_id is not None:
            with contextlib.suppress(UpstreamDown, MCPError, TimeoutError):
                async with asyncio.timeout(_LEAVING_SECONDS):
                    (await self._sender.open("DELETE")).close()

    async def follow(self) -> None:
        """Read what an older server says outside of any request, until its stream ends. Raises `UpstreamDown`."""
        answer = await self._sender.open("GET")
        try:
            if answer.headers.get("content-type", "").startswith("text/event-stream"):
                async with aclosing(self._events(answer)) as events:
                    async for event in events:
                        for message in messages.decode(event.data) if event.data else ():
                            await self._outside(message)
        finally:
            answer.close()
            for task in self._asked:
                task.cancel()

    async def _result(self, answer: UpstreamAnswer, id_: int, sink: Sink | None) -> Result:
        """Return the result that an answer carries. Raises `MCPError`, `UpstreamDown`."""
        media_type = answer.headers.get("content-type", "").lower()
        if media_type.startswith("text/event-stream"):
            return await self._streamed(answer, id_, sink)
        if not media_type.startswith("application/json"):
            raise UpstreamDown(self._sender.server, "it answers neither with JSON nor with a stream of events")
        for message in messages.decode(await self._whole(answer)):
            if messages.is_response(message):
                return messages.result_of(message)
        raise UpstreamDown(self._sender.server, "its answer holds no response")

    async def _whole(self, answer: UpstreamAnswer) -> bytes:
        body = bytearray()
        try:
            while part := await answer.read():
                body += part
                if len(body) > self._limit:
                    raise too_long(self._sender.server, self._limit)
        except UpstreamError as error:
            raise self._broken() from error
        return bytes(body)

    async def _streamed(self, answer: UpstreamAnswer, id_: int, sink: Sink | None) -> Result:
        """Return the result at the end of a stream, and pass on what comes before it."""
        questions: set[asyncio.Task[None]] = set()
        try:
            async with aclosing(self._messages(answer)) as found:
                async for message in found:
                    if messages.is_response(message):
                        return messages.result_of(message)
                    await self._during(message, id_, sink, questions)
        finally:
            for task in questions:
                task.cancel()
        raise self._broken()

    async def _messages(self, answer: UpstreamAnswer) -> AsyncGenerator[Message, None]:
        """Yield a stream's messages; an older server's that breaks off is taken up again after its last event."""
        last, retry_ms, current = None, _RETRY_MS, answer
        for _ in range(1 + _RESUMPTIONS):
            try:
                async with aclosing(self._events(current)) as events:
                    async for event in events:
                        last = event.id or last
                        retry_ms = retry_ms if event.retry_ms is None else event.retry_ms
                        for message in messages.decode(event.data) if event.data else ():
                            yield message
            finally:
                current.close()
            if last is None or self.modern:
                break
            await asyncio.sleep(retry_ms / 1000)
            current = await self._sender.open("GET", headers={"last-event-id": last})

    def _events(self, answer: UpstreamAnswer) -> AsyncGenerator[Event, None]:
        return events_of(answer, self._sender.server, self._limit)

    async def _during(self, message: Message, id_: int, sink: Sink | None, questions: set[asyncio.Task[None]]) -> None:
        """Take a message that came before the response of a request."""
        method, params = message.get("method"), _params(message)
        if not isinstance(method, str):
            return
        target = sink or self._listener
        if "id" in message:
            if target is not None and len(questions) < _MOST_QUESTIONS:
                task = asyncio.create_task(self._answer_question(message, target), name="question of a tool server")
                questions.add(task)
                task.add_done_callback(questions.discard)
        elif method == "notifications/progress":
            if sink is not None and params.get("progressToken") == id_:
                await messages.report(sink, params)
        elif target is not None:
            await target.notified(method, params)

    async def _outside(self, message: Message) -> None:
        """Take a message of the stream that belongs to no request.

        Older servers ask and log here too in the middle of a call: it is the call's where there is just one.
        """
        method, call = message.get("method"), self._sinks[0] if len(self._sinks) == 1 else None
        target = call or self._listener
        if not isinstance(method, str) or target is None:
            return
        if "id" in message:
            if len(self._asked) < _MOST_QUESTIONS:
                task = asyncio.create_task(self._answer_question(message, target), name="question of a tool server")
                self._asked.add(task)
                task.add_done_callback(self._asked.discard)
        elif method == "notifications/message" and call is not None:
            await call.notified(method, _params(message))
        elif self._listener is not None:
            await self._listener.notified(method, _params(message))

    async def _answer_question(self, message: Message, target: Sink | Listener) -> None:
        id_, method = message["id"], message["method"]
        try:
            result = {} if method == "ping" else await target.asked(method, _params(message))
            await self._post(messages.response(id_, result))
        except MCPError as error:
            await self._post(messages.failure(id_, error))

    async def _post(self, body: bytes) -> None:
        """Send what is not answered; what cannot be sent is dropped."""
        with contextlib.suppress(UpstreamDown, MCPError):
            (await self._sender.open("POST", body)).close()

    def _leave(self, method: str, params: Params) -> None:
        """Send a notification in the name of a task that is ending."""
        task = asyncio.create_task(self._timed(method, params), name="leaving a tool server")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _timed(self, method: str, params: Params) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEAVING_SECONDS):
                await self.notify(method, params)

    def _broken(self) -> UpstreamDown:
        return UpstreamDown(self._sender.server, "the connection ended before its answer was complete")


def _params(message: Message) -> Params:
    found = message.get("params")
    return found if isinstance(found, dict) else {}
