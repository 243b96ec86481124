"""One request of a client on its way to a server, in all four pairs of eras."""

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from gateway.mcp.deadline import Deadline
from gateway.mcp.errors import SessionLost, UpstreamDown
from gateway.mcp.front.client import Client
from gateway.mcp.protocol import CONNECTION_CLOSED, Params, Result
from gateway.mcp.relay.asking import answered_here, answers_of, ask_client, questions_of
from gateway.mcp.relay.failures import raise_missing, translated, unless_missing, url_questions
from gateway.mcp.relay.parked import Parked, ParkedCall
from gateway.mcp.relay.request import Request, carried_on, may_repeat, offered, owner_of, param_headers, plain_params
from gateway.mcp.relay.sink import Ask, AskModel, CallSink, Model
from gateway.mcp.relay.state import State, decode, encode
from gateway.mcp.upstream.connection import Connection
from gateway.mcp.upstream.pool import Pool

MOST_ROUNDS = 10


class Forwarder:
    """Sends requests to servers, and brings their questions to the clients."""

    def __init__(self, pool: Pool, parked: Parked) -> None:
        self._pool = pool
        self._parked = parked
        self.ask_model: AskModel | None = None
        """Puts a server's question to a model of the gateway, where that is configured."""

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
        again = carried_on(found, answered)
        async with Deadline(request.timeouts.call, request.timeouts.total) as deadline:
            sink = CallSink(client, deadline, self._asks(client, request.timeouts.ask), self._model(request))
            return await self._sent(request, sink, again)

    def _asks(self, client: Client, seconds: float) -> Ask:
        async def ask(method: str, params: Params) -> Result:
            return await ask_client(client, method, params, seconds)

        return ask

    def _model(self, request: Request) -> Model | None:
        ask, sampling = self.ask_model, request.group.way.server.sampling
        return None if ask is None or sampling is None else lambda params: ask(request.client, params, sampling)

    async def _parkable(self, request: Request) -> Result:
        """Run a call in a task of its own, which can wait for its client."""
        call = self._parked.begin(owner_of(request.client))
        answered = request.params.get("inputResponses")
        state = request.params.get("requestState")
        again = carried_on(decode(state, request.server) if isinstance(state, str) else None, answered)

        async def work() -> Result:
            async with Deadline(request.timeouts.call, request.timeouts.total) as deadline:
                sink = CallSink(request.client, deadline, call.ask, self._model(request))
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
            if not may_repeat(request):
                raise
            return await self._once(request, sink, again)

    async def _once(self, request: Request, sink: CallSink, again: Params) -> Result:
        async with self._pool.use(request.group, offered(request)) as connection:
            try:
                if connection.session.peer.era == "modern":
                    return await self._to_modern(request, connection, sink, again)
                return unless_missing(await self._to_legacy(request, connection, sink), request.client, sink)
            except SessionLost:
                connection.closed = True
                raise
            except MCPError as error:
                if error.code == CONNECTION_CLOSED and connection.seems_gone():
                    words = connection.last_words()
                    raise UpstreamDown(request.server, "it ended while the call ran", words) from error
                raise_missing(request.client, sink, error)
                raise translated(error, request.method, connection.session.peer.era, request.client.modern) from error
            finally:
                await sink.flush()

    async def _to_modern(self, request: Request, connection: Connection, sink: CallSink, again: Params) -> Result:
        """Ask a newer server; its questions go to a newer client as they are, to an older one one by one."""
        client, asked = request.client, {**plain_params(request.params), **again}
        for _ in range(MOST_ROUNDS):
            result = await connection.session.request(
                request.method,
                asked,
                capabilities=offered(request),
                log_level=client.log_level,
                sink=sink,
                headers=param_headers(request),
            )
            if result.get("resultType") != "input_required":
                return result
            questions = questions_of(result, request.server)
            if client.modern:
                answers, left = await answered_here(questions, sink)
                if left or not questions:
                    state = encode(State("upstream", request.server, result.get("requestState"), answers))
                    return {**result, **({"inputRequests": left} if questions else {}), "requestState": state}
                again = {"inputResponses": answers}
            else:
                again = await answers_of(client, questions, sink)
            asked = {**plain_params(request.params), **again}
            if isinstance(result.get("requestState"), str):
                asked["requestState"] = result["requestState"]
        raise MCPError(INTERNAL_ERROR, f"The tool server asked more than {MOST_ROUNDS} times in a row.")

    async def _to_legacy(self, request: Request, connection: Connection, sink: CallSink) -> Result:
        client = request.client
        try:
            return await connection.session.request(
                request.method, plain_params(request.params), log_level=client.log_level, sink=sink
            )
        except MCPError as error:
            if client.modern and (questions := url_questions(error, client)):
                state = encode(State("upstream", request.server))
                return {"resultType": "input_required", "inputRequests": questions, "requestState": state}
            raise
