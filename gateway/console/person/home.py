"""The first page: this month against the budgets, and what was used by day, model and tool."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from starlette.responses import Response

from gateway.console.charts import columns, share
from gateway.console.page import Page
from gateway.console.rendering import number, usd, zone_of
from gateway.console.visit import Visit

PERIODS = ("month", "last_month", "week")
_MEASURES = ("requests", "input_tokens", "output_tokens", "cost_usd")

Rows = Sequence[dict[str, Any]]


async def show_home(visit: Visit) -> Response:
    """Show a person's use; whoever has only the admin key goes on to the first page that is for them."""
    if not visit.person.is_somebody:
        return visit.redirect(next((page.path for page in visit.menu if page.path != "/console"), "/console/account"))
    chosen = visit.query.get("period", "")
    period = chosen if chosen in PERIODS else "month"
    first, last = span_of(period, datetime.now(zone_of(visit.zone)).date())
    asked = {"by": "day,model,client", "from": f"{first}", "to": f"{last}", "timezone": visit.zone or "UTC"}
    used = await visit.ask("GET", "/v1/me/usage", query=asked)
    days = by_day(used["rows"], first, last)
    costs = any(day["cost_usd"] for day in days)
    values: list[tuple[str, float, str]] = [
        (day["day"][5:], day["cost_usd"], usd(day["cost_usd"]))
        if costs
        else (day["day"][5:], day["requests"], number(day["requests"]))
        for day in days
    ]
    return visit.render(
        "person/home.html",
        used=used,
        period=period,
        periods=PERIODS,
        budgets=[_budget(each) for each in used["budgets"]],
        days=days,
        chart=columns(visit.t("home.by_day.cost" if costs else "home.by_day.requests"), values),
        models=grouped(used["rows"], lambda row: row["model"]),
        tools=grouped(used["rows"], lambda row: row["client"]),
    )


def _budget(told: dict[str, Any]) -> dict[str, Any]:
    """Return a budget with `percent` for its meter, and `spent`: in percent, over 100 where it goes on beyond it."""
    used, whole = told["used_usd"], told["usd"]
    return {**told, "percent": share(used, whole), "spent": used / whole * 100 if whole > 0 else 100.0}


def span_of(period: str, today: date) -> tuple[date, date]:
    """Return the first and last day of a period."""
    start = today.replace(day=1)
    if period == "last_month":
        end = start - timedelta(days=1)
        return end.replace(day=1), end
    return (today - timedelta(days=6), today) if period == "week" else (start, today)


def grouped(rows: Rows, name: Callable[[dict[str, Any]], Any]) -> list[dict[str, Any]]:
    """Return the sums by a name, the dearest first."""
    sums: dict[Any, dict[str, Any]] = defaultdict(lambda: dict.fromkeys(_MEASURES, 0))
    for row in rows:
        for measure in _MEASURES:
            sums[name(row)][measure] += row[measure]
    found = [{"name": each or "–", **values} for each, values in sums.items()]
    return sorted(found, key=lambda each: (-each["cost_usd"], -each["requests"], str(each["name"])))


def by_day(rows: Rows, first: date, last: date) -> list[dict[str, Any]]:
    """Return the sums of each day of a period, also of those without use."""
    sums = {each["name"]: each for each in grouped(rows, lambda row: str(row["day"])[:10])}
    days = [f"{first + timedelta(days=count)}" for count in range((last - first).days + 1)]
    return [{**dict.fromkeys(_MEASURES, 0), **sums.get(day, {}), "day": day} for day in days]


PAGES = (Page("/console", "person", show_home, menu="home.menu", of_somebody=True),)
