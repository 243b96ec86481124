"""Ways to serve a client's endpoint: by deployments that speak its dialect, then behind a translation."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from gateway.dialects.endpoint import Endpoint, PerCall
from gateway.dialects.framing import Framing
from gateway.routing.target import Target
from gateway.translation.completion.ways import way
from gateway.translation.contract import Translation
from gateway.translation.rows import TRANSLATIONS
from gateway.upstream.request import Timeouts


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
    def per_call(self) -> PerCall | None:
        """Return how much it takes in one call; None = any number of inputs."""
        deployment, limit = self.target.deployment, self.endpoint.per_call
        most = limit(deployment.known_model) if limit else PerCall()
        most = most._replace(inputs=deployment.max_batch or most.inputs)
        return most if any(most) else None

    @cached_property
    def timeouts(self) -> tuple[Timeouts, Timeouts]:
        """Return the limits for whole and for streamed answers."""
        deployment = self.target.deployment
        return (
            Timeouts(deployment.connect_timeout, deployment.timeout),
            Timeouts(deployment.connect_timeout, deployment.idle_timeout, streams=True),
        )


def by_load(servings: Sequence[Serving]) -> list[Serving]:
    """Return those with the least outstanding work for their weight first, those cooling down last, all of them."""
    if len(servings) == 1:
        return list(servings)
    return sorted(servings, key=lambda serving: (*_load(serving.target), random.random()))


def _load(target: Target) -> tuple[bool, float]:
    return target.health.cooling, target.health.tokens / target.deployment.weight


def grouped(targets: Sequence[Target], endpoint: Endpoint) -> tuple[tuple[Serving, ...], ...]:
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
    if endpoint.counts and (counts_in := target.provider.counts_in):
        return _through(target, endpoint, (counts_in,))
    if target.serves_natively(endpoint.dialect):
        return Serving(target, endpoint)
    return _through(target, endpoint, target.translated_dialects)


def _through(target: Target, endpoint: Endpoint, dialects: Sequence[str]) -> Serving | None:
    """Return the first of `dialects` into which the client's can be translated, or None."""
    rows = (TRANSLATIONS.get((endpoint.path, dialect)) for dialect in dialects)
    row = next((row for row in rows if row), None)
    return Serving(target, row.endpoint, row.translation) if row else None


def _completing(target: Target, endpoint: Endpoint) -> Serving | None:
    """Return how a deployment serves code completion, or None where it cannot."""
    found = way(endpoint, target.completes)
    return Serving(target, found.endpoint, found.translation) if found else None
