"""The budgets that a person's requests count against, as JSON."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.api.govern import limits_of, shown
from gateway.identity.caller import Caller
from gateway.limits.limit import LimitStatus, warning_of
from gateway.runtime import Runtime

_ORDER = ("person", "team", "key")


async def budgets_of(runtime: Runtime, caller: Caller) -> list[dict[str, Any]]:
    """Return all budgets, the person's first: the sums of which a refusal tells.

    Each has `scope` (person, team, key), `name` of a team, amounts in USD, `window`, `hard`, `resets_at` (UTC).
    """
    limits = [each for each in shown(limits_of(caller, runtime.keys)) if each.kind == "budget"]
    limits.sort(key=lambda limit: _ORDER.index(limit.scope.partition(":")[0]))
    now = time.time()
    return [budget_json(each, now) for each in await runtime.limiter.status(limits)]


def team_json(runtime: Runtime, caller: Caller) -> dict[str, Any]:
    """Return for which team a person acts, all teams they are in, how one is chosen, and whom they ask for more."""
    config = runtime.current.config
    return {
        "team": caller.team,
        "teams": [team.name for team in caller.teams] or ([caller.team] if caller.team else []),
        "several": config.open_webui.several,
        "contact": caller.contact(config.contact),
    }


def own_of(budgets: Sequence[dict[str, Any]], caller: Caller) -> dict[str, Any] | None:
    """Return the person's budget, or else that of a key of their own."""
    scopes = ("person",) if caller.is_open_webui else ("person", "key")
    return next((each for scope in scopes for each in budgets if each["scope"] == scope), None)


def budget_json(status: LimitStatus, now: float) -> dict[str, Any]:
    """Return one budget; `now` is in Unix seconds."""
    limit = status.limit
    scope = limit.scope.partition(":")[0]
    amounts = {"usd": limit.amount, "used_usd": status.used, "left_usd": status.left}
    resets_at = f"{datetime.fromtimestamp(round(now + status.resets_in), UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {
        "scope": scope,
        "name": limit.name if scope == "team" else None,
        **{name: nano / 1e9 for name, nano in amounts.items()},
        "warning": warning_of(status),
        "window": limit.window,
        "hard": limit.hard,
        "resets_at": resets_at,
    }
