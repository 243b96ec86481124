"""Limits around a request: reserved before it runs, settled after it with what it really used."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType

import msgspec

from gateway.api.ask import Ask
from gateway.api.exchange import Exchange
from gateway.config.teams import Team as TeamRules
from gateway.dialects.usage import Usage
from gateway.identity.caller import Caller
from gateway.identity.keys import Budget, KeyStore
from gateway.identity.policy import Policy
from gateway.ledger.recorder import Recorder
from gateway.limits.limit import Demand, Kind, Limit, LimitStatus, Reservation, Window
from gateway.limits.reached import LimitReached
from gateway.pricing import cost_nano_usd

_NOTHING = Demand()
_NO_USAGE = Usage()
_settling: set[asyncio.Future[None]] = set()
"""Settlements whose requests were cancelled meanwhile."""
_MOST_NANO_USD = 2**52
"""What one request can be held to cost: Redis counts in numbers that are exact so far."""
_UNLIMITED = 2**62
"""Spending is counted for everybody, so that a budget given later knows what was spent before."""


class Reserved:
    """`async with Reserved(...)` holds a request's limits for as long as its block runs.

    Raises `LimitReached`, `Overloaded` on entering.
    """

    def __init__(self, exchange: Exchange, ask: Ask) -> None:
        self._exchange = exchange
        self._caller = ask.caller
        self._limits = limits_of(ask.caller, exchange.runtime.keys)
        self._demand = demand_of(ask)

    async def __aenter__(self) -> None:
        exchange, limiter = self._exchange, self._exchange.runtime.limiter
        self._held = held = await self._hold()
        try:
            statuses = held.statuses
            shown_ = await limiter.status(shown(self._limits)) if statuses is None else shown_statuses(statuses)
            exchange.limit_statuses = shown_
        except BaseException:
            await limiter.settle(held, _NOTHING)
            raise

    async def _hold(self) -> Reservation:
        """Reserve for the team of the caller; where its budget is used up, for the next of their teams."""
        exchange, limiter = self._exchange, self._exchange.runtime.limiter
        try:
            return await limiter.reserve(exchange.recorder.request_id, self._limits, self._demand)
        except LimitReached as error:
            if self._caller.further and error.is_of_a_team:
                self._caller = self._caller.stepping_in()
                self._limits = limits_of(self._caller, exchange.runtime.keys)
                exchange.recorder.asked_by(self._caller)
                return await self._hold()
            exchange.limit_statuses = shown_statuses(error.limit_statuses)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        limiter, taken = self._exchange.runtime.limiter, used(self._exchange.recorder)
        try:
            await limiter.settle(self._held, taken)
        except asyncio.CancelledError:  # what was begun is done again, which changes nothing where it was done
            again = asyncio.ensure_future(limiter.settle(self._held, taken))
            _settling.add(again)
            again.add_done_callback(_settling.discard)
            raise


def shown_statuses(limit_statuses: Iterable[LimitStatus]) -> list[LimitStatus]:
    return [each for each in limit_statuses if each.limit.amount < _UNLIMITED]


def limits_of(caller: Caller, store: KeyStore) -> Sequence[Limit]:
    """Return everything that a request counts against: of its key, its person and its team."""
    scopes = caller.scopes
    known = (caller.membership or caller.key, scopes)
    limits: Sequence[Limit] | None = store.derived.get(known)
    if limits is None:
        limits = tuple(_limits(caller, scopes, store))
        store.derived[known] = limits
    return limits


def _limits(caller: Caller, scopes: Iterable[str], store: KeyStore) -> Iterator[Limit]:
    key, policy, team = caller.key, caller.key.policy, caller.team or ""
    key_scope = f"key:{key.id}"
    own = None
    if policy.budget_nano_usd is not None and policy.budget_window:
        own = Budget(key_scope, policy.budget_nano_usd, policy.budget_window, policy.budget_hard)
    yield from _rates(policy, key_scope)
    for scope in scopes:
        name = team if scope.startswith("team:") else ""
        if name and caller.membership and caller.membership.team:
            yield from _rates(caller.membership.team.rules, scope, name)
        yield _budget(scope, own if scope == key_scope else store.budget(scope), name)


def _rates(rules: Policy | TeamRules, scope: str, name: str = "") -> Iterator[Limit]:
    counted: tuple[tuple[Kind, int | None, Window | None], ...] = (
        ("requests", rules.requests_per_minute, "minute"),
        ("tokens", rules.tokens_per_minute, "minute"),
        ("parallel", rules.parallel_requests, None),
    )
    for kind, amount, window in counted:
        if amount is not None:
            yield Limit(scope, kind, amount, window, name=name)


def _budget(scope: str, budget: Budget | None, name: str) -> Limit:
    if budget is None:
        return Limit(scope, "budget", _UNLIMITED, "month", hard=False, name=name)
    return Limit(scope, "budget", budget.nano_usd, budget.window, hard=budget.hard, name=name)  # type: ignore[arg-type]


def demand_of(ask: Ask) -> Demand:
    """Return what a request may take: in tokens as it is expected, in money the most that it can cost.

    That is the longest answers that the model and its fallbacks give, at the dearest of their prices.
    """
    about, plan = ask.hints, ask.plan
    if plan.price is None or not ask.endpoint.prompt:
        return Demand(tokens=about.tokens)
    # A conversation that the upstream remembers has no size here: it fills the window at most.
    remembered = max(model.configured("context_window") or 0 for model in plan.models) if about.response_id else 0
    beside = ask.endpoint.most(ask.payload.fields) if ask.endpoint.most else _NO_USAGE
    output = about.answers.most(plan.models) if ask.endpoint.answer else beside.output
    most = msgspec.structs.replace(beside, input=max(about.input_tokens, remembered), output=output)
    return Demand(tokens=about.tokens, cost_nano_usd=min(cost_nano_usd(plan.price, most), _MOST_NANO_USD))


def used(recorder: Recorder) -> Demand:
    """Return what a finished request really took; nothing where nobody answered."""
    usage = recorder.usage
    tokens = (usage.input or 0) + (usage.output or 0) if usage else 0
    return Demand(tokens=tokens, cost_nano_usd=recorder.cost_nano_usd or 0)


def shown(limits: Sequence[Limit]) -> list[Limit]:
    """Return those that a caller may see."""
    return [limit for limit in limits if limit.amount < _UNLIMITED]
