"""Capabilities of clients, as far as the hub relays them. Pure."""

from typing import Any

from gateway.mcp.protocol import ASKING

Capabilities = dict[str, Any]

_RELAYED = ("elicitation", "sampling", "roots")
EVERYTHING_BUT_ROOTS: Capabilities = {"elicitation": {"form": {}, "url": {}}, "sampling": {"tools": {}}}
"""What a process that many clients share is told: who asks in their name is decided call by call."""


def relayed(declared: Any) -> Capabilities:
    """Return what a client declared of what the hub relays; extensions, tasks and experiments are left out."""
    if not isinstance(declared, dict):
        return {}
    return {name: declared[name] for name in _RELAYED if isinstance(declared.get(name), dict)}


def missing_for(method: str, params: Any, capabilities: Capabilities) -> Capabilities | None:
    """Return the capability that a client would need to be asked `method`; None where it has it."""
    name = ASKING.get(method)
    if name is None:
        return {}
    declared = capabilities.get(name)
    if declared is None:
        return {name: {"url": {}} if _is_url(params) else {}}
    if name == "elicitation" and not _can_elicit(declared, params):
        return {name: {"url" if _is_url(params) else "form": {}}}
    if name == "sampling" and _uses_tools(params) and "tools" not in declared:
        return {name: {"tools": {}}}
    return None


def _can_elicit(declared: Capabilities, params: Any) -> bool:
    """Return whether a client takes a question. An empty object means forms, as before there were others."""
    return "url" in declared if _is_url(params) else "form" in declared or not declared


def _is_url(params: Any) -> bool:
    return isinstance(params, dict) and params.get("mode") == "url"


def _uses_tools(params: Any) -> bool:
    return isinstance(params, dict) and bool(params.get("tools"))
