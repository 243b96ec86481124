"""What only Gemini knows of a request, a part or a tool: kept as it came, written where it belongs."""

from collections.abc import Container, Mapping
from typing import Any

from gateway.translation.checks import Fields
from gateway.translation.gemini.names import DIALECT
from gateway.translation.parts import NOTHING_OWN, Own


def own_of(fields: Mapping[str, Any], known: Container[str], **leftovers: Any) -> Own:
    """Return the members that have no canonical place; `leftovers` are those of inner objects, by the inner's name."""
    found = {name: value for name, value in fields.items() if value is not None and name not in known}
    found |= {name: value for name, value in leftovers.items() if value}
    return {DIALECT: found} if found else NOTHING_OWN


def kept(own: Own) -> Mapping[str, Any]:
    """Return what Gemini keeps in `own`."""
    return own.get(DIALECT, NOTHING_OWN)


def without(fields: Mapping[str, Any], names: Container[str]) -> Fields:
    """Return an object without some of its members."""
    return {name: value for name, value in fields.items() if name not in names}
