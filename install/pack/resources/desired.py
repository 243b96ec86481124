"""Everything the manifest asks for, kind by kind."""

from collections.abc import Callable, Iterable, Iterator

from install.errors import ManifestError
from install.pack.inputs import PlanInputs
from install.pack.resources.agents import wanted_agents
from install.pack.resources.banners import wanted_banners
from install.pack.resources.connections import wanted_connections
from install.pack.resources.kind import Wanted
from install.pack.resources.models import wanted_models
from install.pack.resources.new_models import wanted_new_models
from install.pack.resources.notice import wanted_notice
from install.pack.resources.plugins import wanted_plugins
from install.pack.resources.prompts import wanted_prompts
from install.pack.resources.services import wanted_settings
from install.pack.resources.suggestions import wanted_suggestions
from install.pack.resources.tool_servers import wanted_tool_servers
from install.wording import say, term

FUNCTIONS = ("filter", "action", "pipe")
"""Kinds that share their ids."""


def desired_state(inputs: PlanInputs) -> list[Wanted]:
    """Return everything that the manifest asks for. Raises a `SekishoError` where it cannot be determined."""
    parts: Iterable[Callable[[PlanInputs], Iterator[Wanted]]] = (
        wanted_plugins,
        wanted_connections,
        wanted_tool_servers,
        wanted_models,
        wanted_agents,
        wanted_settings,
        wanted_prompts,
        wanted_suggestions,
        wanted_banners,
        wanted_notice,
        wanted_new_models,
    )
    found: dict[tuple[str, str], Wanted] = {}
    for wanted in (each for part in parts for each in part(inputs)):
        key = ("function" if wanted.kind in FUNCTIONS else wanted.kind, wanted.id)
        if key in found:
            raise ManifestError(inputs.manifest.where(f"{wanted.kind}s"), *_twice(wanted))
        found[key] = wanted
    return list(found.values())


def _twice(wanted: Wanted) -> tuple[str, str]:
    """Return problem and allowed values for two entries of one id, of which one would silently replace the other."""
    if wanted.kind == "connection":
        return say("{id} is the gateway's address, or there twice", id=wanted.id), say(
            "`connections` to other servers, each once"
        )
    return say("two entries ask for the {kind} {id}", kind=term(wanted.kind), id=wanted.id), say(
        "one of them, or another name"
    )
