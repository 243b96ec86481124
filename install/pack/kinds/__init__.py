"""The kinds of resources, in the order of writing: what people use is complete before it can be seen."""

from collections.abc import Mapping

from install.pack.kinds.connections import Connections
from install.pack.kinds.functions import Functions, Tools
from install.pack.kinds.kind import Kind
from install.pack.kinds.models import Models
from install.pack.kinds.settings import Settings
from install.pack.kinds.texts import Banners, Prompts

# Filters come before the connection, so that its first chat is signed; models after it, settings that name models last.
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Functions("filter"),
        Functions("action"),
        Tools(),
        Connections(),
        Functions("pipe"),
        Models(),
        Settings(),
        Prompts(),
        Banners(),
    )
}

__all__ = ["KINDS", "Kind"]
