"""Open a channel to a server in the way that the configuration names, or that works."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec

from gateway.config.mcp import McpServer
from gateway.identity.caller import Caller
from gateway.mcp.credentials import Credentials
from gateway.mcp.errors import UpstreamDown
from gateway.mcp.principal import SHARED, folder_name
from gateway.mcp.stdio import StdioCommand, StdioTransport
from gateway.mcp.transport import Transport
from gateway.mcp.upstream.channel import Channel
from gateway.mcp.upstream.http import HttpChannel
from gateway.mcp.upstream.http_sender import Sender
from gateway.mcp.upstream.sse import SseTransport
from gateway.mcp.upstream.streams import StreamChannel
from gateway.upstream.client import UpstreamClient


class Way(msgspec.Struct, frozen=True):
    """A server with all that it takes to reach it in a principal's name."""

    name: str
    server: McpServer
    credentials: Credentials
    client: UpstreamClient
    folder: Path
    """In which processes have folders of their own."""
    caller: Caller
    principal: str
    fingerprint: str
    """Of the credentials with which its connections were opened."""

    async def headers(self) -> Mapping[str, str]:
        """Return what authorizes a request. Raises `UpstreamDown` where the person has signed in as another since."""
        headers = await self.credentials.headers(self.caller)
        if self.credentials.fingerprint(self.caller) != self.fingerprint:
            raise UpstreamDown(self.name, "the person has signed in anew; call again")
        return headers

    async def refused(self, sent: Mapping[str, str], status: int, challenge: str) -> bool:
        return await self.credentials.refused(self.caller, sent, status, challenge)

    def command(self) -> StdioCommand:
        """Return the program to start. Raises `SignInNeeded`."""
        server = self.server
        assert server.command
        shared = self.principal == SHARED
        variables = self.credentials.environment(None if shared else self.caller)
        own = self.name if shared else f"{self.name}/{folder_name(self.principal)}"
        return StdioCommand(
            name=self.name,
            command=server.command,
            env={name: value.reveal() for name, value in variables.items()},
            folder=self.folder / own,
            cwd=server.cwd,
            secrets=tuple(value.reveal() for value in variables.values()),
            message_bytes=server.bounds.message_bytes,
            queued_bytes=2 * server.bounds.message_bytes,
            memory_bytes=server.memory_bytes,
            open_files=server.open_files,
            cpu_seconds=server.cpu_seconds,
        )


@asynccontextmanager
async def over_http(way: Way) -> AsyncIterator[HttpChannel]:
    """Give a channel over Streamable HTTP; a session is ended with it."""
    assert way.server.url
    channel = HttpChannel(_sender(way, way.server.url), way.server.bounds.message_bytes)
    try:
        yield channel
    finally:
        await channel.end()


@asynccontextmanager
async def over_streams(transport: Transport) -> AsyncIterator[Channel]:
    """Give a channel over a process or over HTTP with SSE."""
    async with transport as streams:
        channel = StreamChannel(streams)
        async with channel.running():
            yield channel


def process(way: Way) -> Transport:
    return StdioTransport(way.command())


def events(way: Way) -> Transport:
    server = way.server
    assert server.url
    return SseTransport(way.name, server.url, partial(_sender, way), server.bounds.message_bytes, server.timeouts.open)


def _sender(way: Way, url: str) -> Sender:
    return Sender(way.name, url, way.client, way.headers, way.refused, way.server.timeouts.open)
