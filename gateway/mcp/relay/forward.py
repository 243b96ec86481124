"""One request of a client on its way to a server, in all four pairs of eras."""

from collections.abc import Mapping
from typing import Any

import msgspec
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import mcp_param_headers, x_mcp_header_map
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, MISSING_REQUIRED_CLIENT_CAPABILITY

from gateway.config.mcp import McpTimeouts
from gateway.mcp.capabilities import missing_for
from gateway.mcp.catalog.clean import Entry
from gateway.mcp.deadline import Deadline
from gateway.mcp.errors import SessionLost, UpstreamDown
from gateway.mcp.front.client import Client
from gateway.mcp.protocol import (
    CONNECTION_CLOSED,
    META,
    RESOURCE_NOT_FOUND,
    URL_ELICITATION_REQUIRED,
    Params,
    Result,
    foreign_meta,
)
from gateway.mcp.relay.asking import answers_of, ask_client, questions_of
from gateway.mcp.relay.parked import Parked, ParkedCall
from gateway.mcp.relay.sink import Ask, CallSink
from gateway.mcp.relay.state import State, decode, encode
from gateway.mcp.upstream.connection import Connection
from gateway.mcp.upstream.pool import Group, Pool
from gateway.mcp.upstream.session import Era

MOST_ROUNDS = 10
_ONLY_MODERN = ("inputResponses", "requestState")


class Request(msgspec.Struct, frozen=True):
    """A request with the server's own names in it."""

    client: Client
    group: Group
    method: str
    params: Params
    era: Era | None
    """Of the server, as far as it is known."""
    tool: Entry | None = None
    """The definition of the tool that is called."""

    @property
    def server(self) -> str:
        return self.group.way.name

    @property
    def timeouts(self) -> McpTimeouts:
        return self.group.way.server.timeouts


class Forwarder:
    """Sends requests to servers, and brings their questions to the clients."""

    def __init__(self, pool: Pool, parked: Parked) -> None:
        self._pool = pool
        self._parked = parked

    async def send(self, request: Request) -> Result:
        """Return the server's result, which may be questions for a newer client.

        Raises `MCPError`, `UpstreamDown`, `TimeoutError`.
        """
        client, state = request.client, request.params.get("requestState")
        answered = request.params.get("inputResponses")
        found = decode(state, request.server) if isinstance(state, str) else None
        if found and found.kind == "parked":
            call = self._parked.find(found.value or "", owner_of(client))
            call.answer(answered if isinstance(answered, dict) else {})
            return await self._outcome(call, client, request.server)
        if client.modern and client.capabilities and request.era != "modern":
            return await self._parkable(request)
        again = _again(found, answered)
        async with Deadline(request.timeouts.call, request.timeouts.total) as deadline:
            sink = CallSink(client, deadline, self._asks(client, request.timeouts.ask))
            return await self._sent(request, sink, again)

    def _asks(self, client: Client, seconds: float) -> Ask:
        async def ask(method: str, params: Params) -> Result:
            return await ask_client(client, method, params, seconds)

        return ask

    async def _parkable(self, request: Request) -> Result:
        """Run a call in a task of its own, which can wait for its client."""
        call = self._parked.begin(owner_of(request.client))
        answered = request.params.get("inputResponses")
        state = request.params.get("requestState")
        again = _again(decode(state, request.server) if isinstance(state, str) else None, answered)

        async def work() -> Result:
            async with Deadline(request.timeouts.call, request.timeouts.total) as deadline:
                sink = CallSink(request.client, deadline, call.ask)
                call.attend = sink.attend
                return await self._sent(request, sink, again)

        call.run(work())
        return await self._outcome(call, request.client, request.server)

    async def _outcome(self, call: ParkedCall, client: Client, server: str) -> Result:
        call.attend(client)
        result = await call.outcome()
        if result is not None:
            return result
        self._parked.keep(call)
        state = encode(State("parked", server, call.id))
        return {"resultType": "input_required", "inputRequests": call.questions(), "requestState": state}

    async def _sent(self, request: Request, sink: CallSink, again: Params) -> Result:
        try:
            return await self._once(request, sink, again)
        except SessionLost:
            return await self._once(request, sink, again)  # it was refused, so nothing of it was done
        except UpstreamDown:
            if not _may_repeat(request):
                raise
            return await self._once(request, sink, again)

    async def _once(self, request: Request, sink: CallSink, again: Params) -> Result:
        async with self._pool.use(request.group, request.client.capabilities) as connection:
            try:
                if connection.session.peer.era == "modern":
                    return await self._to_modern(request, connection, sink, again)
                return _unless_missing(await self._to_legacy(request, connection, sink), request.client, sink)
            except SessionLost:
                connection.closed = True
                raise
            except MCPError as error:
                if error.code == CONNECTION_CLOSED and connection.seems_gone():
                    words = connection.last_words()
                    raise UpstreamDown(request.server, "it ended while the call ran", words) from error
                _raise_missing(request.client, sink, error)
                raise _translated(error, request.method, request.client) from error
            finally:
                await sink.flush()

    async def _to_modern(self, request: Request, connection: Connection, sink: CallSink, again: Params) -> Result:
        """Ask a newer server; its questions go to a newer client as they are, to an older one one by one."""
        client, asked = request.client, {**_plain(request.params), **again}
        for _ in range(MOST_ROUNDS):
            result = await connection.session.request(
                request.method,
                asked,
                capabilities=client.capabilities,
                log_level=client.log_level,
                sink=sink,
                headers=_param_headers(request),
            )
            if result.get("resultType") != "input_required":
                return result
            questions = questions_of(result, request.server)
            if client.modern:
                state = encode(State("upstream", request.server, result.get("requestState")))
                return {**result, "requestState": state}
            asked = {**_plain(request.params), **await answers_of(client, questions, sink)}
            if isinstance(result.get("requestState"), str):
                asked["requestState"] = result["requestState"]
        raise MCPError(INTERNAL_ERROR, f"The tool server asked more than {MOST_ROUNDS} times in a row.")

    async def _to_legacy(self, request: Request, connection: Connection, sink: CallSink) -> Result:
        client = request.client
        try:
            return await connection.session.request(
                request.method, _plain(request.params), log_level=client.log_level, sink=sink
            )
        except MCPError as error:
            if client.modern and (questions := _url_questions(error, client)):
                state = encode(State("upstream", request.server))
                return {"resultType": "input_required", "inputRequests": questions, "requestState": state}
            raise


def owner_of(client: Client) -> str:
    """Return to whom a call that waits, or the rest of a result, belongs."""
    return f"{client.caller.key.id}@{client.view.name}@{client.principal}"


def _again(state: State | None, answered: Any) -> Params:
    """Return what a repeated request carries to a newer server besides the request."""
    again: Params = {"inputResponses": answered} if isinstance(answered, dict) else {}
    return {**again, "requestState": state.value} if state and state.value is not None else again


def _plain(params: Params) -> Params:
    """Return a request without what belongs to the client's own round."""
    plain = {name: value for name, value in params.items() if name not in _ONLY_MODERN and name != META}
    meta = foreign_meta(params)
    return {**plain, META: meta} if meta else plain


def _param_headers(request: Request) -> Mapping[str, str]:
    """Return the headers in which a newer server wants some arguments repeated."""
    schema, arguments = (request.tool or {}).get("inputSchema"), request.params.get("arguments")
    if request.group.way.server.url is None or schema is None:
        return {}
    table = x_mcp_header_map(schema)
    return mcp_param_headers(table, arguments if isinstance(arguments, dict) else {}) if table else {}


def _may_repeat(request: Request) -> bool:
    """Return whether a call that broke off may be made again: where the configuration believes the server in this."""
    annotations = (request.tool or {}).get("annotations") or {}
    harmless = annotations.get("readOnlyHint") is True or annotations.get("idempotentHint") is True
    return request.group.way.server.retry_read_only and harmless


def _url_questions(error: MCPError, client: Client) -> Params:
    """Return the addresses that a person must visit first, as questions for a newer client."""
    if error.code != URL_ELICITATION_REQUIRED or not isinstance(error.data, dict):
        return {}
    listed = error.data.get("elicitations")
    questions: Params = {}
    for number, each in enumerate(listed if isinstance(listed, list) else (), 1):
        if isinstance(each, dict) and missing_for("elicitation/create", each, client.capabilities) is None:
            params = {name: value for name, value in each.items() if name != "elicitationId"}
            questions[f"q{number}"] = {"method": "elicitation/create", "params": params}
    return questions


def _unless_missing(result: Result, client: Client, sink: CallSink) -> Result:
    """Return a result, unless it is the failure of a tool that could not ask. Raises `MCPError` then."""
    if result.get("isError"):
        _raise_missing(client, sink, None)
    return result


def _raise_missing(client: Client, sink: CallSink, cause: MCPError | None) -> None:
    """Say to a newer client what it would have to be able to do, where a call failed for want of it."""
    if client.modern and sink.missing:
        (name,) = sink.missing
        words = f"This call asks for something that needs the client's capability '{name}'."
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, words, {"requiredCapabilities": sink.missing}) from cause


def _translated(error: MCPError, method: str, client: Client) -> MCPError:
    """Return an error under the number that the client's revision knows."""
    if error.code == RESOURCE_NOT_FOUND and client.modern:
        return MCPError(INVALID_PARAMS, error.message, error.data)
    if error.code == INVALID_PARAMS and method == "resources/read" and not client.modern:
        return MCPError(RESOURCE_NOT_FOUND, error.message, error.data)
    return error
