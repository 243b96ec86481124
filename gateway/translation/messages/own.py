"""What only Messages knows of a request, an answer, a part or a tool: kept as it came, written where it belongs."""

from collections.abc import Container, Mapping
from typing import Any

from gateway.translation.checks import Fields, object_, text
from gateway.translation.messages.names import DIALECT
from gateway.translation.parts import NOTHING_OWN, CacheMark, Own

_MARK = ("type", "ttl")


def own_of(fields: Fields, known: Container[str], **leftovers: Any) -> Own:
    """Return the members that have no canonical place; `leftovers` are those of inner objects, by the inner's name."""
    found = {name: value for name, value in fields.items() if value is not None and name not in known}
    mark = fields.get("cache_control")
    if isinstance(mark, dict) and (rest := without(mark, _MARK)):
        leftovers["cache_control"] = rest
    found |= {name: value for name, value in leftovers.items() if value}
    return {DIALECT: found} if found else NOTHING_OWN


def without(fields: Mapping[str, Any], names: Container[str]) -> Fields:
    """Return an object without some of its members."""
    return {name: value for name, value in fields.items() if name not in names}


def kept(own: Own) -> Mapping[str, Any]:
    """Return what Messages keeps in `own`."""
    return own.get(DIALECT, NOTHING_OWN)


def read_cache(fields: Fields, where: str) -> CacheMark | None:
    """Read `cache_control`. Raises `InvalidRequest`."""
    found = object_(fields, "cache_control", where)
    return None if found is None else CacheMark(ttl=text(found, "ttl", f"{where}.cache_control".lstrip(".")))


def with_own(fields: Fields, own: Own, cache: CacheMark | None = None, inner: Container[str] = ()) -> Fields:
    """Put a cache mark, and what is kept in `own`, into an object; members named in `inner` are put by the caller."""
    found = kept(own)
    if cache is not None:
        ttl = {"ttl": cache.ttl} if cache.ttl else {}
        fields["cache_control"] = {"type": "ephemeral", **ttl, **found.get("cache_control", {})}
    for name, value in found.items():
        if name != "cache_control" and name not in inner:
            fields[name] = value
    return fields
