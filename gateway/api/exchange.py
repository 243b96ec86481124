"""One request on its way: where it runs, its answer, and its one record."""

import logging
import time
from collections.abc import Sequence

from starlette.types import Scope, Send

from gateway.api.ask import Ask
from gateway.api.client import Answer, Headers, headers_of
from gateway.api.telling import error_body, error_event, note, reader_of
from gateway.api.unified_limits import budget_headers, used_up_headers
from gateway.bodies import Share
from gateway.continuations.store import owner
from gateway.dialects import messages
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.usage import Usage
from gateway.errors import ApiError, UpstreamError
from gateway.fetching.fetcher import Fetched, Wanted
from gateway.identity.client import calling_client
from gateway.ledger.contents import Capture
from gateway.ledger.record import Outcome
from gateway.ledger.recorder import Recorder
from gateway.limits.limit import LimitStatus, ratelimit_headers, soft_budget_headers
from gateway.plan import Snapshot
from gateway.routing.serving import Serving
from gateway.routing.target import Target
from gateway.runtime import Runtime
from gateway.wording.reader import Reader

log = logging.getLogger("sekisho.requests")

CLIENT_CLOSED = 499
"""nginx's status for a client that left; LiteLLM logs it too."""
ESTIMATED = (b"x-sekisho-estimated", b"input_tokens")
"""The header of an answer whose count of the prompt's tokens is ours."""
_LONGEST_DROPPED = 1000
"""Of a header's value, in characters."""


class Exchange:
    """Carries what the parts of serving share: the client's side, the running place, and what is recorded."""

    def __init__(self, endpoint: Endpoint, runtime: Runtime, scope: Scope, send: Send) -> None:
        self.endpoint = endpoint
        """The client's."""
        self.runtime = runtime
        self.snapshot: Snapshot = runtime.current
        self.headers = headers_of(scope)
        self.query = scope.get("query_string", b"").decode("latin-1")
        self.answer = Answer(send)
        self.recorder = Recorder(
            api=endpoint.dialect,
            task=endpoint.task,
            client=calling_client(self.headers),
            client_ip=scope["client"][0] if scope.get("client") else None,
        )
        self.trace = runtime.tracing.begin(endpoint.path, self.headers) if runtime.tracing else None
        self.share: Share | None = None
        """What its body holds of the memory for long ones."""
        self.content: Capture | None = None
        """What is recorded of prompt and answer; most keys have it off."""
        self.limit_statuses: Sequence[LimitStatus] = ()
        """How the caller's limits stand; told in the answer's headers."""
        self.events_sent = 0
        """Of the upstream's, where its stream broke: an error event is numbered after them."""
        self.estimated = False
        """The answer tells the client a count of tokens that is our estimate."""
        self.dropped: Sequence[str] = ()
        """What of the request the upstream did not get, as its dialect has no place for it."""
        self.media: dict[Wanted, Fetched] = {}
        """What was fetched of the web for the request."""
        self.target: Target | None = None
        """The deployment that was asked last."""
        self.asked_at: float | None = None
        """When that was (`time.perf_counter`)."""
        self._running: tuple[Target, int] | None = None
        """Where the request runs, with the tokens that count as outstanding there."""

    @property
    def tells_cost(self) -> bool:
        """Return whether `usage` of a chat answer says what it cost: the chat's own page shows it."""
        caller = self.recorder.caller
        return caller is not None and caller.is_open_webui

    def reader(self, error: ApiError) -> Reader:
        """Return who reads an error of this request."""
        recorder = self.recorder
        return reader_of(error, recorder.caller, self.headers, recorder.model, self.snapshot)

    async def enter(self, servings: Sequence[Serving], ask: Ask) -> Serving:
        """Wait for a place at one of `servings`; until `release` the request counts as running there. Raises `Busy`."""
        self.release()
        began = time.perf_counter()
        target = await self.runtime.gate.enter(
            [serving.target for serving in servings], ask.traffic_class, ask.caller.user_id or ask.caller.key.id
        )
        self.target, self.asked_at = target, time.perf_counter()
        self._running = target, ask.hints.tokens
        target.health.tokens += ask.hints.tokens
        recorder = self.recorder
        recorder.queued(self.asked_at - began)
        recorder.attempts += 1
        recorder.served_by = target.record_fields
        if target.model.name != recorder.model:
            recorder.served_by = {**target.record_fields, "fallback_from": recorder.model}
        return next(serving for serving in servings if serving.target is target)

    def asks_beside(self, target: Target) -> None:
        """Note that a deployment is asked without a place in its queue."""
        self.target, self.asked_at = target, time.perf_counter()
        self.recorder.attempts += 1
        self.recorder.served_by = target.record_fields

    def release(self) -> None:
        """Give the place up, if there is one."""
        running, self._running = self._running, None
        if running and self.asked_at:
            target, tokens = running
            target.health.tokens -= tokens
            self.runtime.gate.leave(target, time.perf_counter() - self.asked_at)

    def used(self, usage: Usage | None) -> None:
        """Note what the request used, and its cost at the price of who answered."""
        if usage is None:
            return
        self.recorder.usage = usage
        price = self.target.price if self.target else None
        if price:
            self.recorder.cost_nano_usd, self.recorder.price_id = price.cost(usage), price.id_of(usage)

    def cost_usd(self, usage: Usage) -> float | None:
        """Return what was used costs at the price of who answers; None without a price."""
        price = self.target.price if self.target else None
        return price.cost(usage) / 1e9 if price else None

    def remember_deployment(self, answer_id: str | None) -> None:
        """Remember who answered under an id that the client may continue."""
        caller = self.recorder.caller
        if answer_id and self.target and caller:
            self.runtime.affinity.issued(answer_id, self.target.id, owner(caller))

    def settle(self, outcome: Outcome, status: int, error_code: str | None = None) -> None:
        """Write the record, once; to be called before the answer's last byte."""
        record = self.recorder.settle(outcome, status, error_code)
        if record is None:
            return
        self.runtime.ledger.write(record)
        self.runtime.metrics.observe(record, self.recorder.traffic_class)
        if self.trace:
            self.trace.end(record, self.runtime.pseudonym(record.user_id) if record.user_id else None)

    async def fail(self, error: ApiError) -> None:
        """End with an error: as a response, or as an event where the stream has begun."""
        failed = error.status >= 500 or isinstance(error, UpstreamError)
        outcome: Outcome = "error" if failed else "refused"
        client, request_id, reader = self.endpoint.client, self.recorder.request_id, self.reader(error)
        note(error, request_id, self.target)
        if self.answer.started:
            self.settle(outcome, 200, error.code)
            await self.answer.end_stream(error_event(client, error, reader, request_id, self.events_sent))
            return
        status = client.status(error)
        self.settle(outcome, status, error.code)
        body = error_body(client, error, reader, request_id)
        is_patient = client is messages.CLIENT
        await self.answer.whole(status, self.response_headers(error) + _retry_after(error, status, is_patient), body)

    async def drop(self, error: ApiError) -> None:
        """End a completion that nobody waits for any more; editors that show every error get nothing at all."""
        started, silent = self.answer.started, self.endpoint.client.drops_silently
        self.settle("cancelled", 200 if started else 204 if silent else error.status, error.code)
        if started or not silent:
            await self.fail(error)
        else:
            await self.answer.nothing(self.response_headers())

    def response_headers(self, error: ApiError | None = None) -> Headers:
        """Return what every answer tells about itself, one that is an error too."""
        recorder = self.recorder
        headers = [(b"x-sekisho-request-id", recorder.request_id.encode())]
        if self.target:
            headers += [*self.target.response_headers, (b"x-sekisho-attempts", b"%d" % recorder.attempts)]
        if self.dropped:
            headers.append((b"x-sekisho-dropped", _listed(self.dropped)))
        if self.estimated:
            headers.append(ESTIMATED)
        if recorder.cost_nano_usd is not None:
            headers.append((b"x-sekisho-cost-usd", f"{recorder.cost_nano_usd / 1e9:.9f}".encode()))
        if self.endpoint.client is messages.CLIENT:
            headers += used_up_headers(error) if error else budget_headers(self.limit_statuses)
        return headers + ratelimit_headers(self.limit_statuses) + soft_budget_headers(self.limit_statuses)


def _listed(names: Sequence[str]) -> bytes:
    """Return names in a header; a client's members may be called anything, line ends among them."""
    text = ", ".join(names)[:_LONGEST_DROPPED]
    return "".join(each if " " <= each <= "~" else "?" for each in text).strip().encode()


def _retry_after(error: ApiError, status: int, is_patient: bool) -> Headers:
    """Return whether and when a program may try again. Tools that wait silently for hours help nobody.

    `is_patient`: the client's dialect heeds `x-should-retry` first, and shows when there is more.
    """
    seconds = error.retry_after
    is_hidden = seconds is None or (seconds > _LONGEST_WAIT and not is_patient)
    headers = [] if seconds is None or is_hidden else [(b"retry-after", b"%d" % max(1, round(seconds)))]
    if (
        error.final
        or (status < 500 and status not in _MAY_PASS)
        or error.code in _STAYS
        or (seconds or 0) > _SHORT_WAIT
    ):
        headers.append((b"x-should-retry", b"false"))
    return headers


_MAY_PASS = (408, 425, 429)
"""Statuses below 500 after which the same request may be answered."""
_STAYS = ("insufficient_quota", "upstream_misconfigured", "model_ended")
"""Codes of what no second try changes."""
_SHORT_WAIT = 60.0
"""Seconds that a program may wait with somebody before it."""
_LONGEST_WAIT = 3600.0
