"""Carry a plan out, then read everything back."""

from collections.abc import Callable

from install.errors import NotVerified
from install.open_webui import OpenWebUI
from install.pack.change import Change, Plan
from install.pack.desired import Options
from install.pack.manifest import Manifest
from install.pack.plan import make_plan


def apply(client: OpenWebUI, plan: Plan, on_done: Callable[[Change], None]) -> None:
    """In the plan's order; a failure leaves the rest undone, and the next run goes on from there."""
    for change in plan.changes:
        if change.apply:
            change.apply(client)
            on_done(change)


def verify(client: OpenWebUI, manifest: Manifest, options: Options, applied: Plan) -> None:
    """Raises `NotVerified` if something did not take, or Open WebUI does not list a published model."""
    listed = client.refresh_models()
    published = {change.name for change in applied.pending if change.resource == "model"}
    left = [change.headline for change in make_plan(client, manifest, options).pending]
    left += [f"model {name}: not listed" for name in sorted(published - listed)]
    if left:
        raise NotVerified(left)
