"""Everything the manifest asks for, kind by kind."""

from collections.abc import Callable, Iterable, Iterator

from install.errors import ManifestError
from install.pack.desired import Given
from install.pack.threeway import Wanted
from install.pack.wanted_agents import wanted_agents
from install.pack.wanted_connections import wanted_connections
from install.pack.wanted_models import wanted_models
from install.pack.wanted_plugins import wanted_plugins
from install.pack.wanted_settings import wanted_settings
from install.pack.wanted_texts import wanted_texts

FUNCTIONS = ("filter", "action", "pipe")
"""Kinds that share their ids."""


def desire(given: Given) -> list[Wanted]:
    """Everything the manifest asks for. Raises a `SekishoError` where it cannot be determined."""
    parts: Iterable[Callable[[Given], Iterator[Wanted]]] = (
        wanted_plugins,
        wanted_connections,
        wanted_models,
        wanted_agents,
        wanted_settings,
        wanted_texts,
    )
    found: dict[tuple[str, str], Wanted] = {}
    for wanted in (each for part in parts for each in part(given)):
        key = ("function" if wanted.kind in FUNCTIONS else wanted.kind, wanted.id)
        if key in found:
            raise ManifestError(given.manifest.where(f"{wanted.kind}s"), *_twice(wanted))
        found[key] = wanted
    return list(found.values())


def _twice(wanted: Wanted) -> tuple[str, str]:
    """Of two, one would silently replace the other: for example the gateway's connection without its headers."""
    if wanted.kind == "connection":
        return f"{wanted.id} is the gateway's address, or there twice", "`connections` to other servers, each once"
    return f"two entries ask for the {wanted.kind} {wanted.id}", "one of them, or another name"
