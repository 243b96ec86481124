"""What `sekisho config check` warns of: models near or past their end, and models without a known price."""

import json
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from gateway.config.load import Loaded
from gateway.config.models import Model
from gateway.pricing import numbers
from gateway.profiles.known import Life
from gateway.routing.ending import NEAR, today
from gateway.routing.routes import Routes, build_routes
from gateway.routing.target import Target

_URGENT_DAYS = 30
_UNPRICED_MODES = ("agent", "moderation")
"""Modes of models that cost nothing, or whose cost others count."""


class Ending(msgspec.Struct, frozen=True):
    """The end of a model where one of its deployments runs."""

    model: str
    deployment: str
    life: Life
    place: str

    @property
    def days_left(self) -> int:
        return (self.life.ends - today()).days

    @property
    def level(self) -> Literal["ended", "urgent", "warning"] | None:
        """Return how pressing it is; None = it is far off."""
        if self.days_left <= 0:
            return "ended"
        if self.days_left <= _URGENT_DAYS:
            return "urgent"
        return "warning" if self.days_left <= NEAR.days else None

    @property
    def words(self) -> str:
        """Return what happens when, by whose word, and what to do."""
        life = self.life
        does = ("ended" if life.certain else "may have ended") if self.days_left <= 0 else "ends"
        does = does if life.certain or self.days_left <= 0 else "may end"
        when = f"on {life.ends}" + (f", in {self.days_left} days" if self.days_left > 0 else "")
        said = f" ({life.source}, {life.looked_up})" if life.looked_up else ""
        remedy = f"Change to '{life.successor}'" if life.successor else "Choose another model"
        return (
            f"{self.place}: '{self.model}' {does} {when}, where it runs ({self.deployment}){said}. {remedy}, or write "
            "'end_of_life:' on the model where you know better."
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "deployment": self.deployment,
            "level": self.level,
            "days_left": self.days_left,
            **{name: value for name, value in msgspec.to_builtins(self.life).items() if value is not None},
            "place": self.place,
        }


def endings_of(loaded: Loaded, routes: Routes) -> Iterator[Ending]:
    """Yield the ends of all deployments that are known, but of models that are taken off before."""
    for index, model in enumerate(loaded.config.models):
        for number, target in enumerate(routes.targets[model.name]):
            if target.life is None or _is_taken_off(model, target.life):
                continue
            place = loaded.document.place(("models", index, "deployments", number, "model"))
            name = f"{target.provider.name} {target.deployment.model}"
            yield Ending(model.name, name, target.life, str(place))


def _is_taken_off(model: Model, life: Life) -> bool:
    until = model.available.until
    return until is not None and until.date() <= life.ends


def known(loaded: Loaded) -> Iterator[tuple[str, str, str]]:
    """Yield (what, value as JSON, by whose word) for the price and the end of each deployment."""
    routes = build_routes(loaded.config, {})
    for index, model in enumerate(loaded.config.models):
        for number, target in enumerate(routes.targets[model.name]):
            key = f"models.{index}.deployments.{number}"
            if target.price:
                yield f"{key} price", json.dumps(numbers(target.price.price)), target.price.id.partition("(")[0]
            if life := target.life:
                said = f"{life.source}, {life.looked_up}" if life.looked_up else life.source
                yield f"{key} {'ends' if life.certain else 'ends at the earliest'}", json.dumps(f"{life.ends}"), said


def unpriced(loaded: Loaded, routes: Routes) -> Iterator[str]:
    """Yield a warning for each model on somebody else's servers of which no price is known."""
    for index, model in enumerate(loaded.config.models):
        if model.mode in _UNPRICED_MODES:
            continue
        for target in routes.targets[model.name]:
            if target.price is None and _is_metered(target):
                place = loaded.document.place(("models", index, "name"))
                yield (
                    f"{place}: no price is known of '{model.name}' ({target.provider.name} {target.deployment.model}), "
                    "so that its use counts as free. Write 'price:' on the model; '{input: 0}' where it costs nothing."
                )


def _is_metered(target: Target) -> bool:
    """Return whether a deployment runs at a vendor's: where it has prices, or behind a public HTTPS address."""
    if target.provider.price_list or target.provider.base_url:
        return True
    parts = urlsplit(target.base_url)
    host = parts.hostname or ""
    try:
        return ip_address(host).is_global
    except ValueError:
        return parts.scheme == "https" and "." in host and not host.endswith((".internal", ".local", ".lan", ".test"))
