"""The kinds of resources, a file each, in the order of writing: what people use is complete before it can be seen.

A kind is read and written by a `Kind`; what the manifest wants of it is a function `wanted_…` in the same file.
"""

from collections.abc import Mapping

from install.pack.resources.banners import Banners
from install.pack.resources.connections import Connections
from install.pack.resources.functions import Functions
from install.pack.resources.kind import Kind
from install.pack.resources.models import Models
from install.pack.resources.prompts import Prompts
from install.pack.resources.settings import Settings
from install.pack.resources.tool_servers import ToolServers
from install.pack.resources.tools import Tools

# Filters come before the connection, so that its first chat is signed; models after it, settings that name models last.
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Functions("filter"),
        Functions("action"),
        Tools(),
        Connections(),
        ToolServers(),
        Functions("pipe"),
        Models(),
        Settings(),
        Prompts(),
        Banners(),
    )
}

__all__ = ["KINDS", "Kind"]
