"""Calls of newer clients, served without the SDK's machinery for each request; what is not plain is left to the SDK."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
from mcp.server.context import ServerRequestContext
from mcp.server.runner import modern_error_data
from mcp.server.streamable_http import check_accept_headers
from mcp.shared.inbound import ERROR_CODE_HTTP_STATUS, InboundModernRoute, classify_inbound_request
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.types import Receive, Scope, Send

from gateway.api.client import Answer, UntilGone
from gateway.errors import ApiError
from gateway.mcp.front.exchange import McpExchange
from gateway.mcp.protocol import Params

log = logging.getLogger("sekisho.mcp")

Context = ServerRequestContext[Any, Any]
Handle = Callable[[Context], Awaitable[Any]]

_PING_SECONDS = 15.0
_PING = b": ping\r\n\r\n"
_STREAM = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class NewerCalls:
    """Serves one request at a time of clients that speak 2026-07-28 or newer. `handle` is what the SDK would call."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def serve(self, exchange: McpExchange, scope: Scope, receive: Receive, send: Send, body: bytes) -> bool:
        """Serve a request; return False, with nothing done, where it is none that is well-formed in every way."""
        message = _plain(exchange, scope, body)
        if message is None:
            return False
        answering = _Answering(message["id"], send)
        version = message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"]
        ctx: Context = ServerRequestContext(
            session=cast(Any, _Session(answering)),
            lifespan_context={},
            protocol_version=version,
            method=message["method"],
            params=message["params"],
            request_id=message["id"],
            request=_Request(scope),
        )
        try:
            async with UntilGone(receive, answering.answer):
                try:
                    said, status = {"result": await self._handle(ctx)}, 200
                except ApiError:
                    raise  # an answer of HTTP: nothing has begun
                except Exception as error:
                    found = modern_error_data(error)
                    data = {} if found.data is None else {"data": found.data}
                    said = {"error": {"code": found.code, "message": found.message, **data}}
                    status = ERROR_CODE_HTTP_STATUS.get(found.code, 200)
                await answering.end(said, status)
        finally:
            answering.close()
        return True


class _Answering:
    """The answer to one request: JSON, or a stream from the first notification or a long silence on."""

    def __init__(self, id_: int | str, send: Send) -> None:
        self.answer = Answer(send)
        self._id = id_
        self._send = send
        self._turn = asyncio.Lock()
        self._timer = asyncio.get_running_loop().call_later(_PING_SECONDS, self._begin_pings)
        self._pings: asyncio.Task[None] | None = None

    async def notify(self, method: str, params: Params | None, _: Any = None) -> None:
        """Send a notification; after the end there is none."""
        named = {} if params is None else {"params": params}
        await self._event(_event({"jsonrpc": "2.0", "method": method, **named}))

    async def end(self, said: Params, status: int) -> None:
        """Send the response."""
        self.close()
        message = {"jsonrpc": "2.0", "id": self._id, **said}
        async with self._turn:
            if not self.answer.started:
                await self.answer.whole(status, [], _encode(message))
                return
            self.answer.ended = True
            await self._send({"type": "http.response.body", "body": _event(message), "more_body": False})

    def close(self) -> None:
        """Send no more of what keeps the connection open."""
        self._timer.cancel()
        if self._pings:
            self._pings.cancel()

    def _begin_pings(self) -> None:
        self._pings = asyncio.create_task(self._ping(), name="keeping a call's stream open")

    async def _ping(self) -> None:
        while True:
            await self._event(_PING)
            await asyncio.sleep(_PING_SECONDS)

    async def _event(self, event: bytes) -> None:
        async with self._turn:
            if self.answer.ended:
                return
            if not self.answer.started:
                self.answer.started = True
                await self._send({"type": "http.response.start", "status": 200, "headers": _STREAM})
            await self._send({"type": "http.response.body", "body": event, "more_body": True})


class _Request:
    """What handlers need of an HTTP request."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope


class _Connection:
    """Of a newer client: nothing was to be agreed on."""

    initialize_accepted = True


class _Session:
    """What handlers need of the SDK's session."""

    _connection = _Connection()

    def __init__(self, outbound: _Answering) -> None:
        self._request_outbound = outbound


def _plain(exchange: McpExchange, scope: Scope, body: bytes) -> dict[str, Any] | None:
    """Return a well-formed request of a newer client that says the same in head and body; None for anything else."""
    names = [name for name, _ in scope["headers"] if name.startswith((b"mcp-", b"content-type", b"accept"))]
    headers = exchange.headers
    if len(names) != len(set(names)) or headers.get("mcp-protocol-version") not in MODERN_PROTOCOL_VERSIONS:
        return None
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return None
    if not all(check_accept_headers(cast(Any, exchange))):
        return None
    try:
        message = _decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not isinstance(message.get("method"), str):
        return None
    id_ = message.get("id")
    if not isinstance(id_, int | str) or isinstance(id_, bool):
        return None
    return message if isinstance(classify_inbound_request(message, headers=headers), InboundModernRoute) else None


def _event(message: Params) -> bytes:
    return b"event: message\r\ndata: %b\r\n\r\n" % _encode(message)
