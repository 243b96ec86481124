"""Which deployments may take a request, and in which order."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cached_property
from urllib.parse import urlsplit

import msgspec

from gateway.config.addresses import secrets_in
from gateway.config.schema import ALWAYS, Config, Deployment, Model, Price
from gateway.dialects.endpoint import END, Endpoint
from gateway.dialects.framing import Framing
from gateway.errors import InvalidRequest, NotFound
from gateway.identity.policy import Policy
from gateway.pricing import Priced, dearest, priced
from gateway.profiles.families import resolve
from gateway.profiles.fim import family_of
from gateway.profiles.profile import DEFAULT_PROFILE, Profile
from gateway.providers.contract import Provider
from gateway.providers.rows import PROVIDERS
from gateway.translation.completion.ways import Abilities, way
from gateway.translation.contract import Translation
from gateway.translation.rows import TRANSLATIONS
from gateway.upstream.request import Timeouts

FIRST_COOLDOWN_SECONDS = 5.0
LONGEST_COOLDOWN_SECONDS = 60.0
_MOST_NAMED = 5
"""Models that an error names."""


@dataclass(slots=True)
class Health:
    """What lives on across configurations: running work, and how a deployment has been doing."""

    running: int = 0
    tokens: int = 0
    """Estimated tokens of the running requests: the work that is still to be done."""
    failures: int = 0
    """Failures since the last success."""
    cooling_until: float = 0.0

    def failed(self, retry_after: float | None = None) -> None:
        """Avoid it for a while, longer every time."""
        cooldown = FIRST_COOLDOWN_SECONDS * 2 ** min(self.failures, 5)
        self.failures += 1
        self.cooling_until = time.monotonic() + (retry_after or min(cooldown, LONGEST_COOLDOWN_SECONDS))

    def worked(self) -> None:
        self.failures, self.cooling_until = 0, 0.0

    @property
    def cooling(self) -> bool:
        return self.failures > 0 and self.cooling_until > time.monotonic()


@dataclass(slots=True)
class Quirks:
    """Facts about a deployment that its answers taught us; forgotten with the configuration."""

    refuses_stream_options: bool = False
    lacks_counting: bool = False
    """It has no endpoint that counts tokens."""
    counting: int = 0
    """Counts of tokens that it is asked for now."""


@dataclass(frozen=True)
class Target:
    """A deployment with everything a call needs."""

    id: str
    """Its name for the administrator, as long as it stays where it is."""
    public_name: str
    """Its name in response headers: model and number in the configuration, without a host."""
    model: Model
    deployment: Deployment
    provider: Provider
    health: Health
    price: Priced | None = None
    """The model's own, or the public one of where it runs."""
    profile: Profile = DEFAULT_PROFILE
    """What its family of models accepts."""
    quirks: Quirks = field(default_factory=Quirks)

    @property
    def dialects(self) -> tuple[str, ...]:
        found = self.deployment.dialects
        if found is None and self.provider.dialects_of:
            return self.provider.dialects_of(self.deployment.model)
        return found or self.provider.dialects

    @cached_property
    def betas(self) -> frozenset[str] | None:
        """Return the values of `anthropic-beta` that it takes; None = any."""
        configured = self.deployment.betas
        return self.provider.betas if configured is None else frozenset(configured)

    @property
    def base_url(self) -> str:
        return (self.deployment.base_url or self.provider.base_url or "").rstrip("/")

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what the upstream is sent and nobody else may see."""
        keys = (self.deployment.api_key, self.deployment.access_token)
        return (*(key.reveal() for key in keys if key), *secrets_in(self.base_url))

    @property
    def has_room(self) -> bool:
        """Return whether a request may run here: after a failure one request at a time probes, until one works."""
        limit = self.deployment.max_concurrency
        if self.health.failures and not self.health.cooling:
            limit = 1
        return limit is None or self.health.running < limit

    @property
    def asks_for_usage(self) -> bool:
        """Return whether a stream is asked to end with its token counts."""
        return self.provider.stream_usage and not self.quirks.refuses_stream_options

    @cached_property
    def record_fields(self) -> Mapping[str, str | None]:
        """Return the fields by which records name it."""
        return {
            "provider": self.provider.name,
            "deployment": self.id,
            "upstream_model": self.deployment.model,
        }

    @cached_property
    def response_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers by which answers name it."""
        return [
            (b"x-sekisho-model", self.model.name.encode()),
            (b"x-sekisho-deployment", self.public_name.encode()),
        ]

    @cached_property
    def completes(self) -> Abilities:
        """Return how it may be asked for code completion."""
        setting = self.model.fim
        return Abilities(
            self.dialects,
            family_of(setting, self.deployment.model),
            setting == "native" or (setting is None and self.provider.takes_suffix),
            for_completion=self.model.mode == "completion" or setting == "native",
            fills=setting != "none",
        )

    def speaks(self, dialect: str) -> bool:
        return dialect in self.dialects

    def serves_natively(self, dialect: str) -> bool:
        """Return whether clients of a dialect are best served in it: some models take tools only in another one."""
        bridged = dialect == "chat" and self.profile.tools_need_responses and not self.deployment.dialects
        return self.speaks(dialect) and not (bridged and self.speaks("responses"))

    @property
    def translated_dialects(self) -> tuple[str, ...]:
        """Return the dialects in which clients of others are served, the best first."""
        if self.profile.tools_need_responses and self.speaks("responses"):
            return ("responses", *(each for each in self.dialects if each != "responses"))
        return self.dialects


@dataclass(frozen=True)
class Serving:
    """A way to serve a client's endpoint: a deployment, its own endpoint, and a translation where they differ."""

    target: Target
    endpoint: Endpoint
    """The upstream's."""
    translation: Translation | None = None

    @property
    def framing(self) -> Framing:
        """Return how its streams are framed."""
        provider = self.target.provider
        return provider.framings.get(self.endpoint.path, provider.framing)

    @cached_property
    def urls(self) -> tuple[str, str]:
        """Return the addresses that are asked for whole and for streamed answers."""
        provider, deployment = self.target.provider, self.target.deployment
        whole, streamed = (provider.url(provider, deployment, self.endpoint.path, stream) for stream in (False, True))
        return whole, streamed

    @cached_property
    def timeouts(self) -> tuple[Timeouts, Timeouts]:
        """Return the limits for whole and for streamed answers."""
        deployment = self.target.deployment
        return (
            Timeouts(deployment.connect_timeout, deployment.timeout),
            Timeouts(deployment.connect_timeout, deployment.idle_timeout, streams=True),
        )


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
        _check_time(found)
        return found

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
            self._made[key] = _grouped(self.targets[model.name], endpoint)
        return self._made[key]

    def all_targets(self) -> Iterator[Target]:
        for targets in self.targets.values():
            yield from targets


def build_routes(config: Config, health: dict[str, Health]) -> Routes:
    """Index a configuration. `health` is shared by all configurations of a process."""
    targets = {model.name: tuple(_targets(model, health)) for model in config.models}
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


def is_always_available(model: Model) -> bool:
    """Return whether a model has no time before or after which it is not served."""
    return model.available is ALWAYS


def is_available(model: Model, now: datetime | None = None) -> bool:
    """Return whether a model is served at a moment."""
    if is_always_available(model):
        return True
    now = now or datetime.now(UTC)
    begins, ends = model.available.from_, model.available.until
    return (begins is None or begins <= now) and (ends is None or now < ends)


def by_load(servings: Sequence[Serving]) -> list[Serving]:
    """Return those with the least outstanding work for their weight first, those cooling down last, all of them."""
    if len(servings) == 1:
        return list(servings)
    return sorted(servings, key=lambda serving: (*_load(serving.target), random.random()))


def _load(target: Target) -> tuple[bool, float]:
    return target.health.cooling, target.health.tokens / target.deployment.weight


def _grouped(targets: Sequence[Target], endpoint: Endpoint) -> tuple[tuple[Serving, ...], ...]:
    """Return native servings, then translated ones; a group without any is left out.

    Of code completion nothing is lost in a translation, so that all deployments share it.
    """
    if endpoint.variant:
        completing = tuple(found for target in targets if (found := _completing(target, endpoint)))
        return (completing,) if completing else ()
    servings = [found for target in targets if (found := serving_of(target, endpoint))]
    native = tuple(each for each in servings if each.translation is None)
    translated = tuple(each for each in servings if each.translation is not None)
    return tuple(group for group in (native, translated) if group)


def serving_of(target: Target, endpoint: Endpoint) -> Serving | None:
    """Return how a deployment serves clients of a conversation's endpoint; None where it cannot."""
    return Serving(target, endpoint) if target.serves_natively(endpoint.dialect) else _translated(target, endpoint)


def _translated(target: Target, endpoint: Endpoint) -> Serving | None:
    """Return the first of a deployment's dialects into which the client's can be translated, or None."""
    rows = (TRANSLATIONS.get((endpoint.path, dialect)) for dialect in target.translated_dialects)
    row = next((row for row in rows if row), None)
    return Serving(target, row.endpoint, row.translation) if row else None


def _completing(target: Target, endpoint: Endpoint) -> Serving | None:
    """Return how a deployment serves code completion, or None where it cannot."""
    found = way(endpoint, target.completes)
    return Serving(target, found.endpoint, found.translation) if found else None


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
    for number, deployment in enumerate(model.deployments, 1):
        provider = PROVIDERS[deployment.provider]
        name = _name(model, deployment)
        seen[name] = seen.get(name, 0) + 1
        name = name if seen[name] == 1 else f"{name}-{seen[name]}"
        price = priced(model, deployment)
        profile = _profile(model, deployment)
        public_name = f"{model.name}/{number}"
        state = health.setdefault(name, Health())
        yield Target(name, public_name, model, deployment, provider, state, price, profile)


def _profile(model: Model, deployment: Deployment) -> Profile:
    """Return what a deployment's model accepts; the configuration knows best how long its answers may be."""
    found = resolve(deployment.model, deployment.provider, deployment.base_url)
    return msgspec.structs.replace(found, max_output_tokens=model.max_output_tokens or found.max_output_tokens)


def _name(model: Model, deployment: Deployment) -> str:
    """Return a name that stays the same while the deployment does: what it is and where."""
    where = urlsplit(deployment.base_url).netloc if deployment.base_url else deployment.region or deployment.location
    return f"{model.name}/{deployment.provider}" + (f"@{where}" if where else "")


def _dialects(targets: tuple[Target, ...]) -> list[str]:
    return sorted({dialect for target in targets for dialect in target.dialects})
