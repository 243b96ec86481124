"""Read what is, build what shall be, compare with what the pack last applied."""

from collections.abc import Iterable, Iterator, Mapping

from gateway.secret import Secret
from install.errors import UsageError
from install.open_webui import OpenWebUI
from install.open_webui.http import not_open_webui
from install.pack.change import Change, Plan
from install.pack.desired import Given, Options, resolver
from install.pack.kinds import KINDS, Kind
from install.pack.kinds.connections import address
from install.pack.known import Key, Known, as_forgotten
from install.pack.manifest import Manifest
from install.pack.snapshot import Snapshot
from install.pack.threeway import Wanted, compare
from install.pack.tree import Json, get
from install.pack.unlisted import ALL_LISTED, MODEL, Unlisted, unlisted
from install.pack.wanted import desire
from install.pack.withdrawal import withdraw

ALWAYS = ("connection", "model", "setting", "filter")
"""Kinds that every plan reads."""

Current = Mapping[str, Mapping[str, Json]]


def make_plan(client: OpenWebUI, manifest: Manifest, options: Options, known: Mapping[Key, Known]) -> Plan:
    """Changes nothing. Raises a `SekishoError` where the desired state cannot be determined."""
    snapshot = Snapshot(client)
    sections = {
        "action": bool(manifest.functions),
        "pipe": bool(manifest.pipes or manifest.agents),
        "tool": bool(manifest.tools),
        "prompt": bool(manifest.prompts),
        "banner": bool(manifest.banners),
    }
    current = read(snapshot, known, (name for name, there in sections.items() if there))
    given = _given(snapshot, manifest, options, current)
    volatile = client.keeps_settings() is False
    if volatile:
        known = as_forgotten(known)
    wanted = desire(given)
    missing = unlisted(given, known, ((each.kind, each.id) for each in wanted))
    return Plan(tuple(differences(wanted, current, known, missing, force=options.force)), volatile, address(given.url))


def plan_state(client: OpenWebUI, wanted: Iterable[Wanted], known: Mapping[Key, Known], *, force: bool = False) -> Plan:
    """As `make_plan`, towards a state that is known already; with nothing wanted everything is taken back."""
    wanted = list(wanted)
    current = read(Snapshot(client), known, (each.kind for each in wanted))
    return Plan(tuple(differences(wanted, current, known, force=force)))


def read(client: OpenWebUI, known: Iterable[Key], more: Iterable[str] = ()) -> Current:
    """The records of all kinds that matter."""
    needed = {*ALWAYS, *(kind for kind, _ in known), *more}
    return {name: _rows(client, kind) for name, kind in KINDS.items() if name in needed}


def _rows(client: OpenWebUI, kind: Kind) -> Mapping[str, Json]:
    try:
        return kind.read(client)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise not_open_webui(client.url, f"its list of {kind.name}s has another form") from error


def _given(client: OpenWebUI, manifest: Manifest, options: Options, current: Current) -> Given:
    entry = current["connection"].get(address(options.gateway_url))
    key = _gateway_key(options, entry)
    prefix = get(entry, ("settings", "prefix_id"))
    return Given(
        manifest,
        options,
        client.version,
        tuple(client.models_behind(options.gateway_url.rstrip("/"), key)),
        prefix if isinstance(prefix, str) else "",
        key,
        client.groups(),
        current,
        resolver(manifest, options),
    )


def _gateway_key(options: Options, entry: Json | None) -> Secret:
    """The given key, else the one that Open WebUI has been using for this gateway."""
    if options.gateway_key:
        return options.gateway_key
    if entry and entry["key"]:
        return Secret(entry["key"])
    raise UsageError("The gateway's key is missing.", "Pass --gateway-key or set SEKISHO_GATEWAY_KEY.")


def differences(
    wanted: Iterable[Wanted],
    current: Current,
    known: Mapping[Key, Known],
    missing: Unlisted = ALL_LISTED,
    *,
    force: bool,
) -> Iterator[Change]:
    """In the order of writing: new and changed things first, then what is no longer wanted, backwards."""
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
