"""Another deployment, then another model, as long as the client has not seen a byte."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from itertools import chain, islice
from typing import TypeVar

from gateway.api.exchange import Exchange
from gateway.config.schema import Model
from gateway.errors import UpstreamError, UpstreamRefused
from gateway.routing import COOLDOWN_SECONDS, Target

log = logging.getLogger("sekisho.requests")

MAX_ATTEMPTS = 4
SECOND_TRIES = 1
"""How often the only candidates are asked again."""
LONGEST_PAUSE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.25

T = TypeVar("T")


async def first_success(exchange: Exchange, model: Model, attempt: Callable[[Target], Awaitable[T]]) -> T:
    """What the first deployment that does not fail gives back.

    Raises the last `UpstreamError`, at once where another deployment would not do better.
    """
    candidates = exchange.snapshot.routes.candidates(model, exchange.family.api)
    failure: UpstreamError | None = None
    again = chain.from_iterable([candidates] * SECOND_TRIES)
    for number, target in enumerate(islice(chain(candidates, again), MAX_ATTEMPTS)):
        if number >= len(candidates) and not await _pause(failure, number - len(candidates)):
            break
        exchange.attempt(target)
        try:
            return await attempt(target)
        except UpstreamError as error:
            log.warning("request %s: %s: %s", exchange.record.request_id, target.id, _cause(error))
            if not error.retryable:
                raise
            _cool_down(target, error)
            failure = error
    assert failure is not None, "a model has at least one deployment"
    raise failure


def _cause(error: UpstreamError) -> str:
    """For the administrator: what came, or why nothing did. Never the upstream's text, which may quote a key."""
    if isinstance(error, UpstreamRefused):
        return f"answered {error.upstream_status}"
    return f"{error.code}: {error.__cause__!r}" if error.__cause__ else error.message


def _cool_down(target: Target, error: UpstreamError) -> None:
    seconds = COOLDOWN_SECONDS if error.retry_after is None else error.retry_after
    target.health.cooling_until = time.monotonic() + seconds


async def _pause(failure: UpstreamError | None, round_number: int) -> bool:
    """Wait before all candidates are asked again; False where the upstream wants more than we have."""
    wanted = failure.retry_after if failure else None
    seconds = FIRST_PAUSE_SECONDS * 2**round_number if wanted is None else wanted
    if seconds > LONGEST_PAUSE_SECONDS:
        return False
    await asyncio.sleep(seconds)
    return True
