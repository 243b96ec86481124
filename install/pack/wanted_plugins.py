"""Plugin files as functions and tools."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from install.errors import InstallError
from install.open_webui.session import at_least
from install.pack.desired import Given
from install.pack.kinds.access import reading
from install.pack.kinds.functions import STAMP
from install.pack.manifest import FUNCTION_KINDS, Kind
from install.pack.manifest_entries import FunctionEntry, PipeEntry, ToolEntry
from install.pack.plugin import Plugin, find_plugin
from install.pack.threeway import Wanted
from install.pack.tree import Path as LeafPath
from install.pack.tree import leaves
from install.pack.wanted_agents import AGENTS, agent_valves
from install.pack.wanted_valves import Place, wanted_valves

KIND_NAMES: Mapping[Kind, str] = {"filters": "filter", "pipes": "pipe", "functions": "action", "tools": "tool"}


def wanted_plugins(given: Given) -> Iterator[Wanted]:
    """Raises `InstallError`."""
    for kind in FUNCTION_KINDS:
        for index, entry in enumerate(getattr(given.manifest, kind)):
            yield _function(given, kind, index, entry)
    if given.manifest.agents and not any(entry.name == AGENTS for entry in given.manifest.pipes):
        yield _function(given, "pipes", len(given.manifest.pipes), PipeEntry(name=AGENTS))
    for index, tool in enumerate(given.manifest.tools):
        yield _tool(given, index, tool)


def _function(given: Given, kind: Kind, index: int, entry: FunctionEntry) -> Wanted:
    plugin = _plugin(given, kind, entry.name)
    # An action that is nowhere is a button that nobody sees; a pipe is a model, which has readers instead.
    everywhere = entry.everywhere if entry.everywhere is not None or kind == "pipes" else True
    more: dict[LeafPath, object] = {("is_active",): entry.active}
    if everywhere is not None:
        more[("is_global",)] = everywhere
    derived = agent_valves(given) if kind == "pipes" and entry.name == AGENTS else {}
    return _with_valves(given, kind, index, entry, plugin, more, derived)


def _tool(given: Given, index: int, entry: ToolEntry) -> Wanted:
    plugin = _plugin(given, "tools", entry.name)
    readers: dict[LeafPath, object] = {**reading(entry.groups, given.groups)}
    return _with_valves(given, "tools", index, entry, plugin, readers)


def _plugin(given: Given, kind: Kind, name: str) -> Plugin:
    plugin = find_plugin(kind, name, given.options.plugins)
    if plugin.needs and not at_least(given.version, plugin.needs):
        raise InstallError(
            f"The plugin {plugin.id} needs Open WebUI {plugin.needs}; this is {given.version}.",
            "Update Open WebUI, or take the plugin out of the manifest.",
        )
    return plugin


def _with_valves(
    given: Given,
    kind: Kind,
    index: int,
    entry: FunctionEntry | ToolEntry,
    plugin: Plugin,
    more: Mapping[LeafPath, object],
    derived: Mapping[str, object] = MappingProxyType({}),
) -> Wanted:
    name = KIND_NAMES[kind]
    valves = wanted_valves(Place(given, kind, index), plugin, entry.valves, derived, given.there(name, plugin.id))
    meta = {
        "description": plugin.description,
        "i18n": dict(plugin.i18n),
        STAMP: {"version": plugin.version, "sha256": plugin.sha256},
    }
    text: dict[LeafPath, object] = {("name",): plugin.title, ("content",): plugin.content}
    described = {("meta", *path): value for path, value in leaves(meta)}
    return Wanted(
        name,
        plugin.id,
        {**text, **described, **valves.values, **more},
        soft=frozenset({("name",)}),  # An administrator may have chosen it.
        notes=tuple(valves.notes),
        keep=frozenset(valves.keep),
    )
