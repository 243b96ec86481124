"""`GET /admin/live`: deployments and the queue of this process, as they are now."""

import time
from typing import Any

import msgspec
from starlette.requests import Request

from gateway.identity.keys import KeyStore
from gateway.routing.target import Target
from gateway.runtime import Runtime


class LiveDeployment(msgspec.Struct):
    """A deployment now."""

    model: str
    deployment: str
    """As in the response header `x-sekisho-deployment`."""
    provider: str
    state: str
    """`ok`, `failing` (after failures, still tried) or `cooling` (left out until `cooling_seconds` have passed)."""
    running: int
    max_concurrency: int | None
    failures: int
    """Failures since the last success."""
    cooling_seconds: int


class Live(msgspec.Struct):
    """The gateway process that answers; others have their own counts."""

    at: int
    """UTC, in microseconds since 1970."""
    running: int
    waiting: dict[str, int]
    """Waiting requests by class."""
    warnings: list[str]
    deployments: list[LiveDeployment]


async def admin_live(_: KeyStore, request: Request) -> Any:
    """Return the state of this process."""
    return live(request.app.state.runtime)


def live(runtime: Runtime) -> Live:
    """Return the state of a process."""
    deployments = [_shown(target) for target in runtime.current.routes.all_targets()]
    warnings = [*runtime.problems(), *runtime.warnings()]
    gate = runtime.gate
    return Live(time.time_ns() // 1000, gate.running, gate.waiting_by_class(), warnings, deployments)


def _shown(target: Target) -> LiveDeployment:
    health = target.health
    cooling = max(0, round(health.cooling_until - time.monotonic())) if health.cooling else 0
    state = "cooling" if health.cooling else "failing" if health.failures else "ok"
    return LiveDeployment(
        target.model.name,
        target.public_name,
        target.provider.name,
        state,
        health.running,
        target.deployment.max_concurrency,
        health.failures,
        cooling,
    )
