"""The server, and ways to serve it."""

import json
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import mcp_types as types
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from mcp.shared.exceptions import MCPError
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_MODERN_VERSION
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.fakes.mcp_everything.asking import Ask, Context, Fields, NeedsInput
from tests.fakes.mcp_everything.call import Call, Happened, Offer
from tests.fakes.mcp_everything.content import result, text
from tests.fakes.mcp_everything.more_tools import MORE_TOOLS
from tests.fakes.mcp_everything.offers import COMPLETIONS, PROMPTS, RESOURCES, TEMPLATES, prompt, read
from tests.fakes.mcp_everything.tools import TOOLS

Era = Literal["both", "legacy", "modern"]
_ROOT = Path(__file__).parents[3]


class _Server(Server[Any]):
    def create_initialization_options(self, *arguments: Any, **more: Any) -> Any:
        """Clients of the older era ignore changes that are not announced."""
        return super().create_initialization_options(NotificationOptions(True, True, True), *arguments[1:], **more)


class Everything:
    """The handlers of the server. Offers of `extra` come after its own tools."""

    def __init__(self, extra: Mapping[str, Offer] | None = None) -> None:
        self.happened = Happened()
        self.offers = {**TOOLS, **MORE_TOOLS, **(extra or {})}
        self.bus = InMemorySubscriptionBus()

    def server(self, name: str = "everything") -> Server[Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # logging is deprecated, and still to be served
            server: Server[Any] = _Server(
                name,
                version="1.0",
                instructions="Offers one of everything.",
                on_list_tools=self._list_tools,
                on_call_tool=self._call,
                on_list_resources=self._list_resources,
                on_list_resource_templates=self._list_templates,
                on_read_resource=self._read,
                on_subscribe_resource=self._subscribe,
                on_unsubscribe_resource=self._unsubscribe,
                on_subscriptions_listen=ListenHandler(self.bus),
                on_list_prompts=self._list_prompts,
                on_get_prompt=self._prompt,
                on_completion=self._complete,
                on_set_logging_level=self._level,
                get_tool_input_schema=self._schema,
            )
        server.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=name))
        return server

    def _schema(self, name: str) -> Fields | None:
        return self.offers[name].tool.input_schema if name in self.offers else None

    async def _list_tools(self, context: Context, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[offer.tool for offer in self.offers.values()])

    async def _call(
        self, context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        offer = self.offers.get(params.name)
        if offer is None:
            raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}")
        call = Call(context, params.arguments or {}, Ask(context, params), self.bus, self.happened)
        try:
            answer = await offer.run(call)
        except NeedsInput as needed:
            return needed.result
        return result(text(answer)) if isinstance(answer, str) else answer

    async def _list_resources(self, context: Context, params: Any) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=RESOURCES)

    async def _list_templates(self, context: Context, params: Any) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=TEMPLATES)

    async def _read(self, context: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        return read(str(params.uri), context)

    async def _subscribe(self, context: Context, params: types.SubscribeRequestParams) -> types.EmptyResult:
        self.happened.subscribed.append(str(params.uri))
        return types.EmptyResult()

    async def _unsubscribe(self, context: Context, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
        if str(params.uri) in self.happened.subscribed:
            self.happened.subscribed.remove(str(params.uri))
        return types.EmptyResult()

    async def _list_prompts(self, context: Context, params: Any) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=PROMPTS)

    async def _prompt(
        self, context: Context, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult | types.InputRequiredResult:
        try:
            return await prompt(params.name, params.arguments or {}, Ask(context, params))
        except NeedsInput as needed:
            return needed.result

    async def _complete(self, context: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        values = [each for each in COMPLETIONS if each.startswith(params.argument.value)]
        return types.CompleteResult(completion=types.Completion(values=values, total=len(values), has_more=False))

    async def _level(self, context: Context, params: types.SetLevelRequestParams) -> types.EmptyResult:
        self.happened.levels.append(params.level)
        return types.EmptyResult()


class _Events(EventStore):
    """Keeps what went out on the streams, so that a client can fetch what it missed."""

    def __init__(self) -> None:
        self._kept: list[tuple[str, types.JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: types.JSONRPCMessage | None) -> str:
        self._kept.append((stream_id, message))
        return str(len(self._kept) - 1)

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        if not last_event_id.isdigit() or int(last_event_id) >= len(self._kept):
            return None
        stream = self._kept[int(last_event_id)][0]
        for number, (each, message) in enumerate(self._kept):
            if number > int(last_event_id) and each == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


def everything_server(name: str = "everything") -> tuple[Server[Any], Everything]:
    everything = Everything()
    return everything.server(name), everything


def everything_app(era: Era = "both", everything: Everything | None = None) -> ASGIApp:
    """The server over HTTP, at `/mcp`; run it with its lifespan."""
    app = (everything or Everything()).server().streamable_http_app(event_store=_Events(), retry_interval=50)
    return app if era == "both" else _OneEra(app, era)


def everything_command(era: Era = "both") -> tuple[list[str], dict[str, str]]:
    """Return the command that serves over stdio, and the environment that it needs."""
    command = [sys.executable, "-m", "tests.fakes.mcp_everything", "stdio", "--era", era]
    return command, {"PYTHONPATH": str(_ROOT)}


class _OneEra:
    """Refuses the other era as servers do that do not know it."""

    def __init__(self, app: ASGIApp, era: Era) -> None:
        self._app, self._era = app, era

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_ours(scope):
            await self._app(scope, receive, send)
            return
        error: Fields = {"code": -32600, "message": "Bad Request: Unsupported protocol version"}
        if self._era == "modern":
            data = {"supported": [LATEST_MODERN_VERSION], "requested": "2025-11-25"}
            error = {"code": types.UNSUPPORTED_PROTOCOL_VERSION, "message": "Unsupported version", "data": data}
        body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()
        await send({"type": "http.response.start", "status": 400, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})

    def _is_ours(self, scope: Scope) -> bool:
        version = dict(scope["headers"]).get(b"mcp-protocol-version", b"2025-11-25").decode("latin-1")
        return (version in HANDSHAKE_PROTOCOL_VERSIONS) == (self._era == "legacy")
