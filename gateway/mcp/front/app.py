"""The addresses `/mcp…`: keys, persons, limits and sizes, before the SDK's server of both eras sees a request."""

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from mcp_types import METHOD_NOT_FOUND
from starlette.types import Receive, Scope, Send

from gateway.api.authenticate import authenticate
from gateway.api.client import Answer, ClientGone, check_encoding
from gateway.config.mcp import Mcp
from gateway.config.schema import Config
from gateway.errors import ApiError, NotFound, Overloaded
from gateway.identity.caller import Caller
from gateway.identity.hashing import keyed_hash
from gateway.identity.keys import hash_secret
from gateway.identity.person import identify
from gateway.mcp.bodies import body_of, head_of, replayed
from gateway.mcp.front.exchange import METERED, McpExchange
from gateway.mcp.front.handlers import Handlers
from gateway.mcp.front.messages import noting
from gateway.mcp.front.model import model_asker
from gateway.mcp.front.newer import NewerCalls
from gateway.mcp.front.owners import session_owner, state_owner
from gateway.mcp.front.security import check_headers
from gateway.mcp.front.whose import hub_asked, without_hub
from gateway.mcp.hearing import Heard
from gateway.mcp.hub import Hub
from gateway.mcp.metrics import HubCollector
from gateway.mcp.protocol import OUR_INFO
from gateway.mcp.refusing import refuse
from gateway.mcp.standing import Standing, lasts
from gateway.mcp.views import View, allowed_servers, view_of
from gateway.network import check_key, check_server, client_address
from gateway.runtime import Runtime

if TYPE_CHECKING:
    from gateway.mcp.machines.machines import Machines

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
        self._secret = hash_secret(config)
        name = secrets.token_hex(8) if config.shared_state else ""
        self.hub = Hub(config, runtime.client, config.data_dir / "mcp", runtime.expiring, name)
        self.hub.forwarder.ask_model = model_asker(runtime)
        self._machines = self._linked(name, config) if config.shared_state else None
        runtime.metrics.add(HubCollector(self.hub))
        self._standing = Standing()
        self._manager = StreamableHTTPSessionManager(
            self._server(config),
            session_idle_timeout=config.mcp.session_idle_seconds,
            max_sessions=config.mcp.max_sessions,
            max_request_body_size=config.mcp.max_body_bytes,
        )

    def _linked(self, name: str, config: Config) -> "Machines":
        """Connect the hub with those of other machines."""
        from gateway.mcp.machines.machines import Machines  # with a client of Redis, which most gateways need not

        found = Machines(name, config, self._secret, self, Heard(self.hub))
        self.hub.tell = found.tell
        return found

    def _server(self, config: Config) -> Server[Any]:
        server: Server[Any] = Server(OUR_INFO["name"], title=OUR_INFO["title"], version=OUR_INFO["version"])
        secret = keyed_hash(self._secret, "mcp request state")
        security = RequestStateSecurity(keys=[secret], ttl=_SEALED_SECONDS, bind_principal=state_owner)
        self._codec = security.codec
        boundary, handlers = RequestStateBoundary(security, default_audience="sekisho"), Handlers(self.hub)
        server.middleware[:] = [boundary, handlers]
        self._newer = NewerCalls(lambda ctx: boundary(ctx, lambda inner: handlers(inner, _nobody_else)))
        return server

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve as long as the block runs."""
        await self.hub.start()
        try:
            async with self._manager.run():
                if self._machines:
                    await self._machines.start()
                yield
        finally:
            if self._machines:
                await self._machines.stop()
            await self.hub.stop()

    def begin_stop(self) -> None:
        """End every stream that is open for changes; calls go on."""
        self.hub.events.close()
        self._standing.end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = McpExchange(self._runtime, scope)
        noted = noting(exchange, send, self.hub.machine)
        answer = Answer(send)
        try:
            await self._serve(exchange, scope, receive, noted, send)
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

    async def _serve(self, exchange: McpExchange, scope: Scope, receive: Receive, send: Send, bare: Send) -> None:
        """Serve a request here, or let the machine do so that it belongs to, whose answer goes out as it is."""
        config = await self._admitted(exchange, scope)
        body = await body_of(scope, receive, config.max_body_bytes) if scope["method"] == "POST" else b""
        head = head_of(body)
        if scope["method"] == "POST":
            receive = replayed(body, receive)
        if self._machines:
            hub = hub_asked(scope, head, self._codec)
            if hub is not None and hub != self.hub.machine:
                with self._standing.noted() if lasts(scope["method"], head.method) else nullcontext():
                    await self._machines.serve(hub, scope, receive, bare, body)
                return
            scope = without_hub(scope, self.hub.machine)
        if head.method in METERED:
            exchange.is_call = True
            await self._recorded(exchange, scope, receive, send, body)
        else:  # a newer client's stream is ended in good order, by the events
            with self._standing.noted() if scope["method"] == "GET" else nullcontext():
                await self._manager.handle_request(scope, receive, send)

    async def _admitted(self, exchange: McpExchange, scope: Scope) -> Mcp:
        """Find out who asks, and for which view. Raises `ApiError` for who may not."""
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
        exchange.caller = caller = self._runtime.current.caller(self._runtime.keys, key, person)
        exchange.recorder.asked_by(caller)
        exchange.view = self._view(scope["path"], config, caller)
        scope["user"] = session_owner(caller, exchange.view)
        return config.mcp

    async def _recorded(self, exchange: McpExchange, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Serve a call, and keep arguments and result of keys whose content is recorded."""
        contents = self._runtime.contents
        if not contents.wants(exchange.caller.key.alias):
            await self._metered(exchange, scope, receive, send, body)
            return
        capture = contents.capture(body, send)
        try:
            await self._metered(exchange, scope, receive, capture, body)
        finally:
            if exchange.recorder.record:
                contents.write(exchange.recorder.record, capture)

    async def _metered(self, exchange: McpExchange, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Serve a call: within the limits, with a record also where the SDK refuses it."""
        if self._runtime.ledger.refusing:
            raise Overloaded("The gateway's disk is full. Try again later, or tell the administrator.", retry_after=30)
        await exchange.reserve()
        try:
            if not await self._newer.serve(exchange, scope, receive, send, body):
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


async def _nobody_else(ctx: ServerRequestContext[Any, Any]) -> None:
    """Serve what no handler of ours does; calls all have one."""
    raise MCPError(METHOD_NOT_FOUND, "Method not found", data=ctx.method)
