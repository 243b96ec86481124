"""GET /v1/me: a key's holder sees their limits, what is used, what is left, and prices."""

from decimal import Decimal
from typing import Any

from starlette.types import Receive, Scope, Send

from gateway import wire
from gateway.api.authenticate import authenticate_reader
from gateway.api.client import Answer
from gateway.api.govern import limits_of, shown
from gateway.api.telling import refuse
from gateway.config.schema import Model, Price
from gateway.errors import ApiError
from gateway.identity.caller import Caller
from gateway.identity.keys import Key
from gateway.identity.person import owner
from gateway.limits.limit import LimitStatus
from gateway.runtime import Runtime


class Me:
    """The ASGI application."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send)
        try:
            key = await authenticate_reader(self._runtime, scope)
            await answer.whole(200, [], wire.encode(await self._told(key)))
        except ApiError as error:
            await refuse(answer, error, scope)

    async def _told(self, key: Key) -> dict[str, Any]:
        runtime = self._runtime
        limits = shown(limits_of(Caller(key, owner(key)), runtime.keys))
        models = runtime.current.routes.available(key.policy)
        targets = runtime.current.routes.targets

        def prices(model: Model) -> Price | None:
            return next((each.price.price for each in targets[model.name] if each.price), None)

        return {
            "key": {"id": key.id, "alias": key.alias, "owner": key.owner, "team": key.team, "hint": key.hint},
            "expires_at": key.policy.expires_at,
            "limits": [_limit(each) for each in await runtime.limiter.status(limits)],
            "models": [{"id": model.name, "price_usd_per_million_tokens": _price(prices(model))} for model in models],
        }


def _limit(status: LimitStatus) -> dict[str, Any]:
    """Return a limit as JSON; budgets in USD, everything else as counted."""
    limit, unit = status.limit, 1e9 if status.limit.kind == "budget" else 1
    amounts = {
        "amount": limit.amount,
        "used": status.used,
        "reserved": status.reserved,
        "left": status.left,
    }
    shown_amounts = {name: value / unit if unit > 1 else value for name, value in amounts.items()}
    named = {"scope": limit.scope, "kind": limit.kind, "window": limit.window, "hard": limit.hard}
    return {**named, **shown_amounts, "resets_in_seconds": round(status.resets_in)}


def _price(price: Price | None) -> Any:
    if price is None:
        return None
    return {name: _amount(amount) for name, amount in price.model_dump().items()}


def _amount(amount: Decimal | dict[str, Decimal] | None) -> Any:
    if isinstance(amount, dict):
        return {kind: float(usd) for kind, usd in amount.items()}
    return None if amount is None else float(amount)
