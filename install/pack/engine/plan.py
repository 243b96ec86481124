"""Read what is, build what shall be, compare with what the pack last applied."""

from collections.abc import Iterable, Iterator, Mapping

from gateway.secret import Secret
from install.errors import UsageError
from install.open_webui import OpenWebUI
from install.open_webui.http import not_open_webui
from install.pack.engine.applied import AppliedResource, Key, with_volatile_settings
from install.pack.engine.change import Change, Plan
from install.pack.engine.compare import compare
from install.pack.engine.missing_models import ALL_LISTED, MODEL, MissingModels, missing_models
from install.pack.engine.snapshot import Snapshot
from install.pack.engine.withdraw import withdraw
from install.pack.inputs import Options, PlanInputs, resolver
from install.pack.manifest import Manifest
from install.pack.resources import KINDS, Kind
from install.pack.resources.access import name_groups
from install.pack.resources.connections import address
from install.pack.resources.desired import desired_state
from install.pack.resources.kind import Wanted
from install.pack.resources.tool_servers import tools_answer
from install.pack.tree import Json, get
from install.wording import say

ALWAYS = ("connection", "model", "setting", "filter")
"""Kinds that every plan reads."""

Current = Mapping[str, Mapping[str, Json]]


def make_plan(client: OpenWebUI, manifest: Manifest, options: Options, known: Mapping[Key, AppliedResource]) -> Plan:
    """Compare the manifest with the server; change nothing.

    Raises a `SekishoError` where the desired state cannot be determined.
    """
    snapshot = Snapshot(client)
    sections = {
        "action": bool(manifest.functions),
        "pipe": bool(manifest.pipes or manifest.agents),
        "tool": bool(manifest.tools),
        "tool server": manifest.mcp is not None,
        "prompt": bool(manifest.prompts),
        "banner": any((manifest.banners, manifest.console, manifest.notice, manifest.new_models)),
    }
    current = read(snapshot, known, (name for name, there in sections.items() if there))
    inputs = _inputs(snapshot, manifest, options, current)
    volatile = client.keeps_settings() is False
    if volatile:
        known = with_volatile_settings(known)
    wanted = desired_state(inputs)
    missing = missing_models(inputs, known, ((each.kind, each.id) for each in wanted))
    return Plan(tuple(differences(wanted, current, known, missing, force=options.force)), volatile, address(inputs.url))


def plan_state(
    client: OpenWebUI, wanted: Iterable[Wanted], known: Mapping[Key, AppliedResource], *, force: bool = False
) -> Plan:
    """Plan towards a given state; with nothing wanted everything is taken back."""
    wanted = list(wanted)
    name_groups(client.groups())
    current = read(Snapshot(client), known, (each.kind for each in wanted))
    return Plan(tuple(differences(wanted, current, known, force=force)))


def read(client: OpenWebUI, known: Iterable[Key], more: Iterable[str] = ()) -> Current:
    """Read the records of all kinds that the plan needs."""
    needed = {*ALWAYS, *(kind for kind, _ in known), *more}
    return {name: _rows(client, kind) for name, kind in KINDS.items() if name in needed}


def _rows(client: OpenWebUI, kind: Kind) -> Mapping[str, Json]:
    try:
        return kind.read(client)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise not_open_webui(client.url, say("its list of kind {name} has another form", name=kind.name)) from error


def _inputs(client: OpenWebUI, manifest: Manifest, options: Options, current: Current) -> PlanInputs:
    entry = current["connection"].get(address(options.gateway_url))
    key = _gateway_key(options, entry)
    groups = client.groups()
    name_groups(groups)
    prefix = get(entry, ("settings", "prefix_id"))
    return PlanInputs(
        manifest,
        options,
        client.version,
        tuple(client.models_behind(options.gateway_url.rstrip("/"), key)),
        prefix if isinstance(prefix, str) else "",
        key,
        groups,
        current,
        resolver(manifest, options),
        tools_answer(client, manifest, options.gateway_url, key),
    )


def _gateway_key(options: Options, entry: Json | None) -> Secret:
    """Return the given key, else the one that Open WebUI has been using for this gateway. Raises `UsageError`."""
    if options.gateway_key:
        return options.gateway_key
    if entry and entry["key"]:
        return Secret(entry["key"])
    raise UsageError(say("The gateway's key is missing."), say("Pass --gateway-key or set SEKISHO_GATEWAY_KEY."))


def differences(
    wanted: Iterable[Wanted],
    current: Current,
    known: Mapping[Key, AppliedResource],
    missing: MissingModels = ALL_LISTED,
    *,
    force: bool,
) -> Iterator[Change]:
    """Yield changes in the order of writing: new and changed resources first, then unwanted ones, backwards."""
    order = list(KINDS)
    named = {(each.kind, each.id): each for each in wanted}
    for key, each in sorted(named.items(), key=lambda item: order.index(item[0][0])):
        kind, id = key
        yield compare(KINDS[kind], each, current[kind].get(id), known.get(key), force=force)
    rest = [key for key in known if key not in named]
    for kind, id in sorted(rest, key=lambda key: order.index(key[0]), reverse=True):
        if kind == MODEL and id in missing.ids:
            change = missing.change(id, current[kind].get(id), known[kind, id], force=force)
        else:
            change = withdraw(KINDS[kind], id, current[kind].get(id), known[kind, id], force=force)
        if change:
            yield change
