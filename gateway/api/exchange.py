"""One request on its way: what is known of it so far, its answer, and its one record."""

import logging
import time

from starlette.types import Scope, Send

from gateway.affinity import Hints
from gateway.api.client import Answer, Headers, headers_of
from gateway.dialects.family import Family
from gateway.dialects.usage import Usage
from gateway.errors import ApiError
from gateway.identity.client import calling_client
from gateway.identity.keys import Key
from gateway.identity.person import Person
from gateway.identity.policy import Policy, TrafficClass
from gateway.ids import request_id
from gateway.ledger.contents import Capture
from gateway.ledger.record import Outcome, Record
from gateway.limits.limit import Standing, ratelimit_headers, soft_budget_headers
from gateway.routing import Target
from gateway.runtime import Runtime, Snapshot

log = logging.getLogger("sekisho.requests")

CLIENT_CLOSED = 499
"""nginx's status for a client that left; LiteLLM logs it too."""


class Exchange:
    """Fills in the record as facts become known and writes it exactly once."""

    def __init__(self, family: Family, runtime: Runtime, scope: Scope, send: Send) -> None:
        self.family = family
        self.runtime = runtime
        self.snapshot: Snapshot = runtime.current
        self.headers = headers_of(scope)
        self.query = scope.get("query_string", b"").decode("latin-1")
        self.answer = Answer(send)
        self.events_sent = 0
        """Of the upstream's, where its stream broke: an error event is numbered after them."""
        self.policy = Policy()
        """What the caller's key may do."""
        self.target: Target | None = None
        self.content: Capture | None = None
        """What is recorded of prompt and answer; most keys have it off."""
        self.tells_cost = False
        """Whether `usage` of a chat answer says what it cost: the chat's own page shows it."""
        self._clock = time.perf_counter()
        self._written = False
        self._running: Target | None = None
        self._entered = 0.0
        self.hints = Hints()
        self.traffic_class: TrafficClass = "chat"
        self.standings: list[Standing] = []
        """How the caller's limits stand; told in the answer's headers."""
        self.trace = runtime.tracing.begin(family.path, self.headers.get("traceparent")) if runtime.tracing else None
        self.record = Record(
            request_id=request_id(),
            started_at=time.time_ns() // 1000,
            api=family.api,
            task=family.task,
            client=calling_client(self.headers),
            client_ip=scope["client"][0] if scope.get("client") else None,
        )

    def authenticated(self, key: Key) -> None:
        self.policy = key.policy
        record = self.record
        record.key_id, record.key_alias, record.team = key.id, key.alias, key.team
        if key.identity:
            record.client = key.identity
            self.tells_cost = True

    def identified(self, person: Person) -> None:
        record = self.record
        record.user_id, record.user_email, record.user_name = person.user_id, person.email, person.name
        record.user_role, record.user_groups, record.identity_source = person.role, person.groups, person.source
        record.chat_id, record.message_id = person.chat_id, person.message_id
        record.task = person.task or self.family.task

    async def enter(self, targets: list[Target]) -> Target:
        """Wait for a place at one of `targets`; until `release` this request counts as running there. Raises `Busy`."""
        self.release()
        asked = time.perf_counter()
        target = await self.runtime.gate.enter(targets, self.traffic_class)
        self._entered = time.perf_counter()
        self._running = self.target = target
        target.health.tokens += self.hints.tokens
        record = self.record
        record.queue_ms = (record.queue_ms or 0) + round((self._entered - asked) * 1000)
        record.attempts += 1
        record.provider, record.deployment = target.provider.name, target.id
        record.upstream_model = target.deployment.model
        record.fallback_from = record.model if target.model.name != record.model else None
        return target

    @property
    def asked_at(self) -> float | None:
        """When the last upstream was asked (`time.perf_counter`); None before."""
        return self._entered or None

    def release(self) -> None:
        """Give the place up, if there is one."""
        target, self._running = self._running, None
        if target:
            target.health.tokens -= self.hints.tokens
            self.runtime.gate.leave(target, time.perf_counter() - self._entered)

    def first_token(self) -> None:
        if self.record.first_token_ms is None:
            self.record.first_token_ms = self._elapsed_ms()

    def used(self, usage: Usage | None) -> None:
        """Note tokens and their cost."""
        if usage is None:
            return
        record = self.record
        record.input_tokens, record.output_tokens = usage.input, usage.output
        record.cached_input_tokens, record.cache_write_tokens = usage.cached_input, usage.cache_write
        record.reasoning_tokens = usage.reasoning
        record.usage_source = "estimated" if usage.source == "estimated" else "provider"
        price = self.target.price if self.target else None
        if price:
            record.cost_nano_usd, record.price_id = price.cost(usage), price.id

    def cost_usd(self, usage: Usage) -> float | None:
        """What these tokens cost at the price of who answers; None without a price."""
        price = self.target.price if self.target else None
        return price.cost(usage) / 1e9 if price else None

    def settle(self, outcome: Outcome, status: int, error_code: str | None = None) -> None:
        """Write the record, once; to be called before the answer's last byte."""
        if self._written:
            return
        self._written = True
        record = self.record
        record.outcome, record.status, record.error_code = outcome, status, error_code
        record.duration_ms = self._elapsed_ms()
        self.runtime.ledger.write(record)
        self.runtime.metrics.observe(record, self.traffic_class)
        if self.trace:
            self.trace.end(record, self.runtime.pseudonym(record.user_id) if record.user_id else None)

    async def fail(self, error: ApiError) -> None:
        """End with an error: as a response, or as an event where the stream has begun."""
        outcome: Outcome = "error" if error.status >= 500 or self.record.attempts else "refused"
        dialect, request_id = self.family.dialect, self.record.request_id
        if self.answer.started:
            self.settle(outcome, 200, error.code)
            await self.answer.end_stream(dialect.error_event(error, request_id, self.events_sent))
            return
        status = dialect.status(error)
        self.settle(outcome, status, error.code)
        body = getattr(error, "body", None) or dialect.error_body(error, request_id)
        await self.answer.whole(status, self.response_headers() + _retry_after(error), body)

    def response_headers(self) -> Headers:
        record = self.record
        headers = [(b"x-sekisho-request-id", record.request_id.encode())]
        if self.target:
            headers += [
                (b"x-sekisho-model", self.target.model.name.encode()),
                (b"x-sekisho-deployment", self.target.id.encode()),
                (b"x-sekisho-attempts", b"%d" % record.attempts),
            ]
        if record.cost_nano_usd is not None:
            headers.append((b"x-sekisho-cost-usd", f"{record.cost_nano_usd / 1e9:.9f}".encode()))
        return headers + ratelimit_headers(self.standings) + soft_budget_headers(self.standings)

    def _elapsed_ms(self) -> int:
        return round((time.perf_counter() - self._clock) * 1000)


def _retry_after(error: ApiError) -> Headers:
    if error.retry_after is None:
        return []
    return [(b"retry-after", b"%d" % max(1, round(error.retry_after)))]
