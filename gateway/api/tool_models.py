"""The models of a key as coding tools are told them: all of them, the one for the work, the one for quick tasks."""

from typing import NamedTuple

from gateway.identity.policy import Policy
from gateway.notices.users import names_ending, today_utc
from gateway.presets.model import CONVERSING, Model, cheapest
from gateway.routing.ending import NEAR
from gateway.routing.routes import Routes


class ToolModels(NamedTuple):
    """Models in the configuration's order; `main` is the first for conversations, `small` the cheapest that stays."""

    models: list[Model]
    main: Model
    small: Model


def tool_models(routes: Routes, policy: Policy) -> ToolModels | None:
    """Return the models that a key may use; None where none is for conversations."""
    available = routes.available(policy)
    models = [Model(each.name, each.mode, each.context_window, each.max_output_tokens) for each in available]
    main = next((each for each in models if each.mode in CONVERSING), None)
    if main is None:
        return None
    ending = {*names_ending(routes, NEAR.days, today_utc())} - {main.id}
    found = ((name, routes.dearest.get(name)) for name in (each.id for each in models) if name not in ending)
    prices = {name: float(price.input + price.output) for name, price in found if price}
    return ToolModels(models, main, cheapest(models, prices, main))
