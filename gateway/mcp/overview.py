"""What is known of the configured tool servers, without asking any: for commands."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gateway.config.mcp import McpServer
from gateway.config.schema import Config
from gateway.mcp.catalog.listing import Listing
from gateway.mcp.catalog.pins import Pins
from gateway.mcp.catalog.store import ListingStore, fingerprint_of
from gateway.mcp.stdio import StdioCommand
from gateway.mcp.upstream.session import Era

_MOST_READ = 4096


class Noted(msgspec.Struct, frozen=True):
    """A definition that changed or is odd, and that nobody has accepted yet."""

    tool: str
    why: str
    kept_back: bool
    """Whether clients are not shown it."""
    hash: str
    """Of the definition that would be accepted."""


class Offered(msgspec.Struct, frozen=True):
    """What a server listed. `read_at`: Unix seconds, 0 = it is read again before it is given out."""

    era: Era
    version: str
    read_at: float
    tools: list[str]
    prompts: list[str]
    resources: int
    templates: int
    left_out: list[str]


class Overview(msgspec.Struct, frozen=True):
    """A server of the configuration. `offered`: None where it was never read, or was configured otherwise then."""

    server: str
    where: str
    offered: Offered | None
    noted: list[Noted]
    signed_in: int | None = None
    """How many people are signed in there; None where nobody has to."""


def pins_of(config: Config) -> Pins:
    """Return the pins that gateways of this configuration keep."""
    return Pins(config.data_dir / "mcp" / "pins.json")


def overview(config: Config, signed_in: Mapping[str, int] | None = None) -> list[Overview]:
    """Return what the catalogue on disk and the pins tell of each server. `signed_in`: people by server."""
    servers: Mapping[str, McpServer] = config.mcp.servers if config.mcp else {}
    kept = ListingStore(config.data_dir / "mcp" / "catalog").load_all(_MOST_READ)
    pins = pins_of(config)
    pins.load()
    found = []
    for name, server in servers.items():
        listing = _newest(fingerprint_of(server), (each for place, each in kept.items() if place[0] == name))
        offered = offered_of(listing) if listing else None
        found.append(
            Overview(name, where_of(server), offered, list(noted_of(pins, name, server)), (signed_in or {}).get(name))
        )
    return found


def offered_of(listing: Listing) -> Offered:
    """Return a listing without what only clients need."""
    return Offered(
        era=listing.peer.era,
        version=listing.peer.version,
        read_at=listing.fetched_at,
        tools=[tool["name"] for tool in listing.tools],
        prompts=[prompt["name"] for prompt in listing.prompts],
        resources=len(listing.resources),
        templates=len(listing.templates),
        left_out=listing.left_out,
    )


def noted_of(pins: Pins, name: str, server: McpServer) -> Iterator[Noted]:
    """Yield the definitions of a server that wait to be accepted."""
    for tool, pin in pins.noted(name).items():
        kept_back = server.definitions == "block" and pin.pending is not None
        yield Noted(tool, pin.why, kept_back, pin.pending or pin.hash)


def where_of(server: McpServer) -> str:
    """Return where a server is, without arguments, paths and queries: they may hold secrets."""
    if server.command:
        return Path(server.command[0]).name
    parts = urlsplit(server.url or "")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def unstartable(config: Config) -> Iterator[tuple[str, str]]:
    """Yield the name of each server that cannot be started here, and why, as far as that shows without a start."""
    for name, server in (config.mcp.servers if config.mcp else {}).items():
        if server.command:
            env: dict[str, Any] = {each: value.reveal() for each, value in server.env.items()}
            folder = config.data_dir / "mcp" / "servers" / name
            if problem := StdioCommand(name, server.command, env, folder, server.cwd).problem():
                yield name, problem


def _newest(fingerprint: str, listings: Iterable[Listing]) -> Listing | None:
    same = [each for each in listings if each.fingerprint == fingerprint]
    return max(same, key=lambda each: each.fetched_at, default=None)
