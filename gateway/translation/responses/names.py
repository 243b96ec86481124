"""What the readers and writers of Responses share."""

from collections.abc import Collection, Mapping
from typing import Any

from gateway.translation.parts import NOTHING_OWN, Own

RESPONSES = "responses"
"""The dialect's name."""
IGNORABLE = frozenset(
    (
        "store",
        "include",
        "text",
        "reasoning",
        "stream_options",
        "client_metadata",
        "prompt_cache_retention",
        "prompt_cache_options",
        "truncation",
        "background",
    )
)
"""Members of a request that mean nothing to another upstream and are not missed."""
SEPARATOR = "__"
"""Between the name of a namespace and the name of a tool in it, for dialects without namespaces."""


def own_of(fields: Mapping[str, Any], known: Collection[str]) -> Own:
    """Return the members that have no place in the canonical form; null is none."""
    rest = {name: found for name, found in fields.items() if name not in known and found is not None}
    return {RESPONSES: rest} if rest else NOTHING_OWN


def responses_own(own: Own) -> Mapping[str, Any]:
    """Return what only Responses knows."""
    return own.get(RESPONSES, NOTHING_OWN) if own else NOTHING_OWN


def text_of(found: Any) -> str:
    """Return a text that an upstream sent, or none where something else is in its place."""
    return found if isinstance(found, str) else ""


def dicts_in(found: Any) -> list[dict[str, Any]]:
    """Return the objects of an array that an upstream sent."""
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
