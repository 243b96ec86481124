"""The gateway as an ASGI application."""

import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.admin import admin_routes, metrics
from gateway.api.claude_code import claude_code_routes
from gateway.api.console_link import ConsoleLink
from gateway.api.generate import Generate
from gateway.api.health import healthz, readyz
from gateway.api.hello import hello_routes
from gateway.api.me import Me
from gateway.api.models import Models
from gateway.api.network_guard import NetworkGuard
from gateway.api.notices import notice_routes
from gateway.api.opencode import opencode_routes
from gateway.api.own_keys import own_key_routes
from gateway.api.speeds import Speeds
from gateway.api.stored_responses import StoredResponses
from gateway.api.unknown import not_served
from gateway.api.usage import MyUsage
from gateway.api.voices import Voices
from gateway.api.websocket import no_websocket
from gateway.console.pages import console_routes
from gateway.dialects import gemini
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.endpoints import ENDPOINTS
from gateway.dialects.responses import RESPONSES
from gateway.errors import SekishoError
from gateway.failures import Refused, in_words
from gateway.mcp.account_routes import account_routes
from gateway.mcp.accounts import Accounts
from gateway.mcp.lazy import ToolServers
from gateway.oauth.routes import oauth_routes
from gateway.oauth.server import AuthorizationServer
from gateway.openapi.route import openapi_routes
from gateway.reload import watching
from gateway.reports.query_runner import QueryRunner
from gateway.runtime import Runtime
from gateway.serving.connections import Connections
from gateway.serving.life import draining, ending_with_parent


def create_app(runtime: Runtime, config_file: Path, endpoints: Sequence[Endpoint] = ENDPOINTS) -> Starlette:
    """Return routes and life span; the configuration is watched while the application lives."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            await runtime.start()
        except SekishoError as error:
            runtime.failed = error
            raise
        except Exception as error:
            if words := in_words(error):
                runtime.failed = Refused(words)
            raise
        _calm_collector()
        connections = runtime.connections
        async with (
            tool_servers.running(),
            watching(config_file, runtime),
            connections.sweeping(),
            ending_with_parent(),
            draining(connections, begin_stop),
        ):
            yield
        await app.state.answers.stop()
        await runtime.stop()

    tool_servers = ToolServers(runtime)
    accounts = Accounts(runtime, tool_servers)

    def begin_stop() -> None:
        runtime.begin_stop()
        tool_servers.begin_stop()

    app = Starlette(
        routes=[*_routes(runtime, endpoints), *_tool_routes(tool_servers), *account_routes(runtime, accounts)],
        lifespan=lifespan,
        middleware=[Middleware(NetworkGuard, runtime=runtime)],
        exception_handlers={HTTPException: not_served},
    )
    # Its redirects are built from the client's Host header; `FastLane` serves such addresses instead.
    app.router.redirect_slashes = False
    app.state.runtime = runtime
    app.state.tool_servers = tool_servers
    app.state.tool_accounts = accounts
    app.state.answers = QueryRunner(config_file)
    app.state.endpoints = {endpoint.path: endpoint for endpoint in endpoints}
    return app


def _calm_collector() -> None:
    """Let the garbage collector look rarely: what is there at the start is no garbage, and requests make few cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


_TOOLS, _TOOL_METHODS = "/mcp", ("GET", "POST", "DELETE")


class FastLane:
    """The model routes by their exact path, and tool servers, before any other routing.

    They answer for themselves in every case, and look at the caller's network themselves.
    """

    def __init__(self, app: Starlette) -> None:
        routes = (route for route in app.routes if isinstance(route, Route) and isinstance(route.app, Generate))
        self._exact: dict[str, ASGIApp] = {route.path: route.app for route in routes}
        self._app = app
        self.connections: Connections = app.state.runtime.connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/") and scope["path"] != "/":
            scope = {**scope, "path": scope["path"][:-1]}
        if scope["type"] == "lifespan":
            send = self._without_trace(send)
        found = self._of(scope["method"], scope["path"]) if scope["type"] == "http" else None
        await (found or self._app)(scope, receive, send)

    def _of(self, method: str, path: str) -> ASGIApp | None:
        """Return who serves a request without any routing."""
        if method in _TOOL_METHODS and (path == _TOOLS or path.startswith(f"{_TOOLS}/")):
            state = self._app.state
            return state.tool_servers if state.runtime.current.config.mcp is not None else None
        return self._exact.get(path) if method == "POST" else None

    def _without_trace(self, send: Send) -> Send:
        """Say in words what keeps the gateway from starting; Starlette says it as a stack trace."""

        async def send_in_words(message: Message) -> None:
            failed = self._app.state.runtime.failed
            await send({**message, "message": str(failed)} if failed else message)

        return send_in_words


def _tool_routes(tool_servers: ToolServers) -> list[BaseRoute]:
    paths = (_TOOLS, f"{_TOOLS}/view/{{view}}", f"{_TOOLS}/{{server}}")
    return [Route(path, tool_servers, methods=list(_TOOL_METHODS)) for path in paths]


def _stored(runtime: Runtime) -> list[BaseRoute]:
    """Return the routes of answers that are kept: those of Responses alone have ids."""
    path = f"/v1{RESPONSES.path}/{{id}}"
    return [
        Route(path, StoredResponses(runtime), methods=["GET", "DELETE"]),
        Route(f"{path}/input_items", StoredResponses(runtime, "input_items"), methods=["GET"]),
        Route(f"{path}/cancel", StoredResponses(runtime, "cancel"), methods=["POST"]),
    ]


def _routes(runtime: Runtime, endpoints: Sequence[Endpoint]) -> list[BaseRoute]:
    generate = [
        Route(path, Generate(each, runtime), methods=["POST"])
        for each in endpoints
        for path in (f"/v1{each.path}", *each.also)
    ]
    return [
        *generate,
        *no_websocket(f"/v1{RESPONSES.path}"),
        *_stored(runtime),
        *(Route(f"{base}models", Models(runtime), methods=["GET"]) for base in ("/v1/", gemini.BASE)),
        *(Route(f"{base}models/{{name:path}}", Models(runtime), methods=["GET"]) for base in ("/v1/", gemini.BASE)),
        Route("/v1/audio/voices", Voices(runtime), methods=["GET"]),
        *hello_routes(),
        Route("/v1/me", Me(runtime), methods=["GET"]),
        Route("/v1/me/usage", MyUsage(runtime), methods=["GET"]),
        Route("/v1/me/speeds", Speeds(runtime), methods=["GET"]),
        Route("/v1/me/console-link", ConsoleLink(runtime), methods=["POST"]),
        *own_key_routes(runtime),
        *notice_routes(runtime),
        *claude_code_routes(runtime),
        *opencode_routes(runtime),
        *oauth_routes(AuthorizationServer(runtime)),
        *admin_routes(),
        *console_routes(runtime),
        *openapi_routes(),
        Route("/metrics", metrics),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
    ]
