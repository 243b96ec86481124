"""People and teams with their budgets, keys and spend of 30 days; budgets are set here."""

from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from gateway.casing import lower
from gateway.console.admin.fields import converted, nano, needed, problem_of, text
from gateway.console.calls import path_of
from gateway.console.page import Page
from gateway.console.rendering import zone_of
from gateway.console.visit import Visit, chosen
from gateway.errors import ApiError
from gateway.identity.scopes import normal

_SHOWN = 100
FIELDS = {"who": ("scope", needed), "usd": ("nano_usd", nano), "per": ("window", text)}
_NOTHING = {"keys": 0, "budget": None, "requests": 0, "cost_usd": 0.0}
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
        removable=scope if (scope := visit.query.get("budget", "")) in budgets else None,
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
    rows: dict[str, dict[str, Any]] = {}

    def named(name: str) -> dict[str, Any]:
        scope = normal(f"{kind}:{name}")  # one team, however people write it
        return rows.setdefault(scope, {"name": name, "scope": scope, **_NOTHING})

    for used in (await visit.ask("GET", "/admin/usage", query=asked))["rows"]:
        if used[by]:
            row = named(used[by])
            row.update({each: row[each] + used[each] for each in ("requests", "cost_usd")})
    for key in (await visit.ask("GET", "/admin/keys"))["data"]:
        holder = key["owner"] if kind == "person" else key["team"]
        if holder and key["revoked_at"] is None:
            named(holder)["keys"] += 1
    for scope, budget in budgets.items():
        if scope.startswith(f"{kind}:") and not scope.endswith(":*"):
            named(scope.partition(":")[2])["budget"] = budget
    return sorted(rows.values(), key=lambda row: (-row["cost_usd"], row["name"]))


async def set_budget(visit: Visit) -> Response:
    """Set or remove a budget; what was typed stays where a field cannot be."""
    typed = {**chosen(visit.form, *FIELDS), "hard": visit.form.get("hard", "")}
    kind = typed["who"].partition(":")[0]
    try:
        if visit.form.get("action") == "remove":
            scope = converted(typed, {"who": FIELDS["who"]})["scope"]
            await visit.ask("DELETE", path_of("admin", "budgets", scope))
        else:
            body = {**converted(typed, FIELDS), "hard": bool(typed["hard"])}
            await visit.ask("PUT", path_of("admin", "budgets", body.pop("scope")), json=body)  # twice is as once
    except ApiError as error:
        problems, general = problem_of(visit, error, FIELDS)
        return await _page(visit, error.status, typed=typed, problems=problems, general=general)
    return visit.redirect("/console/people", kind=kind if kind in _KINDS else "person", saved="budget")


PAGES = (Page("/console/people", "administrator", show_people, set_budget, menu="admin.people"),)
