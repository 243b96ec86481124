"""Plugin files that Open WebUI runs: what functions and tools have in common, and what the manifest wants of them."""

import difflib
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from install.errors import InstallError, Refused
from install.open_webui.session import at_least
from install.pack.inputs import PlanInputs
from install.pack.manifest import FUNCTION_KINDS, PluginSection
from install.pack.manifest.entries import FunctionEntry, PipeEntry, ToolEntry
from install.pack.plugin import Plugin, find_plugin, fingerprint
from install.pack.resources.access import reading
from install.pack.resources.agents import AGENTS, agent_valves
from install.pack.resources.kind import Kind, Owner, Wanted
from install.pack.resources.notice import FILTER as NOTICES
from install.pack.resources.notice import notice_valves
from install.pack.resources.valves import Place, wanted_valves
from install.pack.tree import ABSENT, Json, Leaf, Path, get, leaves
from install.pack.tree import Path as LeafPath
from install.wording import say, term

STAMP = "sekisho"
CONTENT = ("content",)
VERSION = ("meta", STAMP, "version")

# Open WebUI computes these from the text at every save.
COMPUTED = ("manifest", "toggle", "has_user_valves")

TEXTS = {("meta", "i18n"), ("meta", "description")}

HUB_TOOL = "mcp"
"""The tool that shows what tool servers offer besides tools."""

LABELS: Mapping[Path, str] = {("is_active",): "active", ("is_global",): "in every chat"}


def stored_meta(meta: Json) -> Json:
    return {key: value for key, value in meta.items() if key not in COMPUTED}


def plugin_form(id: str, record: Json) -> Json:
    version = get(record, VERSION)
    message = f"sekisho {version}" if version is not ABSENT else "sekisho: put back as it was"
    fields = {"id": id, "name": record["name"], "content": record["content"], "meta": record.get("meta", {})}
    return {**fields, "commit_message": message}


class Plugins(Kind):
    """What functions and tools have in common."""

    code = CONTENT

    def owner(self, current: Json) -> Owner:
        sha256 = get(current, ("meta", STAMP, "sha256"))
        if sha256 is ABSENT:
            return Owner.OTHERS
        return Owner.PACK if sha256 == fingerprint(current["content"]) else Owner.EDITED

    def stamped(self, path: Path) -> bool:
        return path == CONTENT or path[0] == "meta"

    def label(self, path: Path) -> str:
        if path[0] == "valves":
            return say("valve {name}", name=".".join(path[1:]))
        if path in LABELS:
            return term(LABELS[path])
        return ".".join(path[1:]) if path[0] == "meta" else Kind.label(self, path)

    def describe(self, current: Json | None, touched: Mapping[Path, tuple[Leaf, Leaf]]) -> list[str]:
        lines = []
        if CONTENT in touched:
            lines.append(_versions(current, touched))
            before, after = touched[CONTENT]
            if isinstance(before, str) and isinstance(after, str):
                lines.append(_line_counts(before, after))
        if current is not None and any(path[:2] in TEXTS for path in touched):
            lines.append(say("description and translations"))
        return lines

    def is_described(self, path: Path) -> bool:
        return path == CONTENT or path[0] == "name" or path[:2] in TEXTS | {("meta", STAMP)}


def require_stored(before: Json, after: Json, stored: Json) -> None:
    """Check that the server stored the valves as given: it drops undeclared names and converts values.

    Raises `Refused`.
    """
    written = {name for name, value in after.items() if before.get(name, ABSENT) != value}
    if lost := sorted(name for name in written if stored.get(name, ABSENT) != after[name]):
        raise Refused("POST", "valves", 400, say("the plugin does not store {lost} as given", lost=", ".join(lost)))


def _versions(current: Json | None, touched: Mapping[Path, tuple[Leaf, Leaf]]) -> str:
    before, after = touched.get(VERSION, (ABSENT, ABSENT))
    new = after if after is not ABSENT else get(current, VERSION)
    if current is None:
        return say("version {new}", new=new)
    old = before if before is not ABSENT else get(current, VERSION)
    return say(
        "version {old} → {new}", old="?" if old is ABSENT else old, new=say("as it was") if new is ABSENT else new
    )


def _line_counts(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    return say("lines: {added} added, {removed} removed", added=added, removed=removed)


KIND_NAMES: Mapping[PluginSection, str] = {"filters": "filter", "pipes": "pipe", "functions": "action", "tools": "tool"}


def wanted_plugins(inputs: PlanInputs) -> Iterator[Wanted]:
    """Yield the functions and tools of the manifest. Raises `InstallError`."""
    for kind in FUNCTION_KINDS:
        for index, entry in enumerate(getattr(inputs.manifest, kind)):
            yield _function(inputs, kind, index, entry)
    if inputs.manifest.agents and not any(entry.name == AGENTS for entry in inputs.manifest.pipes):
        yield _function(inputs, "pipes", len(inputs.manifest.pipes), PipeEntry(name=AGENTS))
    for index, tool in enumerate(inputs.manifest.tools):
        yield from _tool(inputs, index, tool)


def _function(inputs: PlanInputs, kind: PluginSection, index: int, entry: FunctionEntry) -> Wanted:
    plugin = _plugin(inputs, kind, entry.name)
    # An action that is nowhere is a button that nobody sees; a pipe is a model, which has readers instead.
    everywhere = entry.everywhere if entry.everywhere is not None or kind == "pipes" else True
    more: dict[LeafPath, object] = {("is_active",): entry.active}
    if everywhere is not None:
        more[("is_global",)] = everywhere
    derived = _derived_valves(inputs, kind, entry.name)
    return _with_valves(inputs, kind, index, entry, plugin, more, derived)


def _derived_valves(inputs: PlanInputs, kind: PluginSection, name: str) -> Mapping[str, object]:
    """Return valves that follow from other sections of the manifest."""
    if kind == "pipes" and name == AGENTS:
        return agent_valves(inputs)
    return notice_valves(inputs) if kind == "filters" and name == NOTICES else {}


def _tool(inputs: PlanInputs, index: int, entry: ToolEntry) -> Iterator[Wanted]:
    """Yield a tool; that of the hub is for who may use the hub, and comes where the gateway has one."""
    groups = entry.groups
    if entry.name == HUB_TOOL:
        groups = groups or (inputs.manifest.mcp.groups if inputs.manifest.mcp else ())
        if not inputs.tools_answer:
            if inputs.there("tool", entry.name) is not None:
                yield Wanted("tool", entry.name, {}, kept=say("the gateway lists no tools now: kept"))
            return
    plugin = _plugin(inputs, "tools", entry.name)
    readers: dict[LeafPath, object] = {**reading(groups, inputs.groups)}
    yield _with_valves(inputs, "tools", index, entry, plugin, readers)


def _plugin(inputs: PlanInputs, kind: PluginSection, name: str) -> Plugin:
    plugin = find_plugin(kind, name, inputs.options.plugins)
    if plugin.needs and not at_least(inputs.version, plugin.needs):
        raise InstallError(
            say(
                "The plugin {id} needs Open WebUI {needs}; this is {version}.",
                id=plugin.id,
                needs=plugin.needs,
                version=inputs.version,
            ),
            say("Update Open WebUI, or take the plugin out of the manifest."),
        )
    return plugin


def _with_valves(
    inputs: PlanInputs,
    kind: PluginSection,
    index: int,
    entry: FunctionEntry | ToolEntry,
    plugin: Plugin,
    more: Mapping[LeafPath, object],
    derived: Mapping[str, object] = MappingProxyType({}),
) -> Wanted:
    name = KIND_NAMES[kind]
    valves = wanted_valves(Place(inputs, kind, index), plugin, entry.valves, derived, inputs.there(name, plugin.id))
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
