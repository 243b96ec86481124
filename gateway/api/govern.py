"""Limits around a request: reserved before it runs, settled after it with what it really used."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from gateway.api.ask import Ask
from gateway.api.exchange import Exchange
from gateway.config.schema import Price
from gateway.dialects.usage import Usage
from gateway.identity.keys import Budget, Key, KeyStore
from gateway.ledger.record import Record
from gateway.limits.limit import Demand, Kind, Limit, Standing, Window, scopes_of
from gateway.limits.reached import LimitReached
from gateway.pricing import cost_nano_usd

_UNLIMITED = 2**62
"""Spending is counted for everybody, so that a budget given later knows what was spent before."""


@asynccontextmanager
async def reserved(exchange: Exchange, key: Key, ask: Ask) -> AsyncIterator[None]:
    """Holds the request's limits for as long as the block runs. Raises `LimitReached`, `Overloaded`."""
    runtime = exchange.runtime
    limits = limits_of(exchange.record, key, runtime.keys)
    try:
        reservation = await runtime.limiter.reserve(exchange.record.request_id, limits, demand_of(exchange, ask))
    except LimitReached as error:
        exchange.standings = shown_standings(error.standings)
        raise
    try:
        told = reservation.standings
        exchange.standings = await runtime.limiter.standing(shown(limits)) if told is None else shown_standings(told)
        yield
    finally:
        await runtime.limiter.settle(reservation, used(exchange.record))


def shown_standings(standings: Iterable[Standing]) -> list[Standing]:
    return [each for each in standings if each.limit.amount < _UNLIMITED]


def limits_of(record: Record, key: Key, store: KeyStore) -> list[Limit]:
    """Everything that this request counts against: key, person, team."""
    policy, key_scope = key.policy, f"key:{key.id}"
    counted: tuple[tuple[Kind, int | None, Window | None], ...] = (
        ("requests", policy.requests_per_minute, "minute"),
        ("tokens", policy.tokens_per_minute, "minute"),
        ("parallel", policy.parallel_requests, None),
    )
    limits = [Limit(key_scope, kind, amount, window) for kind, amount, window in counted if amount is not None]
    own = None
    if policy.budget_nano_usd is not None and policy.budget_window:
        own = Budget(key_scope, policy.budget_nano_usd, policy.budget_window, policy.budget_hard)
    budgets = {scope: own if scope == key_scope else store.budget(scope) for scope in scopes_of(record)}
    return limits + [_budget(scope, budget) for scope, budget in budgets.items()]


def _budget(scope: str, budget: Budget | None) -> Limit:
    if budget is None:
        return Limit(scope, "budget", _UNLIMITED, "month", hard=False)
    return Limit(scope, "budget", budget.nano_usd, budget.window, hard=budget.hard)  # type: ignore[arg-type]


def demand_of(exchange: Exchange, ask: Ask) -> Demand:
    """An upper estimate: the prompt's length, the longest answer, the dearest model that may answer."""
    routes = exchange.snapshot.routes
    prices = [routes.models[name].price for name in (ask.model.name, *ask.model.fallback)]
    estimate = Usage(input=exchange.hints.input_tokens, output=exchange.hints.answer_tokens)
    dearest = max((cost_nano_usd(_without_discounts(price), estimate) for price in prices if price), default=0)
    return Demand(tokens=exchange.hints.tokens, cost_nano_usd=dearest)


def _without_discounts(price: Price) -> Price:
    dearest_input = max(price.input, price.cache_write or 0)
    return Price(input=dearest_input, output=price.output)


def used(record: Record) -> Demand:
    """What a finished request really took; nothing where nobody answered."""
    tokens = (record.input_tokens or 0) + (record.output_tokens or 0)
    return Demand(tokens=tokens, cost_nano_usd=record.cost_nano_usd or 0)


def shown(limits: list[Limit]) -> list[Limit]:
    """Those that a caller is told about."""
    return [limit for limit in limits if limit.amount < _UNLIMITED]
