"""What families of models accept: a table of rows with their sources, resolved once for a deployment.

All rows that match a name count, the later over the earlier, and those of the server over those of the model. Sources
are the vendors' own pages, as of November 2026.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.profiles.claude import CLAUDE
from gateway.profiles.family import Family
from gateway.profiles.gpt import OPENAI
from gateway.profiles.hosts import host_of, rows_of
from gateway.profiles.media import MEDIA
from gateway.profiles.names import parse_name
from gateway.profiles.others import OTHERS
from gateway.profiles.profile import DEFAULT_PROFILE, Profile

FAMILIES: tuple[Family, ...] = (*CLAUDE, *OPENAI, *OTHERS, *MEDIA)


def resolve(model: str, provider: str, base_url: str | None = None) -> Profile:
    """Return what a model of a provider accepts; a name that says nothing leaves the server's own limits."""
    name = parse_name(model)
    changes: dict[str, Any] = {"family": name.family}
    for family in FAMILIES:
        if family.matches(name):
            _merge(changes, family.changes)
    for host in rows_of(provider, host_of(base_url), name.family):
        _merge(changes, host.changes)
    return msgspec.structs.replace(DEFAULT_PROFILE, **changes)


def _merge(changes: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Take the changes of a row. What several rows refuse is refused; only a model that has a switch has a server's."""
    refused = changes.get("refused", frozenset()) | more.get("refused", frozenset())
    switch = changes.get("thinking_switch")
    changes.update(more)
    if refused:
        changes["refused"] = refused
    if switch is None and not str(more.get("thinking_switch")).startswith("template:"):
        changes.pop("thinking_switch", None)
