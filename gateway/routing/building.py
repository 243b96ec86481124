"""The deployments of a model as targets: named, priced, with what their models accept."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec

from gateway.config.models import Deployment, Model
from gateway.config.schema import Config
from gateway.pricing import priced
from gateway.profiles.families import resolve
from gateway.profiles.profile import Profile
from gateway.providers.rows import PROVIDERS
from gateway.routing.ending import life_of
from gateway.routing.target import Health, Target
from gateway.upstream.outbound import Outbound


def deployed(model: Model, config: Config, health: dict[str, Health]) -> Iterator[Target]:
    """Yield the deployments of a model; `health` is shared by all configurations of a process."""
    seen: dict[str, int] = {}
    outbound = Outbound(config.server.outbound_proxy, config.server.no_proxy, config.server.custom_ca)
    for number, deployment in enumerate(model.deployments, 1):
        provider = PROVIDERS[deployment.provider]
        name = _name(model, deployment)
        seen[name] = seen.get(name, 0) + 1
        name = name if seen[name] == 1 else f"{name}-{seen[name]}"
        price = priced(model, deployment)
        profile = _profile(model, deployment)
        public_name = f"{model.name}/{number}"
        state = health.setdefault(name, Health())
        life = life_of(model, deployment, config)
        yield Target(name, public_name, model, deployment, provider, state, price, profile, life, outbound)


def _profile(model: Model, deployment: Deployment) -> Profile:
    """Return what a deployment's model accepts; the configuration knows best how long its answers may be."""
    found = resolve(deployment.known_model, deployment.provider, deployment.base_url)
    return msgspec.structs.replace(found, max_output_tokens=model.max_output_tokens or found.max_output_tokens)


def _name(model: Model, deployment: Deployment) -> str:
    """Return a name that stays the same while the deployment does: what it is and where."""
    where = urlsplit(deployment.base_url).netloc if deployment.base_url else deployment.region or deployment.location
    return f"{model.name}/{deployment.provider}" + (f"@{where}" if where else "")
