"""The providers' prompt caches: hit rate and lost money by team, model and tool, with the day on which it fell."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from starlette.responses import Response

from gateway.console.page import Page
from gateway.console.rendering import zone_of
from gateway.console.visit import Visit

DAYS = 60
_WINDOW = 7
_LEAST_TOKENS = 10_000
"""Input tokens of a window that tell a rate."""
_FALL = 0.1
_SHOWN = 100

Day = tuple[int, int]
"""Input tokens and those of them that came from the cache."""


@dataclass(frozen=True, slots=True)
class Fall:
    """The day before which the rate was higher than from it on."""

    day: date
    before: float
    after: float


async def show_cache(visit: Visit) -> Response:
    """Show each combination that uses a cache, the one that lost most first."""
    today = datetime.now(zone_of(visit.zone)).date()
    first = today - timedelta(days=DAYS - 1)
    asked = {"by": "team,model,client,day", "from": f"{first}", "to": f"{today}", "timezone": visit.zone or "UTC"}
    found = await visit.ask("GET", "/admin/usage", query=asked)
    prices = await _prices(visit)
    days: dict[tuple[str, str, str], dict[date, Day]] = defaultdict(dict)
    for row in found["rows"]:
        name = (row["team"] or "–", row["model"] or "–", row["client"] or "–")
        days[name][date.fromisoformat(row["day"])] = (row["input_tokens"], row["cached_input_tokens"])
    rows = [_row(name, those, first, prices.get(name[1])) for name, those in days.items()]
    caching = [row for row in rows if row["rate"] > 0]
    caching.sort(key=lambda row: (-(row["lost_usd"] or 0), -row["input"]))
    return visit.render("admin/cache.html", rows=caching[:_SHOWN], more=found["more"], days=DAYS)


async def _prices(visit: Visit) -> dict[str, float]:
    """Return by model what a million tokens cost more where they do not come from the cache, in USD."""
    models = (await visit.ask("GET", "/v1/me"))["models"]
    prices = {model["id"]: model["price_usd_per_million_tokens"] for model in models}
    return {
        name: price["input"] - price["cached_input"]
        for name, price in prices.items()
        if price and price.get("input") is not None and price.get("cached_input") is not None
    }


def _row(name: tuple[str, str, str], days: Mapping[date, Day], first: date, price: float | None) -> dict[str, Any]:
    series = [days.get(first + timedelta(days=number), (0, 0)) for number in range(DAYS)]
    fall = largest_fall(series, first)
    input_, cached = sum(each[0] for each in series), sum(each[1] for each in series)
    lost = lost_tokens(series, first, fall) if fall else 0
    return {
        "team": name[0],
        "model": name[1],
        "client": name[2],
        "input": input_,
        "rate": cached / input_ if input_ else 0.0,
        "fall": fall,
        "lost_usd": None if price is None else lost * price / 1e6,
    }


def largest_fall(series: Sequence[Day], first: date) -> Fall | None:
    """Return the day with the largest fall of the rate between the week before it and the week from it on."""
    falls = []
    for number in range(1, len(series)):
        before, after = _rate(series[max(0, number - _WINDOW) : number]), _rate(series[number : number + _WINDOW])
        if before is not None and after is not None and before - after >= _FALL and series[number][0]:
            falls.append(Fall(first + timedelta(days=number), before, after))
    return max(falls, key=lambda fall: fall.before - fall.after, default=None)


def lost_tokens(series: Sequence[Day], first: date, fall: Fall) -> int:
    """Return the tokens since a fall that the cache would have had at the rate before it."""
    since = series[(fall.day - first).days :]
    input_, cached = sum(each[0] for each in since), sum(each[1] for each in since)
    return max(0, round(input_ * fall.before) - cached)


def _rate(days: Sequence[Day]) -> float | None:
    input_ = sum(each[0] for each in days)
    return sum(each[1] for each in days) / input_ if input_ >= _LEAST_TOKENS else None


PAGES = (Page("/console/cache", "administrator", show_cache, menu="admin.cache"),)
