"""The tool that stands for a server whose tools are not known yet, as the person has to sign in there. Pure."""

from gateway.config.mcp import McpServer
from gateway.mcp.catalog.clean import Entry
from gateway.mcp.names import bare_name, public_name
from gateway.mcp.views import View

SIGN_IN = "sign_in"
DONE = "The person is signed in. Read the list of tools again: the tools of '{server}' can be used now."


def sign_in_tool(name: str, server: McpServer) -> Entry:
    """Return the definition of the tool."""
    about = f" ({server.description})" if server.description else ""
    return {
        "name": SIGN_IN,
        "title": f"Sign in: {server.title or name}",
        "description": f"Sign the person in at the tool server '{server.title or name}'{about}. Its tools can be used "
        "after that. Call this when the person wants something of it; the answer has the link for the person.",
        "inputSchema": {"type": "object", "properties": {}, "additionalProperties": False},
        "annotations": {"readOnlyHint": True, "openWorldHint": True},
    }


def server_of_stand_in(name: str, view: View) -> str | None:
    """Return the server of a view that a tool of this public name stands for, whether it does at the moment or not."""
    to_name = bare_name if view.bare else public_name
    return next((server for server in view.servers if to_name(server, SIGN_IN) == name), None)
