"""Another deployment, then another model, as long as the client has not seen a byte."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.api.ask import Ask
from gateway.api.exchange import Exchange
from gateway.config.models import Model
from gateway.errors import CredentialsMissing, UpstreamError, UpstreamRefused
from gateway.routing.serving import Serving, by_load
from gateway.routing.target import Target

log = logging.getLogger("sekisho.requests")

MAX_ATTEMPTS = 4
LONGEST_PAUSE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.25

T = TypeVar("T")


async def first_success(exchange: Exchange, ask: Ask, attempt: Callable[[Serving], Awaitable[T]]) -> T:
    """Return what the first deployment that does not fail gives back.

    Raises the last `UpstreamError`, at once where another deployment would not do better; `Busy`.
    """
    runtime = exchange.runtime
    runtime.retries.request()
    failure: UpstreamError | None = None
    for servings in _rounds(exchange, ask):
        if failure and (_same_fate(failure, servings, ask.model) or not await _go_on(exchange, failure, servings)):
            continue
        left = list(servings)
        while left:
            serving = await exchange.enter([each for each in left if not each.target.health.cooling] or left, ask)
            left.remove(serving)
            try:
                answer = await attempt(serving)
            except UpstreamError as error:
                failure = _note(exchange, serving.target, error)
                if _too_long(error):
                    break
                if left and not _may_retry(exchange):
                    raise
            else:
                serving.target.health.worked()
                return answer
    assert failure is not None, "a chain has at least one deployment"
    raise failure


def _rounds(exchange: Exchange, ask: Ask) -> list[list[Serving]]:
    """Return own deployments, then fallbacks'; where there is only one deployment in all, that one twice."""
    groups = ask.plan.groups
    if len(groups) == 1 and len(groups[0]) == 1:
        return [list(groups[0])] * 2
    return [exchange.runtime.affinity.preferred(by_load(servings), ask.hints) for servings in groups]


def _note(exchange: Exchange, target: Target, error: UpstreamError) -> UpstreamError:
    """Log a failure and remember it for the deployment. Raises it where nobody else would do better."""
    log.warning("request %s: %s: %s", exchange.recorder.request_id, target.id, _cause(error))
    if error.code == CredentialsMissing.default_code:
        name = exchange.runtime.credentials_name(target)
        log.error("credentials: %s: %s: missing or expired; renew them", target.id, name)
    if isinstance(error, UpstreamRefused) and (
        error.upstream_status == 401 or error.code == CredentialsMissing.default_code
    ):
        target.distrust_credentials()
    if error.retryable:
        target.health.failed(error.retry_after)
    elif not (_too_long(error) and target.model.fallback):
        raise error
    return error


def _may_retry(exchange: Exchange) -> bool:
    return exchange.recorder.attempts < MAX_ATTEMPTS and exchange.runtime.retries.spend()


async def _go_on(exchange: Exchange, failure: UpstreamError, servings: list[Serving]) -> bool:
    """Return whether the next round is tried; the same deployment only after a pause that it may ask for."""
    if not _may_retry(exchange):
        return False
    if all(serving.target is not exchange.target for serving in servings):
        return True
    if failure.code in ("upstream_misconfigured", "model_ended"):
        return False
    seconds = FIRST_PAUSE_SECONDS if failure.retry_after is None else failure.retry_after
    if seconds > LONGEST_PAUSE_SECONDS:
        return False
    await asyncio.sleep(seconds)
    return True


def _same_fate(failure: UpstreamError, servings: list[Serving], model: Model) -> bool:
    """Return whether a round would fail alike: a prompt that is too long goes only where the window is larger."""
    if not _too_long(failure):
        return False
    other = servings[0].target.model
    window, larger = model.context_window, other.context_window
    return other is model or (window is not None and larger is not None and larger <= window)


def _too_long(error: UpstreamError) -> bool:
    return isinstance(error, UpstreamRefused) and error.too_long


def _cause(error: UpstreamError) -> str:
    """Return the cause of a failure for the administrator. Never the upstream's text, which may quote a key."""
    if isinstance(error, UpstreamRefused):
        return f"answered {error.upstream_status}"
    return f"{error.code}: {error.__cause__!r}" if error.__cause__ else error.message
