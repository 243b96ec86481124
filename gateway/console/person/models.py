"""The models that a person may use: what they are for, what they cost, how fast they are, when they end."""

from typing import Any

from starlette.responses import Response

from gateway.casing import folded
from gateway.console.page import Page
from gateway.console.visit import Visit

_MOST_SHOWN = 80
"""Models on one page; the others are found by a word of their name or description."""
_SEARCH_FROM = 12
_LONGEST_SEARCH = 100


async def show_models(visit: Visit) -> Response:
    me = await visit.ask("GET", "/v1/me")
    speeds = await visit.call("GET", "/v1/me/speeds")
    found = {row["model"]: row for row in speeds.data()["rows"]} if speeds.ok else {}
    wanted = visit.query.get("q", "").strip()[:_LONGEST_SEARCH]
    matching = [model for model in me["models"] if folded(wanted) in folded(f"{model['id']} {model['description']}")]
    models = [{**model, "speed": found.get(model["id"]), "price": price(model)} for model in matching[:_MOST_SHOWN]]
    return visit.render(
        "person/models.html",
        models=models,
        free=set(me["free_models"]),
        wanted=wanted,
        count=len(me["models"]),
        left_out=len(matching) - len(models),
        searchable=len(me["models"]) >= _SEARCH_FROM,
    )


def price(model: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the prices of a model that are numbers, by name, in the order in which people ask for them."""
    given = model["price_usd_per_million_tokens"] or {}
    return [(name, given[name]) for name in ("input", "output", "cached_input") if given.get(name) is not None]


PAGES = (Page("/console/models", "person", show_models, menu="models.menu"),)
