"""A tool server that offers everything, in both eras of the protocol, over HTTP and stdio.

Its names are those that the official conformance suites ask for. Unlike the suites' own fixtures, every tool that asks
its client can do so in either era: in the older one it sends a request of its own, in the newer one it answers
`input_required` and is called again. So it can stand behind a hub in all four pairs.

    python -m tests.fakes.mcp_everything stdio|http [--port 3900] [--era both|legacy|modern]
"""

from tests.fakes.mcp_everything.serving import Era, everything_app, everything_command, everything_server

__all__ = ["Era", "everything_app", "everything_command", "everything_server"]
