"""The valves of one plugin: what the manifest says, what has to stay as it is stored, and values of former names."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from gateway.secret import Secret
from install.errors import ManifestError
from install.pack.inputs import PlanInputs
from install.pack.manifest import PluginSection
from install.pack.manifest.values import UNSET, Hidden, is_question
from install.pack.plugin import Plugin
from install.pack.resources.agents import IDENTITY_SECRET
from install.pack.tree import ABSENT, Json, get
from install.pack.tree import Path as LeafPath
from install.wording import say

# Variables, files and answers are text; a valve of these types stores something else.
TYPES: Mapping[str, TypeAdapter[object]] = {
    name: TypeAdapter(type) for name, type in (("int", int), ("float", float), ("bool", bool))
}


@dataclass(slots=True)
class Valves:
    """Leaves of one plugin."""

    values: dict[LeafPath, object] = field(default_factory=dict)
    keep: set[LeafPath] = field(default_factory=set)
    """Not to be had now, or not the manifest's: left as stored."""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the manifest a plugin stands."""

    inputs: PlanInputs
    kind: PluginSection
    index: int

    def where(self, valve: str) -> str:
        return self.inputs.manifest.where(self.kind, self.index, "valves", valve)


def wanted_valves(
    place: Place, plugin: Plugin, written: Mapping[str, object], derived: Mapping[str, object], stored: Json | None
) -> Valves:
    """Return the valves of a plugin; `derived` are the pack's own, below those of the manifest.

    Raises `ManifestError`.
    """
    _require_declared(place, plugin, written)
    found = Valves()
    for valve, value in derived.items():
        if valve not in written:
            _put(found, valve, value, IDENTITY_SECRET, place, stored)
    for valve, value in written.items():
        there = get(stored, ("valves", valve)) is not ABSENT
        resolved = place.inputs.resolver.value(value, place.where(valve), valve, there=there)
        _put(found, valve, _typed(place, plugin, valve, resolved), value, place, stored)
    _carry_over(found, plugin, stored)
    return found


def _require_declared(place: Place, plugin: Plugin, written: Mapping[str, object]) -> None:
    declared = plugin.valves
    for valve in written:
        if declared is not None and valve not in declared:
            names = ", ".join(sorted(declared)) or say("none; take `valves` out")
            raise ManifestError(place.where(valve), say("{id} has no valve {valve}", id=plugin.id, valve=valve), names)


def _put(found: Valves, valve: str, resolved: object, value: object, place: Place, stored: Json | None) -> None:
    path = ("valves", valve)
    if resolved is not UNSET:
        found.values[path] = resolved
        return
    found.keep.add(path)
    missing = place.inputs.resolver.missing(value)
    if get(stored, path) is ABSENT:
        found.notes.append(say("valve {valve} is not set: {missing} is missing", valve=valve, missing=missing))
    elif not is_question(value):
        found.notes.append(say("valve {valve}: kept as stored, {missing} is not set", valve=valve, missing=missing))


def _typed(place: Place, plugin: Plugin, valve: str, value: object) -> object:
    """Convert a number or a switch that came as text into the type that the plugin stores."""
    annotation = (plugin.valves or {}).get(valve, "").removesuffix(" | None")
    text = value.reveal() if isinstance(value, Secret) else value
    if annotation not in TYPES or not isinstance(text, str):
        return value
    try:
        typed = TYPES[annotation].validate_python(text.strip())
    except ValidationError:
        raise ManifestError(place.where(valve), say("the value has another type"), annotation) from None
    return Hidden(typed) if isinstance(value, Secret) else typed


def _carry_over(found: Valves, plugin: Plugin, stored: Json | None) -> None:
    """Move a stored value from a valve's former name to its present one."""
    declared, values = plugin.valves, get(stored, ("valves",))
    if declared is None or not isinstance(values, dict):
        return
    # Carried over by a former run; nothing in the manifest speaks of either name.
    found.keep |= {("valves", name) for pair in plugin.renamed.items() for name in pair} - found.values.keys()
    for name in values.keys() - declared.keys() - {path[1] for path in found.values}:
        new = plugin.renamed.get(name)
        if new is None or new not in declared:
            found.notes.append(
                say(
                    "valve {name}: version {version} has no such valve, its value has no effect",
                    name=name,
                    version=plugin.version,
                )
            )
            continue
        found.values[("valves", name)] = ABSENT
        if new not in values and ("valves", new) not in found.values:
            found.values[("valves", new)] = values[name]
            found.keep.discard(("valves", new))
            found.notes.append(say("valve {name} is called {new} now: its value goes with it", name=name, new=new))
