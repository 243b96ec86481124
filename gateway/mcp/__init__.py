"""The hub of tool servers (MCP): one front for clients of both protocol eras, one connection a server behind.

    front     the addresses `/mcp…`: keys, sessions, what a client sent and gets
    catalog   what the servers offer, kept on disk, as a key may see it
    relay     a client's request on its way to a server, between the eras
    upstream  connections to servers, of either era, and who keeps them

The package needs the distribution `mcp`; it is imported only where `mcp:` is configured.
"""
