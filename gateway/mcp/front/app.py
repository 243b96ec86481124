"""The addresses `/mcp…`: keys, persons, limits and sizes, before the SDK's server of both eras sees a request."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import Message, Receive, Scope, Send

from gateway.api.authenticate import authenticate
from gateway.api.client import Answer, ClientGone, check_encoding, read_body
from gateway.config.schema import Config
from gateway.errors import ApiError, NotFound, Overloaded, TooLarge
from gateway.identity.caller import Caller
from gateway.identity.hashing import keyed_hash
from gateway.identity.keys import hash_secret
from gateway.identity.person import identify
from gateway.mcp.front.exchange import METERED, McpExchange, exchange_of
from gateway.mcp.front.handlers import Handlers
from gateway.mcp.front.refusing import refuse
from gateway.mcp.front.security import check_headers
from gateway.mcp.hub import Hub
from gateway.mcp.metrics import HubCollector
from gateway.mcp.principal import principal_of
from gateway.mcp.protocol import OUR_INFO
from gateway.mcp.views import View, allowed_servers, view_of
from gateway.network import check_key, check_server, client_address
from gateway.runtime import Runtime

log = logging.getLogger("sekisho.mcp")

_PREFIX = "/mcp"
_SEALED_SECONDS = 600.0


class Front:
    """The ASGI application of a hub that runs."""

    def __init__(self, runtime: Runtime) -> None:
        config = runtime.current.config
        assert config.mcp
        self._runtime = runtime
        self._config = config
        self.hub = Hub(config, runtime.client, config.data_dir / "mcp")
        runtime.metrics.add(HubCollector(self.hub))
        self._streams: set[asyncio.Task[Any]] = set()
        """Requests of older clients that stay open for changes."""
        self._stopping = False
        self._manager = StreamableHTTPSessionManager(
            self._server(config),
            session_idle_timeout=config.mcp.session_idle_seconds,
            max_sessions=config.mcp.max_sessions,
            max_request_body_size=config.mcp.max_body_bytes,
        )

    def _server(self, config: Config) -> Server[Any]:
        server: Server[Any] = Server(OUR_INFO["name"], title=OUR_INFO["title"], version=OUR_INFO["version"])
        secret = keyed_hash(hash_secret(config), "mcp request state")
        security = RequestStateSecurity(keys=[secret], ttl=_SEALED_SECONDS, bind_principal=_bound)
        server.middleware[:] = [RequestStateBoundary(security, default_audience="sekisho"), Handlers(self.hub)]
        return server

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve as long as the block runs."""
        await self.hub.start()
        try:
            async with self._manager.run():
                yield
        finally:
            await self.hub.stop()

    def begin_stop(self) -> None:
        """End every stream that is open for changes; calls go on."""
        self._stopping = True
        self.hub.events.close()
        for task in self._streams:
            task.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange, answer = McpExchange(self._runtime, scope), Answer(send)
        try:
            await self._serve(exchange, scope, receive, send)
        except ApiError as error:
            await self._settle(exchange, "refused" if error.status < 500 else "error", error.status, error.code)
            await refuse(answer, error, exchange)
        except ClientGone:
            await self._settle(exchange, "cancelled", 499, "client_closed")

    async def _serve(self, exchange: McpExchange, scope: Scope, receive: Receive, send: Send) -> None:
        config = await self._current()
        assert config.mcp
        address = client_address(scope, exchange.headers, config.server)
        exchange.recorder.client_ip = str(address) if address else None
        check_server(address, config.server)
        check_headers(exchange.headers, config.mcp, config.server.host)
        key = await authenticate(self._runtime, exchange.headers)
        check_key(address, key.policy)
        check_encoding(exchange.headers)
        person = identify(key, exchange.headers, None, None, config.open_webui.identity_secret)
        exchange.caller = caller = Caller(key, person)
        exchange.recorder.asked_by(caller)
        exchange.view = self._view(scope["path"], config, caller)
        scope["user"] = _user(caller, exchange.view)
        if scope["method"] == "POST":
            body = await _body(scope, receive, config.mcp.max_body_bytes)
            receive = _replayed(body, receive)
            if _method(body) in METERED:
                exchange.is_call = True
                await self._metered(exchange, scope, receive, send)
                return
        if scope["method"] == "GET":
            await self._standing(scope, receive, send)
        else:
            await self._manager.handle_request(scope, receive, send)

    async def _standing(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a stream for changes until its client leaves, or the gateway stops."""
        task = asyncio.current_task()
        assert task
        self._streams.add(task)
        try:
            await self._manager.handle_request(scope, receive, send)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            task.uncancel()
        finally:
            self._streams.discard(task)

    async def _metered(self, exchange: McpExchange, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a call: within the limits, with a record also where the SDK refuses it."""
        if self._runtime.ledger.refusing:
            raise Overloaded("The gateway's disk is full. Try again later, or tell the administrator.", retry_after=30)
        await exchange.reserve()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                named = [(b"x-sekisho-request-id", exchange.recorder.request_id.encode())]
                message = {**message, "headers": [*message.get("headers", ()), *named]}
            await send(message)

        try:
            await self._manager.handle_request(scope, receive, watched)
        finally:
            if not exchange.taken and status:
                await exchange.settle("refused", status, "invalid_request")
            elif not exchange.taken:
                await exchange.settle("cancelled", 499, "client_closed")

    def _view(self, path: str, config: Config, caller: Caller) -> View:
        assert config.mcp
        view = view_of(config.mcp, path.removeprefix(_PREFIX))
        if view is None or (view.servers and not allowed_servers(view, config.mcp, caller.policy) and view.name != "*"):
            raise NotFound("There is no such tool server or view, or this key may not use it. See 'mcp' in the README.")
        return view

    async def _current(self) -> Config:
        """Return the configuration as it is now; the hub takes a changed one first."""
        config = self._runtime.current.config
        if config is not self._config and config.mcp is not None:
            self._config = config
            await self.hub.configure(config)
        if config.mcp is None:
            raise NotFound("No tool servers are configured here.")
        return config

    async def _settle(self, exchange: McpExchange, outcome: Any, status: int, code: str) -> None:
        """Record a refused call; other requests leave no record."""
        if exchange.is_call:
            await exchange.settle(outcome, status, code)


async def _body(scope: Scope, receive: Receive, limit: int) -> bytes:
    try:
        return await read_body(scope, receive, limit)
    except TooLarge:
        raise TooLarge(
            f"The request body is larger than {limit:,} bytes. Send less, or ask the administrator to raise "
            "'mcp.max_body_bytes'."
        ) from None


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body that was read already, then what comes after it."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


class _Head(msgspec.Struct):
    method: str = ""


_decode_head = msgspec.json.Decoder(_Head).decode


def _method(body: bytes) -> str:
    """Return the method of a message, as far as it can be read; the SDK says what is wrong with the rest."""
    try:
        return _decode_head(body).method
    except (msgspec.DecodeError, ValueError, RecursionError):
        return ""


def _user(caller: Caller, view: View) -> AuthenticatedUser:
    """Return to whom a session belongs: the SDK answers 404 to everybody else."""
    owner = f"{caller.key.id}@{view.name}"
    return AuthenticatedUser(AccessToken(token=caller.key.id, client_id=owner, scopes=[], subject=principal_of(caller)))


def _bound(ctx: ServerRequestContext[Any, Any]) -> str:
    """Return to whom a sealed state belongs."""
    exchange = exchange_of(ctx)
    return f"{exchange.caller.key.id}@{exchange.view.name}@{principal_of(exchange.caller)}"
