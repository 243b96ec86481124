"""Which deployment takes a request, and which comes next if it fails before its first byte."""

import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from urllib.parse import urlsplit

from gateway.config.schema import Config, Deployment, Model
from gateway.errors import InvalidRequest, NotFound
from gateway.providers.table import PROVIDERS, Provider

COOLDOWN_SECONDS = 5.0
"""A deployment that failed is avoided this long, unless it is the last one."""


@dataclass(slots=True)
class Health:
    """What lives on across configurations: running requests and the end of a cool-down."""

    running: int = 0
    cooling_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """A deployment with everything a call needs."""

    id: str
    model: Model
    deployment: Deployment
    provider: Provider
    health: Health

    @property
    def dialects(self) -> tuple[str, ...]:
        return self.deployment.dialects or self.provider.dialects

    @property
    def base_url(self) -> str:
        return (self.deployment.base_url or self.provider.base_url or "").rstrip("/")

    def speaks(self, dialect: str) -> bool:
        return dialect in self.dialects


@dataclass(frozen=True)
class Routes:
    """The models of one configuration, ready to be asked."""

    models: Mapping[str, Model]
    targets: Mapping[str, tuple[Target, ...]]
    created: int = field(default_factory=lambda: int(time.time()))

    def model(self, name: str) -> Model:
        """The model of that name. Raises `NotFound` with the nearest names, or with when it is served."""
        found = self.models.get(name)
        if found is None:
            near = get_close_matches(name, self.models, n=3)
            hint = "Did you mean " + " or ".join(f"'{each}'" for each in near) + "?" if near else "See GET /v1/models."
            raise NotFound(f"The model '{name}' does not exist. {hint}", code="model_not_found", param="model")
        _check_time(found)
        return found

    def available(self) -> list[Model]:
        """The models served now, in the order of the file."""
        return [model for model in self.models.values() if is_available(model)]

    def candidates(self, model: Model, dialect: str) -> list[Target]:
        """Deployments in the order to try: the model's own, least busy first, then its fallbacks'.

        Raises `InvalidRequest` where none of them speaks the client's dialect.
        """
        chain = [model, *(self.models[name] for name in model.fallback if is_available(self.models[name]))]
        speaking = [[t for t in self.targets[each.name] if t.speaks(dialect)] for each in chain]
        if not any(speaking):
            raise InvalidRequest(
                f"The model '{model.name}' is not served in this API's dialect ('{dialect}'). "
                f"It speaks: {', '.join(_dialects(self.targets[model.name]))}.",
                code="dialect_not_supported",
                param="model",
            )
        return [target for targets in speaking for target in _ordered(targets)]


def build_routes(config: Config, health: dict[str, Health]) -> Routes:
    """Index a configuration. `health` is shared by all configurations of a process."""
    return Routes(
        models={model.name: model for model in config.models},
        targets={model.name: tuple(_targets(model, health)) for model in config.models},
    )


def is_available(model: Model, now: datetime | None = None) -> bool:
    now = now or datetime.now(UTC)
    begins, ends = model.available.from_, model.available.until
    return (begins is None or begins <= now) and (ends is None or now < ends)


def _check_time(model: Model) -> None:
    if is_available(model):
        return
    begins, ends = model.available.from_, model.available.until
    when = f"from {begins:%Y-%m-%d %H:%M} UTC" if begins and begins > datetime.now(UTC) else ""
    when = when or f"until {ends:%Y-%m-%d %H:%M} UTC"
    raise NotFound(
        f"The model '{model.name}' is served only {when}. See GET /v1/models for what is served now.",
        code="model_not_available",
        param="model",
    )


def _targets(model: Model, health: dict[str, Health]) -> Iterator[Target]:
    seen: dict[str, int] = {}
    for deployment in model.deployments:
        provider = PROVIDERS[deployment.provider]
        name = _name(model, deployment)
        seen[name] = seen.get(name, 0) + 1
        name = name if seen[name] == 1 else f"{name}-{seen[name]}"
        yield Target(name, model, deployment, provider, health.setdefault(name, Health()))


def _name(model: Model, deployment: Deployment) -> str:
    """A name that stays the same while the deployment does: what it is and where."""
    where = urlsplit(deployment.base_url).netloc if deployment.base_url else deployment.region
    return f"{model.name}/{deployment.provider}" + (f"@{where}" if where else "")


def _ordered(targets: list[Target]) -> list[Target]:
    """Least running work for its weight first; those cooling down last; ties by chance."""
    now = time.monotonic()
    return sorted(
        targets,
        key=lambda t: (t.health.cooling_until > now, t.health.running / t.deployment.weight, random.random()),
    )


def _dialects(targets: tuple[Target, ...]) -> list[str]:
    return sorted({dialect for target in targets for dialect in target.dialects})
