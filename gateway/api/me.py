"""GET /v1/me: a key's holder sees their limits and budgets, what is used, what is left, models and prices."""

from decimal import Decimal
from typing import Any

from starlette.types import Receive, Scope, Send

from gateway import wire
from gateway.api.authenticate import authenticate_reader
from gateway.api.client import Answer, headers_of
from gateway.api.govern import limits_of, shown
from gateway.api.holder import person_of
from gateway.api.own_budgets import budgets_of, team_json
from gateway.api.telling import refuse
from gateway.config.models import Model, Price
from gateway.errors import ApiError
from gateway.identity.caller import Caller
from gateway.identity.person import owner
from gateway.limits.limit import LimitStatus
from gateway.routing.ending import is_announced
from gateway.routing.routes import Routes
from gateway.runtime import Runtime

_SIGNED = "x-openwebui-user-jwt"


class Me:
    """The ASGI application."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send)
        try:
            key = await authenticate_reader(self._runtime, scope)
            headers = headers_of(scope)
            person = person_of(self._runtime, key, headers) if _SIGNED in headers else owner(key)
            caller = self._runtime.current.caller(self._runtime.keys, key, person)
            await answer.whole(200, [], wire.encode(await self._told(caller)))
        except ApiError as error:
            await refuse(answer, error, scope)

    async def _told(self, caller: Caller) -> dict[str, Any]:
        runtime, key = self._runtime, caller.key
        limits = shown(limits_of(caller, runtime.keys))
        routes = runtime.current.routes
        return {
            "key": {"id": key.id, "alias": key.alias, "owner": key.owner, "team": key.team, "hint": key.hint},
            "person": {"user_id": caller.person.user_id, "email": caller.person.email},
            "expires_at": key.policy.expires_at,
            "limits": [_limit(each) for each in await runtime.limiter.status(limits)],
            "budgets": await budgets_of(runtime, caller),
            "free_models": routes.free(caller.policy),
            **team_json(runtime, caller),
            "models": [_model(model, routes) for model in routes.available(caller.policy)],
        }


def _model(model: Model, routes: Routes) -> dict[str, Any]:
    price = next((each.price.price for each in routes.targets[model.name] if each.price), None)
    return {
        "id": model.name,
        "mode": model.mode,
        "description": model.description or None,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "price_usd_per_million_tokens": _price(price),
        "notice": _notice(model, routes),
    }


def _notice(model: Model, routes: Routes) -> dict[str, Any] | None:
    """Return until when a model is there, and what follows it; None where nothing is announced."""
    until, life = model.available.until, routes.life(model)
    ends = life if life and is_announced(life) else None
    if until is None and ends is None:
        return None
    return {
        "available_until": f"{until:%Y-%m-%dT%H:%M:%SZ}" if until else None,
        "end_of_life": f"{ends.ends}" if ends else None,
        "certain": ends.certain if ends else True,
        "successor": ends.successor if ends else model.successor,
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
