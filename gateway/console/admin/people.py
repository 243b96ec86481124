"""People and teams with their budgets, keys and spend of 30 days; budgets are set here."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from gateway.casing import lower
from gateway.console.admin.fields import converted, nano, problem_of, text
from gateway.console.calls import path_of
from gateway.console.page import Page
from gateway.console.rendering import zone_of
from gateway.console.visit import Visit, chosen
from gateway.errors import ApiError

_SHOWN = 100
FIELDS = {"who": ("scope", text), "usd": ("nano_usd", nano), "per": ("window", text)}
_KINDS = ("person", "team")


async def show_people(visit: Visit) -> Response:
    return await _page(visit)


async def _page(visit: Visit, status: int = 200, **form: Any) -> Response:
    """Return persons or teams that fit the search, the dearest first."""
    kind = "team" if visit.query.get("kind") == "team" else "person"
    budgets = {each["scope"]: each for each in (await visit.ask("GET", "/admin/budgets"))["data"]}
    rows = await _rows(visit, kind, budgets)
    wanted = lower(visit.query.get("q", "").strip())
    found = [row for row in rows if wanted in lower(row["name"])]
    form = {"typed": _typed(visit, budgets), "problems": {}, "general": None, **form}
    return visit.render(
        "admin/people.html",
        status,
        kind=kind,
        rows=found[:_SHOWN],
        count=len(found),
        default=budgets.get(f"{kind}:*"),
        **form,
    )


def _typed(visit: Visit, budgets: dict[str, Any]) -> dict[str, str]:
    """Return the budget that is to be changed, as the form shows it."""
    scope = visit.query.get("budget", "")
    budget = budgets.get(scope)
    usd = f"{budget['nano_usd'] / 1e9:.9f}".rstrip("0").rstrip(".") if budget else ""
    hard = "" if budget and not budget["hard"] else "1"
    return {"who": scope, "usd": usd, "per": budget["window"] if budget else "month", "hard": hard}


async def _rows(visit: Visit, kind: str, budgets: dict[str, Any]) -> list[dict[str, Any]]:
    today = datetime.now(zone_of(visit.zone)).date()
    by = "user" if kind == "person" else "team"
    asked = {"by": by, "from": f"{today - timedelta(days=29)}", "to": f"{today}", "timezone": visit.zone or "UTC"}
    used = {str(row[by]): row for row in (await visit.ask("GET", "/admin/usage", query=asked))["rows"] if row[by]}
    keys: dict[str, int] = defaultdict(int)
    for key in (await visit.ask("GET", "/admin/keys"))["data"]:
        holder = lower(key["owner"] or "") if kind == "person" else key["team"]
        if holder and key["revoked_at"] is None:
            keys[holder] += 1
    scoped = {scope.partition(":")[2] for scope in budgets if scope.startswith(f"{kind}:") and not scope.endswith(":*")}
    names = {*used, *keys, *scoped}
    rows = [_row(name, kind, used.get(name), keys.get(name, 0), budgets.get(f"{kind}:{name}")) for name in names]
    return sorted(rows, key=lambda row: (-row["cost_usd"], row["name"]))


def _row(name: str, kind: str, used: Any, keys: int, budget: Any) -> dict[str, Any]:
    sums = {each: used[each] if used else 0 for each in ("requests", "cost_usd")}
    return {"name": name, "scope": f"{kind}:{name}", "keys": keys, "budget": budget, **sums}


async def set_budget(visit: Visit) -> Response:
    """Set or remove a budget; what was typed stays where a field cannot be."""
    typed = {**chosen(visit.form, *FIELDS), "hard": visit.form.get("hard", "")}
    kind = typed["who"].partition(":")[0]
    try:
        if visit.form.get("action") == "remove":
            await visit.ask("DELETE", path_of("admin", "budgets", typed["who"]))
        else:
            body = {**converted(typed, FIELDS), "hard": bool(typed["hard"])}
            scope = body.pop("scope") or ""
            await visit.ask("PUT", path_of("admin", "budgets", scope), json=body)  # twice is as once
    except ApiError as error:
        problems, general = problem_of(visit, error, FIELDS)
        return await _page(visit, error.status, typed=typed, problems=problems, general=general)
    return visit.redirect("/console/people", kind=kind if kind in _KINDS else "person", saved="budget")


PAGES = (Page("/console/people", "administrator", show_people, set_budget, menu="admin.people"),)
