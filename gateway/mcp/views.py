"""The addresses under which clients see tool servers, and what a key may use there. Pure."""

from fnmatch import fnmatchcase

import msgspec

from gateway.config.mcp import Mcp, McpServer
from gateway.identity.policy import Policy


class View(msgspec.Struct, frozen=True):
    """What one address shows."""

    name: str
    """Of sessions: `*` for everything, `view/NAME`, or a server's name."""
    servers: tuple[str, ...]
    bare: bool = False
    """Names without the server's before them: there is only one."""
    tools: tuple[str, ...] | None = None
    """Globs of `server/tool`; None = all."""
    description: str = ""
    search_above: int | None = None

    def shows(self, server: str, tool: str) -> bool:
        """Return whether a tool is part of the view, whoever asks."""
        return self.tools is None or any(fnmatchcase(f"{server}/{tool}", glob) for glob in self.tools)


def view_of(config: Mcp, path: str) -> View | None:
    """Return the view behind what follows `/mcp` in an address; None where there is none."""
    name = path.strip("/")
    if not name:
        return View("*", tuple(config.servers), search_above=config.search_above)
    if name in config.servers:
        return View(name, (name,), bare=True, description=config.servers[name].description)
    kind, _, rest = name.partition("/")
    view = config.views.get(rest) if kind == "view" else None
    if view is None:
        return None
    return View(name, view.servers, tools=view.tools, description=view.description, search_above=view.search_above)


def allowed_servers(view: View, config: Mcp, policy: Policy) -> list[str]:
    """Return the servers of a view that a key may use, or some tool of them."""
    found = dict.fromkeys(view.servers)
    return [
        name for name in found if name in config.servers and policy.allows_server(name, is_open(config.servers[name]))
    ]


def may_use_tool(view: View, name: str, server: McpServer, tool: str, policy: Policy) -> bool:
    """Return whether a key may use a tool in a view."""
    if not view.shows(name, tool) or not policy.allows_tool(name, tool, is_open(server)):
        return False
    allowed = server.allow is None or any(fnmatchcase(tool, glob) for glob in server.allow)
    return allowed and not any(fnmatchcase(tool, glob) for glob in server.deny)


def may_use_rest(view: View, name: str, server: McpServer, policy: Policy) -> bool:
    """Return whether a key may use a server's resources and prompts."""
    return view.shows(name, "*") and policy.allows_all_of(name, is_open(server))


def is_open(server: McpServer) -> bool:
    """Return whether keys may use a server that name no tool servers."""
    return server.access == "all"
