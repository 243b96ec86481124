"""Addresses of resources among those of several servers. Pure."""

from collections.abc import Callable, Iterable
from typing import Any

_PREFIX = "sekisho+"
_OWN_SCHEMES = ("ui://",)
"""Schemes that mean something to a client and are never changed."""

Map = Callable[[str], str]


def public_uri(server: str, uri: str) -> str:
    """Return a resource's address where several servers could have one of that name."""
    return uri if uri.startswith(_OWN_SCHEMES) else f"{_scheme(server)}:{uri}"


def split_uri(uri: str, servers: Iterable[str]) -> tuple[str, str] | None:
    """Return the server and its own address of `public_uri`; None for an address that has no server in it."""
    if not uri.startswith(_PREFIX):
        return None
    scheme, _, own = uri.partition(":")
    server = next((each for each in servers if _scheme(each) == scheme), None)
    return (server, own) if server else None


def _scheme(server: str) -> str:
    """Return the scheme of a server: without underscores, in small letters, as case does not count."""
    return _PREFIX + server.lower().replace("_", ".")


def map_contents(blocks: Any, to: Map) -> Any:
    """Return content blocks with every resource's address mapped."""
    return [_mapped_block(block, to) for block in blocks] if isinstance(blocks, list) else blocks


def map_messages(messages: Any, to: Map) -> Any:
    """Return the messages of a prompt with every resource's address mapped."""
    if not isinstance(messages, list):
        return messages
    return [
        {**each, "content": _mapped_block(each["content"], to)}
        if isinstance(each, dict) and "content" in each
        else each
        for each in messages
    ]


def map_entries(entries: Any, to: Map) -> Any:
    """Return contents of resources, or resources, with their addresses mapped."""
    return [_mapped(entry, to) for entry in entries] if isinstance(entries, list) else entries


def _mapped_block(block: Any, to: Map) -> Any:
    if not isinstance(block, dict):
        return block
    if block.get("type") == "resource_link":
        return _mapped(block, to)
    if block.get("type") == "resource":
        return {**block, "resource": _mapped(block.get("resource"), to)}
    return block


def _mapped(entry: Any, to: Map) -> Any:
    uri = entry.get("uri") if isinstance(entry, dict) else None
    return {**entry, "uri": to(uri)} if isinstance(uri, str) else entry
