"""What the readers and writers of Chat Completions share."""

from collections.abc import Collection, Mapping
from typing import Any

from gateway.translation.parts import NOTHING_OWN, CacheMark, Own

CHAT = "chat"
"""The dialect's name."""


def own_of(fields: Mapping[str, Any], known: Collection[str]) -> Own:
    """Return the members that have no place in the canonical form; null is none."""
    rest = {name: found for name, found in fields.items() if name not in known and found is not None}
    return {CHAT: rest} if rest else NOTHING_OWN


def chat_own(own: Own) -> Mapping[str, Any]:
    """Return what only Chat Completions knows."""
    return own.get(CHAT, NOTHING_OWN) if own else NOTHING_OWN


def cache_of(fields: Mapping[str, Any]) -> CacheMark | None:
    """Return the mark that `cache_control` sets, as OpenAI-compatible servers of Claude take it."""
    found = fields.get("cache_control")
    if not isinstance(found, dict):
        return None
    ttl = found.get("ttl")
    return CacheMark(ttl if isinstance(ttl, str) else None)


def cache_control(mark: CacheMark) -> dict[str, str]:
    """Return a mark as `cache_control` says it."""
    return {"type": "ephemeral"} if mark.ttl is None else {"type": "ephemeral", "ttl": mark.ttl}
