"""The addresses `/mcp…`: keys, persons, limits and sizes, before the SDK's server of both eras sees a request."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.lowlevel.server import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import Receive, Scope, Send

from gateway.api.authenticate import authenticate
from gateway.api.client import Answer, ClientGone, check_encoding
from gateway.config.schema import Config
from gateway.errors import ApiError, NotFound, Overloaded
from gateway.identity.caller import Caller
from gateway.identity.hashing import keyed_hash
from gateway.identity.keys import hash_secret
from gateway.identity.person import identify
from gateway.mcp.bodies import body_of, method_of, replayed
from gateway.mcp.front.exchange import METERED, McpExchange
from gateway.mcp.front.handlers import Handlers
from gateway.mcp.front.messages import noting
from gateway.mcp.front.owners import session_owner, state_owner
from gateway.mcp.front.security import check_headers
from gateway.mcp.hub import Hub
from gateway.mcp.metrics import HubCollector
from gateway.mcp.protocol import OUR_INFO
from gateway.mcp.refusing import refuse
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
        self.hub = Hub(config, runtime.client, config.data_dir / "mcp", runtime.expiring)
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
        security = RequestStateSecurity(keys=[secret], ttl=_SEALED_SECONDS, bind_principal=state_owner)
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
        exchange = McpExchange(self._runtime, scope)
        answer, send = Answer(send), noting(exchange, send)
        try:
            await self._serve(exchange, scope, receive, send)
        except ApiError as error:
            await self._settle(exchange, "refused" if error.status < 500 else "error", error.status, error.code)
            await refuse(answer, error, exchange.headers, exchange.recorder.request_id)
        except ClientGone:
            await self._settle(exchange, "cancelled", 499, "client_closed")
        except Exception:
            id_ = exchange.recorder.request_id
            log.exception("request %s failed in the gateway", id_)
            await self._settle(exchange, "error", 500, "internal_error")
            if not exchange.answered:
                words = "The gateway failed. The administrator finds the cause under the request id."
                await refuse(answer, ApiError(words), exchange.headers, id_)

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
        scope["user"] = session_owner(caller, exchange.view)
        if scope["method"] == "POST":
            body = await body_of(scope, receive, config.mcp.max_body_bytes)
            receive = replayed(body, receive)
            if method_of(body) in METERED:
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
        try:
            await self._manager.handle_request(scope, receive, send)
        finally:
            if not exchange.taken and exchange.answered:
                await exchange.settle("refused", exchange.answered, "invalid_request")
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
