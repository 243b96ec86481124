"""The administrator's first page: what happened lately, against the time before."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from gateway.console.charts import columns
from gateway.console.page import Page
from gateway.console.rendering import number, usd
from gateway.console.visit import Visit

_FIGURES = ("requests", "cost_usd", "tokens", "errors", "first_token", "queue", "cache")
_BETTER = {"errors": -1, "first_token": -1, "queue": -1, "cache": 1}
"""Whether more is better (1) or worse (-1)."""
_FORMATS: dict[str, Callable[[float], str]] = {
    "cost_usd": usd,
    "queue": lambda ms: f"{ms / 1000:.2f} s",
    "cache": lambda share: f"{share:.1%}",
}


async def show_overview(visit: Visit) -> Response:
    """Show each period's figures, and the costs of 30 days."""
    found = await visit.ask("GET", "/admin/overview", query={"timezone": visit.zone or "UTC"})
    last = date.fromisoformat(found["today"])
    days = {"by": "day", "from": f"{last - timedelta(days=29)}", "to": f"{last}", "timezone": visit.zone or "UTC"}
    used = {row["day"]: row for row in (await visit.ask("GET", "/admin/usage", query=days))["rows"]}
    names = [f"{last - timedelta(days=count)}" for count in reversed(range(30))]
    costs = [(name[5:], used.get(name, {}).get("cost_usd", 0.0)) for name in names]
    chart = columns(visit.t("admin.cost_by_day"), [(name, cost, usd(cost)) for name, cost in costs])
    periods = [(each["days"], _rows(each["now"], each["before"])) for each in found["periods"]]
    return visit.render("admin/overview.html", periods=periods, chart=chart, names=names, used=used)


def _rows(now: dict[str, Any], before: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "shown": _shown(name, now), **_change(name, now, before)} for name in _FIGURES]


def _value(name: str, figures: dict[str, Any]) -> float | None:
    """Return a figure as a number; None where nothing tells."""
    input_tokens, requests = figures["input_tokens"], figures["requests"]
    if name == "tokens":
        return float(input_tokens + figures["output_tokens"])
    if name == "first_token":
        return figures["first_token_ms"]  # type: ignore[no-any-return]
    if name == "queue":
        return figures["queue_ms"] / requests if requests else None
    if name == "cache":
        return figures["cached_input_tokens"] / input_tokens if input_tokens else None
    return float(figures[name])


def _shown(name: str, figures: dict[str, Any]) -> str:
    value = _value(name, figures)
    if value is None:
        return "–"
    if name == "first_token":
        return f"{value / 1000:.2f} s (95 %: {(figures['first_token_ms_95'] or 0) / 1000:.1f} s)"
    return _FORMATS.get(name, number)(value)


def _change(name: str, now: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Return how much a figure changed against the time before, and whether that is good or bad."""
    new, old = _value(name, now), _value(name, before)
    if new is None or not old:
        return {"change": "", "kind": ""}
    change = (new - old) / old
    kind = "" if abs(change) < 0.05 else {1: "good", -1: "bad", 0: ""}[_BETTER.get(name, 0) * (1 if change > 0 else -1)]
    return {"change": f"{change:+.0%}", "kind": kind}


PAGES = (Page("/console/overview", "administrator", show_overview, menu="admin.overview"),)
