"""Another deployment, then another model, as long as the client has not seen a byte."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.api.exchange import Exchange
from gateway.config.schema import Model
from gateway.errors import UpstreamError, UpstreamRefused
from gateway.routing import Target, by_load

log = logging.getLogger("sekisho.requests")

MAX_ATTEMPTS = 4
LONGEST_PAUSE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.25

T = TypeVar("T")


async def first_success(exchange: Exchange, model: Model, attempt: Callable[[Target], Awaitable[T]]) -> T:
    """What the first deployment that does not fail gives back.

    Raises the last `UpstreamError`, at once where another deployment would not do better; `Busy`.
    """
    runtime = exchange.runtime
    runtime.retries.request()
    failure: UpstreamError | None = None
    for targets in _rounds(exchange, model):
        if failure and (_same_fate(failure, targets, model) or not await _go_on(exchange, failure, targets)):
            continue
        left = list(targets)
        while left:
            target = await exchange.enter([each for each in left if not each.health.cooling] or left)
            left.remove(target)
            try:
                answer = await attempt(target)
            except UpstreamError as error:
                failure = _note(exchange, target, error)
                if _too_long(error):
                    break
                if left and not _may_retry(exchange):
                    raise
            else:
                target.health.worked()
                return answer
    assert failure is not None, "a chain has at least one deployment"
    raise failure


def _rounds(exchange: Exchange, model: Model) -> list[list[Target]]:
    """Own deployments, fallbacks', and where there is only one deployment in all, that one again."""
    chain = exchange.snapshot.routes.chain(model, exchange.family.api, exchange.policy, exchange.family.modes)
    rounds = [exchange.runtime.affinity.preferred(by_load(targets), exchange.hints) for targets in chain]
    return rounds * 2 if len(rounds) == 1 and len(rounds[0]) == 1 else rounds


def _note(exchange: Exchange, target: Target, error: UpstreamError) -> UpstreamError:
    """Log a failure and remember it for the deployment. Raises it where nobody else would do better."""
    log.warning("request %s: %s: %s", exchange.record.request_id, target.id, _cause(error))
    if error.retryable:
        target.health.failed(error.retry_after)
    elif not (_too_long(error) and target.model.fallback):
        raise error
    return error


def _may_retry(exchange: Exchange) -> bool:
    return exchange.record.attempts < MAX_ATTEMPTS and exchange.runtime.retries.spend()


async def _go_on(exchange: Exchange, failure: UpstreamError, targets: list[Target]) -> bool:
    """Whether the next round is tried; the same deployment only after a pause that it may ask for."""
    if not _may_retry(exchange):
        return False
    if exchange.target is None or exchange.target not in targets:
        return True
    if failure.code == "upstream_misconfigured":
        return False
    seconds = FIRST_PAUSE_SECONDS if failure.retry_after is None else failure.retry_after
    if seconds > LONGEST_PAUSE_SECONDS:
        return False
    await asyncio.sleep(seconds)
    return True


def _same_fate(failure: UpstreamError, targets: list[Target], model: Model) -> bool:
    """A prompt that is too long goes only where the window is larger."""
    if not _too_long(failure):
        return False
    window, larger = model.context_window, targets[0].model.context_window
    return targets[0].model is model or (window is not None and larger is not None and larger <= window)


def _too_long(error: UpstreamError) -> bool:
    return isinstance(error, UpstreamRefused) and error.too_long


def _cause(error: UpstreamError) -> str:
    """For the administrator: what came, or why nothing did. Never the upstream's text, which may quote a key."""
    if isinstance(error, UpstreamRefused):
        return f"answered {error.upstream_status}"
    return f"{error.code}: {error.__cause__!r}" if error.__cause__ else error.message
