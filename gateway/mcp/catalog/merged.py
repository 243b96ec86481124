"""What one key sees in one view: the entries of its servers under their public names. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gateway.config.mcp import Mcp
from gateway.identity.policy import Policy
from gateway.mcp.catalog.clean import Entry
from gateway.mcp.catalog.listing import Listing
from gateway.mcp.catalog.pins import Pins
from gateway.mcp.catalog.search import Index
from gateway.mcp.catalog.stand_in import sign_in_tool
from gateway.mcp.errors import SignInNeeded, UpstreamDown
from gateway.mcp.names import bare_name, public_name
from gateway.mcp.uris import public_uri, split_uri
from gateway.mcp.views import View, may_use_rest, may_use_tool

_LONGEST_TEMPLATE = 2048


class Named(msgspec.Struct, frozen=True):
    """One entry: whose it is, its own name or address, and how the client sees it."""

    server: str
    own: str
    entry: Entry


class Merged(msgspec.Struct):
    """Entries by public name or address, in the order of the configuration and of the servers."""

    bare: bool
    tools: dict[str, Named] = {}
    prompts: dict[str, Named] = {}
    resources: dict[str, Named] = {}
    templates: dict[str, Named] = {}
    open_servers: tuple[str, ...] = ()
    """Servers whose resources the key may read, listed or not."""
    missing: dict[str, UpstreamDown] = {}
    """Why servers are absent, by name."""
    _own_uris: dict[tuple[str, str], str] = {}
    index: Index | None = None
    """Of the tools, where there are too many to show."""
    keep: list[Listing] = []
    """What it was made of, kept alive so that nothing else is taken for it."""

    def tool(self, name: str) -> Named | None:
        """Return a tool by the name that clients see, or by its own where no other server is in the view."""
        found = self.tools.get(name)
        if found is None and self.bare:
            return next((each for each in self.tools.values() if each.own == name), None)
        return found

    def uri_of(self, server: str, uri: str) -> str:
        """Return how the client sees a server's resource."""
        return uri if self.bare else self._own_uris.get((server, uri)) or public_uri(server, uri)

    def resource(self, uri: str) -> tuple[str, str] | None:
        """Return the server and its own address of a resource; None where nobody can have it."""
        if found := self.resources.get(uri):
            return found.server, found.own
        if self.bare:
            return (self.open_servers[0], uri) if self.open_servers else None
        if found_server := split_uri(uri, self.open_servers):
            return found_server
        for named in self.templates.values():
            if _matches(named.own, uri):
                return named.server, uri
        return (self.open_servers[0], uri) if len(self.open_servers) == 1 else None


def merge(
    view: View,
    config: Mcp,
    policy: Policy,
    listings: Mapping[str, Listing],
    missing: Mapping[str, UpstreamDown],
    pins: Pins,
) -> Merged:
    """Return what a key sees of these listings."""
    merged = Merged(view.bare, missing=dict(missing))
    above = view.search_above
    readable = [name for name in listings if may_use_rest(view, name, config.servers[name], policy)]
    merged.open_servers = tuple(name for name in readable if "resources" in listings[name].peer.capabilities)
    for name, listing in listings.items():
        for tool in listing.tools:
            shown = config.servers[name].definitions != "block" or pins.allows(name, tool)
            if shown and may_use_tool(view, name, config.servers[name], tool["name"], policy):
                _add(merged.tools, name, tool, bare_name if view.bare else public_name)
    for name in readable:
        for prompt in listings[name].prompts:
            _add(merged.prompts, name, prompt, _own_name if view.bare else public_name)
    for name, error in missing.items():
        if isinstance(error, SignInNeeded) and config.servers[name].signs_in:
            _add(merged.tools, name, sign_in_tool(name, config.servers[name]), bare_name if view.bare else public_name)
    _add_resources(merged, {name: listings[name] for name in readable})
    if above is not None and len(merged.tools) > above:
        merged.index = Index([named.entry for named in merged.tools.values()])
    return merged


def _own_name(server: str, name: str) -> str:
    return name


def _add(table: dict[str, Named], server: str, entry: Entry, to_name: Callable[[str, str], str]) -> None:
    """Add an entry under a name that no other has: the first keeps it."""
    own = entry["name"]
    name = to_name(server, own)
    if name in table:
        name = public_name(server, f"{own} of {server}")
    if name not in table:
        table[name] = Named(server, own, {**entry, "name": name})


def _add_resources(merged: Merged, listings: Mapping[str, Listing]) -> None:
    """Add resources and templates: an address that only one server has stays as it is."""
    for table, key, entries in (
        (merged.resources, "uri", {name: listing.resources for name, listing in listings.items()}),
        (merged.templates, "uriTemplate", {name: listing.templates for name, listing in listings.items()}),
    ):
        owners: dict[str, list[str]] = {}
        for name, each in entries.items():
            for entry in each:
                owners.setdefault(entry[key], []).append(name)
        for name, each in entries.items():
            for entry in each:
                own = entry[key]
                uri = own if merged.bare or len(owners[own]) == 1 else public_uri(name, own)
                if uri not in table:
                    table[uri] = Named(name, own, {**entry, key: uri})
                    merged._own_uris[name, own] = uri


def _matches(template: str, uri: str) -> bool:
    """Return whether an address could be one of a template (RFC 6570, of which only the fixed parts are compared)."""
    if len(template) > _LONGEST_TEMPLATE or len(uri) > 4 * _LONGEST_TEMPLATE:
        return False
    fixed = re.split(r"\{[^{}]*\}", template)
    if not uri.startswith(fixed[0]) or not uri.endswith(fixed[-1]):
        return False
    place = 0
    for part in fixed:
        place = uri.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return True


def listed(table: Mapping[str, Named]) -> list[dict[str, Any]]:
    return [named.entry for named in table.values()]
