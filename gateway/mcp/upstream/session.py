"""A session with a server: which revision it speaks, and requests in the words of that revision."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

import msgspec
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import NAME_BEARING_METHODS, encode_header_value
from mcp_types import METHOD_NOT_FOUND, UNSUPPORTED_PROTOCOL_VERSION

from gateway.mcp.capabilities import Capabilities
from gateway.mcp.errors import HttpFailure, UpstreamDown
from gateway.mcp.protocol import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    HANDSHAKE_PROTOCOL_VERSIONS,
    LATEST_HANDSHAKE_VERSION,
    LATEST_MODERN_VERSION,
    LOG_LEVEL_META_KEY,
    LOG_LEVELS,
    META,
    OUR_INFO,
    PROTOCOL_VERSION_META_KEY,
    SERVER_INFO_META_KEY,
    Params,
    Result,
)
from gateway.mcp.upstream.channel import Channel, Sink

Era = Literal["legacy", "modern"]
_LEVEL_SECONDS = 1.0
"""What a server may take to accept a log level, before calls go on without its answer."""


class Peer(msgspec.Struct, frozen=True):
    """What a server says of itself."""

    era: Era
    version: str
    capabilities: dict[str, Any] = {}
    info: dict[str, Any] = {}
    instructions: str = ""


class UpstreamSession:
    """Speaks with one server. `declared`: what an older server is told that the client can do."""

    def __init__(self, server: str, channel: Channel, declared: Capabilities, open_seconds: float) -> None:
        self._server = server
        self.channel = channel
        self.declared = declared
        self._open_seconds = open_seconds
        self.peer: Peer
        self._log_level: str | None = None

    async def open(self, known: Era | None, fixed: bool = False) -> Peer:
        """Agree on a revision; `known` is tried first, and alone where it is `fixed`.

        Raises `UpstreamDown`, `MCPError`, `TimeoutError`.
        """
        if known == "legacy":
            await self._initialize_first(fixed)
        elif fixed:
            await self._discover()
        else:
            await self._discover_first()
        self.channel.modern = self.peer.era == "modern"
        return self.peer

    async def _discover_first(self) -> None:
        """Ask as the newest revision does; whatever else comes of it than an answer means an older server."""
        try:
            async with asyncio.timeout(self._open_seconds / 2):
                if await self._discover_again():
                    return
        except (MCPError, HttpFailure, TimeoutError):
            pass
        try:
            await self._initialize()
        except MCPError as error:
            if error.code != UNSUPPORTED_PROTOCOL_VERSION or not await self._discover():
                raise

    async def _discover_again(self) -> bool:
        """Discover; a second time where the server refuses the revision and names it among those that it speaks."""
        try:
            return await self._discover()
        except MCPError as error:
            supported = error.data.get("supported") if isinstance(error.data, dict) else None
            if error.code != UNSUPPORTED_PROTOCOL_VERSION or LATEST_MODERN_VERSION not in (supported or ()):
                raise
            return await self._discover()

    async def _initialize_first(self, fixed: bool) -> None:
        try:
            await self._initialize()
        except (MCPError, HttpFailure):
            if fixed or not await self._discover():
                raise

    async def _discover(self) -> bool:
        """Return whether the server speaks the newest revision. Raises `MCPError` where it refuses the question."""
        params = self._stamped({}, {}, None)
        found = await self.channel.request(
            "server/discover", params, _headers("server/discover", params, {}), cancels=False
        )
        versions = found.get("supportedVersions")
        if not isinstance(versions, list) or LATEST_MODERN_VERSION not in versions:
            return False
        info = found.get(META, {}).get(SERVER_INFO_META_KEY) if isinstance(found.get(META), dict) else None
        self.peer = _peer("modern", LATEST_MODERN_VERSION, found, info)
        return True

    async def _initialize(self) -> None:
        params = {"protocolVersion": LATEST_HANDSHAKE_VERSION, "capabilities": self.declared, "clientInfo": OUR_INFO}
        found = await self.channel.request("initialize", params, {}, cancels=False)
        version = found.get("protocolVersion")
        if version not in HANDSHAKE_PROTOCOL_VERSIONS:
            raise UpstreamDown(
                self._server, f"it speaks the revision {version!r:.40} of the protocol, which is not known"
            )
        self.peer = _peer("legacy", str(version), found, found.get("serverInfo"))
        adopt = getattr(self.channel, "adopt", None)
        if adopt:
            adopt(self.peer.version)
        await self.channel.notify("notifications/initialized")

    async def request(
        self,
        method: str,
        params: Params,
        *,
        capabilities: Capabilities | None = None,
        log_level: str | None = None,
        sink: Sink | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Result:
        """Send a request of a client with these capabilities and return the result.

        Raises `MCPError`, `UpstreamDown`.
        """
        if self.peer.era == "modern":
            stamped = self._stamped(params, capabilities or {}, log_level)
            return await self.channel.request(method, stamped, _headers(method, stamped, headers or {}), sink)
        if log_level is not None:
            await self._lower_level(log_level)
        return await self.channel.request(method, params, {}, sink)

    def offers(self, *path: str) -> bool:
        """Return whether the server declared a capability, such as `resources` or `tools`, `listChanged`."""
        found: Any = self.peer.capabilities
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found is not None and found is not False

    async def _lower_level(self, wanted: str) -> None:
        """Let an older server log from `wanted` on: all calls share the lowest level that one wants."""
        known = LOG_LEVELS.index(self._log_level) if self._log_level else len(LOG_LEVELS)
        if self.offers("logging") and LOG_LEVELS.index(wanted) < known:
            self._log_level = wanted
            with suppress(MCPError, TimeoutError):  # a call does not fail for its log
                async with asyncio.timeout(_LEVEL_SECONDS):
                    await self.channel.request("logging/setLevel", {"level": wanted}, {})

    def _stamped(self, params: Params, capabilities: Capabilities, log_level: str | None) -> Params:
        meta = {
            **params.get(META, {}),
            PROTOCOL_VERSION_META_KEY: LATEST_MODERN_VERSION,
            CLIENT_INFO_META_KEY: OUR_INFO,
            CLIENT_CAPABILITIES_META_KEY: capabilities,
        }
        if log_level is not None:
            meta[LOG_LEVEL_META_KEY] = log_level
        return {**params, META: meta}


def _peer(era: Era, version: str, found: Result, info: Any) -> Peer:
    capabilities, instructions = found.get("capabilities"), found.get("instructions")
    return Peer(
        era,
        version,
        capabilities if isinstance(capabilities, dict) else {},
        info if isinstance(info, dict) else {},
        instructions if isinstance(instructions, str) else "",
    )


def _headers(method: str, params: Params, more: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that repeat what a request of the newest revision says."""
    headers = {"mcp-protocol-version": LATEST_MODERN_VERSION, "mcp-method": method, **more}
    name = params.get(NAME_BEARING_METHODS.get(method, ""))
    if isinstance(name, str):
        headers["mcp-name"] = encode_header_value(name)
    return headers


def not_found(method: str) -> MCPError:
    return MCPError(METHOD_NOT_FOUND, "Method not found", data=method)
