"""Plugin files as functions: a three-way comparison of our file, what is stored, and what we stored last time."""

import difflib
from collections.abc import Iterator
from functools import partial

from gateway.secret import Secret
from install.open_webui import OpenWebUI
from install.open_webui.admin import Json
from install.pack.change import Action, Change
from install.pack.desired import Function, Value
from install.pack.plugin import Plugin, fingerprint

STAMP = "sekisho"
MESSAGE = "sekisho {version}"


def diff(wanted: Function, row: Json | None, *, force: bool = False) -> Iterator[Change]:
    """In the order of execution: code, then valves, then the switches."""
    foreign = row is not None and _written_by_others(wanted.plugin, row)
    if foreign and not force:
        yield Change(_resource(wanted), wanted.plugin.id, foreign, ("not overwritten without --force",))
        return
    changes = [*_diff_code(wanted, row), *_diff_valves(wanted, row), *_diff_switches(wanted, row)]
    yield from changes or [Change(_resource(wanted), wanted.plugin.id, Action.UNCHANGED, _unset(wanted, row))]


def _resource(wanted: Function) -> str:
    return wanted.plugin.kind.removesuffix("s")


def _written_by_others(plugin: Plugin, row: Json) -> Action | None:
    stored = fingerprint(row["content"])
    if stored == plugin.sha256:
        return None
    stamp = row["meta"].get(STAMP)
    if not stamp:
        return Action.NOT_OURS
    return None if stamp.get("sha256") == stored else Action.EDITED_BY_HAND


def _diff_code(wanted: Function, row: Json | None) -> Iterator[Change]:
    plugin = wanted.plugin
    resource = _resource(wanted)
    if row is None:
        details = (f"version {plugin.version}", *_unset(wanted, row))
        yield Change(resource, plugin.id, Action.CREATE, details, partial(_create, plugin))
    elif row["content"] != plugin.content:
        details = (_versions(plugin, row), _line_counts(row["content"], plugin.content), *_unset(wanted, row))
        yield Change(resource, plugin.id, Action.UPDATE, details, partial(_update, plugin))
    elif changed := [key for key, value in _our_meta(plugin).items() if row["meta"].get(key) != value]:
        details = (f"description data: {', '.join(changed)}", *_unset(wanted, row))
        yield Change(resource, plugin.id, Action.UPDATE, details, partial(_update, plugin))


def _unset(wanted: Function, row: Json | None) -> tuple[str, ...]:
    """Valves that nobody has given a value yet."""
    stored = (row or {}).get("valves") or {}
    missing = {valve: variable for valve, variable in wanted.unset.items() if valve not in stored}
    return tuple(f"valve {valve} is not set: {variable} is missing" for valve, variable in missing.items())


def _versions(plugin: Plugin, row: Json) -> str:
    manifest = row["meta"].get("manifest") or {}
    return f"version {manifest.get('version', '?')} → {plugin.version}"


def _line_counts(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    return f"lines: {added} added, {removed} removed"


def _diff_valves(wanted: Function, row: Json | None) -> Iterator[Change]:
    stored = (row or {}).get("valves") or {}
    missing = {name: value for name, value in wanted.valves.items() if stored.get(name) != _plain(value)}
    if missing:
        details = tuple(f"{name}: {value}" for name, value in missing.items())
        apply = partial(_set_valves, wanted.plugin.id, missing)
        yield Change(_resource(wanted), wanted.plugin.id, Action.SET_VALVES, details, apply)


def _plain(value: Value) -> object:
    return value.reveal() if isinstance(value, Secret) else value


def _diff_switches(wanted: Function, row: Json | None) -> Iterator[Change]:
    plugin_id = wanted.plugin.id
    switches = (
        ("is_active", wanted.active, "active", _set_active),
        ("is_global", wanted.everywhere, "in every chat", _set_global),
    )
    for field, state, label, switch in switches:
        if state is not None and bool((row or {}).get(field)) is not state:
            action = Action.SWITCH_ON if state else Action.SWITCH_OFF
            yield Change(_resource(wanted), plugin_id, action, (label,), partial(switch, plugin_id, state))


def _set_active(plugin_id: str, state: bool, client: OpenWebUI) -> None:
    client.set_active(plugin_id, state)


def _set_global(plugin_id: str, state: bool, client: OpenWebUI) -> None:
    client.set_global(plugin_id, state)


def _our_meta(plugin: Plugin) -> Json:
    stamp = {"version": plugin.version, "sha256": plugin.sha256}
    return {"description": plugin.description, "i18n": dict(plugin.i18n), STAMP: stamp}


def _form(plugin: Plugin, name: str, meta: Json) -> Json:
    return {
        "id": plugin.id,
        "name": name,
        "content": plugin.content,
        "meta": {**meta, **_our_meta(plugin)},
        "commit_message": MESSAGE.format(version=plugin.version),
    }


def _create(plugin: Plugin, client: OpenWebUI) -> None:
    client.create_function(_form(plugin, plugin.title, {}))


def _update(plugin: Plugin, client: OpenWebUI) -> None:
    # The name stays: it may have been chosen by an administrator.
    row = client.functions()[plugin.id]
    client.update_function(_form(plugin, row["name"], row["meta"]))


def _set_valves(plugin_id: str, valves: dict[str, Value], client: OpenWebUI) -> None:
    ours = {name: _plain(value) for name, value in valves.items()}
    client.set_valves(plugin_id, {**client.valves(plugin_id), **ours})
