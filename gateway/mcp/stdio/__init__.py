"""Tool servers that are programs of this machine: started, bounded, watched and ended with everything they started.

    gateway ── pipes ──► server ──► its children          lines of JSON on stdin and stdout, stderr kept as a tail
       └──── control ──► guard (parent of the server)     kills the whole tree when server or gateway end

`StdioTransport` yields the two streams that the SDK's `ClientSession` takes.
"""

from gateway.mcp.stdio.command import StdioCommand
from gateway.mcp.stdio.transport import StdioTransport

__all__ = ["StdioCommand", "StdioTransport"]
