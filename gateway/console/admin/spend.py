"""Who spent what: by team, person, model, tool and day; each cell opens what is behind it."""

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from gateway.console.admin.csv_file import csv_response
from gateway.console.charts import share
from gateway.console.page import Page
from gateway.console.rendering import zone_of
from gateway.console.visit import Visit

DIMENSIONS = ("team", "user", "model", "client", "day", "key")
PERIODS = ("today", "yesterday", "week", "month", "30")
_MEASURES = ("requests", "errors", "input_tokens", "cached_input_tokens", "output_tokens", "cost_usd")
_SHOWN, _IN_FILE = 200, 10_000


async def show_spend(visit: Visit) -> Response:
    """Show the sums by one dimension, within what was chosen before; as CSV where that is asked for."""
    by = visit.query.get("by") if visit.query.get("by") in DIMENSIONS else "user"
    first, last = _span(visit)
    only = {name: value for name in DIMENSIONS if (value := visit.query.get(name)) and name != "day"}
    as_file = visit.query.get("format") == "csv"
    asked = {"by": by, "from": first, "to": last, "timezone": visit.zone or "UTC", **only}
    found = await visit.ask("GET", "/admin/usage", query={**asked, "limit": _IN_FILE if as_file else _SHOWN})
    if as_file:
        rows = [[row[by], *(row[name] for name in _MEASURES)] for row in found["rows"]]
        return visit.finish(csv_response(f"spend-{by}-{first}-{last}", [str(by), *_MEASURES], rows))
    return visit.render(
        "admin/spend.html",
        found=found,
        by=by,
        dimensions=DIMENSIONS,
        periods=PERIODS,
        period=_period(visit),
        rows=[_row(visit, row, str(by), found["total"]) for row in found["rows"]],
        chosen=[(name, value, _address(visit, **{name: None})) for name, value in _chosen(visit).items()],
        address=lambda **query: _address(visit, **query),
    )


def _chosen(visit: Visit) -> dict[str, str]:
    return {name: value for name in DIMENSIONS if (value := visit.query.get(name))}


def _row(visit: Visit, row: dict[str, Any], by: str, total: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the address of what is behind it: the same, of this one, by the next dimension."""
    free = [name for name in DIMENSIONS if name != by and name not in _chosen(visit)]
    behind = _address(visit, **{by: str(row[by]), "by": free[0]}) if row[by] is not None and free else None
    return {**row, "name": row[by], "behind": behind, "percent": share(row["cost_usd"], total["cost_usd"])}


def _address(visit: Visit, **query: str | None) -> str:
    kept = ("by", "period", *DIMENSIONS)
    merged = {name: value for name, value in {**visit.query, **query}.items() if name in (*kept, "format") and value}
    if "format" not in query:
        merged.pop("format", None)
    return "/console/spend?" + urlencode(merged)


def _period(visit: Visit) -> str:
    chosen = visit.query.get("period", "")
    return chosen if chosen in PERIODS else "30"


def _span(visit: Visit) -> tuple[str, str]:
    """Return the first and last day; a day that was opened is both."""
    today = datetime.now(zone_of(visit.zone)).date()
    if day := _day(visit.query.get("day", "")):
        return f"{day}", f"{day}"
    period = _period(visit)
    last = today - timedelta(days=1) if period == "yesterday" else today
    first = {"week": last - timedelta(days=6), "month": last.replace(day=1), "30": last - timedelta(days=29)}
    return f"{first.get(period, last)}", f"{last}"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


PAGES = (Page("/console/spend", "lead", show_spend, menu="admin.spend"),)
