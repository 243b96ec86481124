"""The models of one configuration: which deployments may take a request, and in which order."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from gateway.config.models import Model, Price
from gateway.config.schema import Config
from gateway.dialects.endpoint import END, Endpoint
from gateway.errors import InvalidRequest, NotFound
from gateway.identity.policy import Policy
from gateway.pricing import dearest
from gateway.profiles.known import Life
from gateway.routing.availability import check_time, is_available
from gateway.routing.building import deployed
from gateway.routing.ending import last
from gateway.routing.serving import Serving, grouped
from gateway.routing.target import Health, Target

_MOST_NAMED = 5
"""Models that an error names."""


@dataclass(frozen=True)
class Routes:
    """The models of one configuration, ready to be asked."""

    models: Mapping[str, Model]
    targets: Mapping[str, tuple[Target, ...]]
    dearest: Mapping[str, Price]
    """The highest prices that a request to a model may come to, its fallbacks' among them."""
    created: int = field(default_factory=lambda: int(time.time()))
    _made: dict[tuple[str, str], tuple[tuple[Serving, ...], ...]] = field(default_factory=dict)

    def model(self, name: str, policy: Policy | None = None) -> Model:
        """Return the model of that name. Raises `NotFound` with the nearest names, or with when it is served."""
        found = self.models.get(name)
        if found is None or (policy and not policy.allows(name)):
            allowed = [each for each in self.models if policy is None or policy.allows(each)]
            similar = get_close_matches(name, allowed, n=3)
            hint = (
                "Did you mean " + " or ".join(f"'{each}'" for each in similar) + "?"
                if similar
                else "See GET /v1/models."
            )
            why = "does not exist" if found is None else "is not among those that this key may use"
            raise NotFound(f"The model '{name}' {why}. {hint}", code="model_not_found", param="model")
        check_time(found)
        return found

    def life(self, model: Model) -> Life | None:
        """Return when a model ends wherever it runs; None = it does not, as far as is known."""
        return last([target.life for target in self.targets[model.name]])

    def successor(self, model: Model) -> str | None:
        """Return the model that follows one, as the configuration or the model table names it."""
        life = self.life(model)
        return model.successor or (life.successor if life else None)

    def available(self, policy: Policy | None = None) -> list[Model]:
        """Return the models that are served now, in the order of the file."""
        allowed = (model for model in self.models.values() if policy is None or policy.allows(model.name))
        return [model for model in allowed if is_available(model)]

    def free(self, policy: Policy) -> list[str]:
        """Return the names of chat models that cost nothing, their fallbacks neither."""
        return [each.name for each in self.available(policy) if each.mode == "chat" and each.name not in self.dearest]

    def chain(self, model: Model, endpoint: Endpoint, policy: Policy | None = None) -> list[tuple[Serving, ...]]:
        """Return who may serve a request, in groups: the model's own deployments, then those of each fallback.

        Within a model those that speak the client's dialect stand before those behind a translation. Raises
        `InvalidRequest` where there are none.
        """
        unusable = self.unusable_fallbacks(model, endpoint, policy)
        models = [model, *(self.models[name] for name in model.fallback if name not in unusable)]
        groups = [group for each in models for group in self._servings(each, endpoint)]
        if not groups and endpoint.variant:
            raise self._cannot_complete(model, endpoint, policy)
        if not groups:
            raise InvalidRequest(
                f"The model '{model.name}' is not served in this API's dialect ('{endpoint.dialect}'). "
                f"It speaks: {', '.join(_dialects(self.targets[model.name]))}.",
                code="dialect_not_supported",
                param="model",
            )
        return groups

    def completing(self, endpoint: Endpoint, policy: Policy | None = None) -> list[str]:
        """Return the names of the models for completion that serve an endpoint now."""
        available = (each for each in self.available(policy) if each.mode == "completion")
        return [each.name for each in available if self._servings(each, endpoint)]

    def _cannot_complete(self, model: Model, endpoint: Endpoint, policy: Policy | None) -> InvalidRequest:
        """Return the error for a model that fills no gaps, with what would help."""
        others = self.completing(endpoint, policy)[:_MOST_NAMED]
        instead = f" Ask for {' or '.join(repr(name) for name in others)}, or" if others else " Leave 'suffix' out, or"
        return InvalidRequest(
            f"The model '{model.name}' cannot fill in the middle: no template of its family is known."
            f"{instead} let the administrator set 'fim:' on the model.",
            code="fim_not_supported",
            param="model" if endpoint.variant == END else "suffix",
        )

    def unusable_fallbacks(self, model: Model, endpoint: Endpoint, policy: Policy | None = None) -> dict[str, str]:
        """Return the fallbacks that a request may not use, each with the reason."""
        reasons: dict[str, str] = {}
        for name in model.fallback:
            other = self.models[name]
            checks = (
                (policy is None or policy.allows(name), "the key may not use it"),
                (other.mode in endpoint.modes, f"it is for {other.mode}"),
                (is_available(other), "it is not served now"),
                (bool(self._servings(other, endpoint)), f"it does not speak '{endpoint.dialect}'"),
            )
            if reason := next((reason for holds, reason in checks if not holds), None):
                reasons[name] = reason
        return reasons

    def _servings(self, model: Model, endpoint: Endpoint) -> tuple[tuple[Serving, ...], ...]:
        """Return the groups of a model's own deployments that serve an endpoint. Made once a configuration."""
        key = (model.name, endpoint.path + endpoint.variant)
        if key not in self._made:
            self._made[key] = grouped(self.targets[model.name], endpoint)
        return self._made[key]

    def all_targets(self) -> Iterator[Target]:
        for targets in self.targets.values():
            yield from targets


def build_routes(config: Config, health: dict[str, Health]) -> Routes:
    """Index a configuration. `health` is shared by all configurations of a process."""
    targets = {model.name: tuple(deployed(model, config, health)) for model in config.models}
    return Routes(
        models={model.name: model for model in config.models},
        targets=targets,
        dearest=dict(_dearest(config.models, targets)),
    )


def _dearest(models: Sequence[Model], targets: Mapping[str, tuple[Target, ...]]) -> Iterator[tuple[str, Price]]:
    for model in models:
        prices = [each.price for name in (model.name, *model.fallback) for each in targets[name] if each.price]
        if prices:
            yield model.name, dearest(prices)


def _dialects(targets: tuple[Target, ...]) -> list[str]:
    return sorted({dialect for target in targets for dialect in target.dialects})
