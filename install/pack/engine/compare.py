"""The comparison of three states: what the pack last applied, what is there now, what is wanted. Pure."""

from dataclasses import dataclass, field, replace

from install.pack.engine.applied import AppliedResource
from install.pack.engine.change import Action, Change
from install.pack.engine.description import conflict_lines, secret_paths, text_diff, written_lines
from install.pack.engine.withdraw import left_by_pack, original_of, without_made
from install.pack.manifest.values import plain
from install.pack.resources.kind import Kind, Owner, Wanted
from install.pack.tree import ABSENT, Json, Leaf, Path, changed, containers, get
from install.wording import say


def compare(
    kind: Kind, wanted: Wanted, current: Json | None, known: AppliedResource | None, *, force: bool = False
) -> Change:
    """Return the change that brings a resource to the wanted state."""
    change = Change(kind.name, wanted.id, Action.UNCHANGED, wanted.notes, current=current)
    if wanted.kept:
        return replace(change, details=(wanted.kept, *wanted.notes))
    if current is None:
        return _created(kind, wanted, change, known, force)
    owner = None if known or force or _same_code(kind, wanted, current) else kind.owner(current)
    if owner in (Owner.OTHERS, Owner.EDITED):
        action = Action.FOREIGN if owner is Owner.OTHERS else Action.EDITED_BY_HAND
        return replace(change, action=action, blocked=True, details=(say("not overwritten without --force"),))
    return _changed(kind, wanted, current, known, change, force)


def _same_code(kind: Kind, wanted: Wanted, current: Json) -> bool:
    return kind.code is not None and get(current, kind.code) == wanted.leaves.get(kind.code)


def _created(kind: Kind, wanted: Wanted, change: Change, known: AppliedResource | None, force: bool) -> Change:
    if known and not (known.may_be_missing or known.volatile or force):
        return replace(change, action=Action.EDITED_BY_HAND, blocked=True, details=(say("deleted by hand"),))
    values = {path: value for path, value in wanted.leaves.items() if value is not ABSENT}
    touched: dict[Path, tuple[Leaf, Leaf]] = {path: (ABSENT, plain(value)) for path, value in values.items()}
    secrets = secret_paths(touched, wanted.leaves, known)
    target = changed({}, {path: after for path, (_, after) in touched.items()})
    details = (*written_lines(kind, None, touched, secrets), *wanted.notes)
    return replace(
        change, action=Action.NEW, pending=True, target=target, touched=touched, secrets=secrets, details=details
    )


@dataclass(slots=True)
class _Sorted:
    """The wanted leaves by what has to be done about them."""

    write: dict[Path, tuple[Leaf, Leaf]] = field(default_factory=dict)
    edited: dict[Path, tuple[Leaf, Leaf]] = field(default_factory=dict)


def _sort(kind: Kind, wanted: Wanted, current: Json, known: AppliedResource | None) -> _Sorted:
    found = _Sorted()
    for path, value in wanted.leaves.items():
        now, want = get(current, path), plain(value)
        if now == want:
            continue
        base = known.leaves.get(path) if known else None
        ours = known is not None and left_by_pack(kind, known, current, path)
        if path in wanted.soft:
            if ours or (base is None and now in (ABSENT, None, "")):
                found.write[path] = (now, want)
        elif base is None or ours:
            found.write[path] = (now, want)
        else:
            found.edited[path] = (now, want)
    for path, leaf in (known.leaves if known and not wanted.only else {}).items():
        now = get(current, path)
        if path in wanted.keep:
            continue
        if path not in wanted.leaves and known and known.accepts(path, now) and now != leaf.original:
            found.write[path] = (now, original_of(kind, wanted.id, path, leaf))
    return found


def _changed(
    kind: Kind, wanted: Wanted, current: Json, known: AppliedResource | None, change: Change, force: bool
) -> Change:
    found = _sort(kind, wanted, current, known)
    forced = dict(found.edited) if force else {}
    if forced:
        found.write |= forced
        found.edited = {}
    if kind.code in found.edited:
        found.write = {}
    secrets = secret_paths({**found.write, **found.edited}, wanted.leaves, known)
    edited = conflict_lines(kind, found.edited, secrets)
    seen = _seen(wanted, current, known)
    if not found.write:
        if not edited:
            return replace(change, seen=seen, secrets=secret_paths(seen, wanted.leaves, known))
        return replace(change, action=Action.EDITED_BY_HAND, blocked=True, details=(*edited, *wanted.notes))
    values = {path: after for path, (_, after) in found.write.items()}
    target = changed(current, values)
    if known:
        target = without_made(target, known)
    above = {each: value for path in values for each, value in containers(current, path)}
    ours = known is not None or kind.owner(current) is Owner.PACK
    action = Action.EDITED_BY_HAND if edited else Action.UPGRADE if ours else Action.CHANGE
    details = (*written_lines(kind, current, found.write, secrets), *edited, *wanted.notes)
    text = text_diff(kind, wanted.id, found.write)
    return replace(
        change,
        action=action,
        details=details,
        blocked=bool(edited),
        pending=True,
        target=target,
        touched=found.write,
        seen=seen,
        above=above,
        secrets=secrets | secret_paths(seen, wanted.leaves, known),
        diff=text,
    )


def _seen(wanted: Wanted, current: Json, known: AppliedResource | None) -> dict[Path, Leaf]:
    """Return leaves that are as wanted already, without a receipt that says so."""
    recorded = known.leaves if known else {}
    values = {path: plain(value) for path, value in wanted.leaves.items() if path not in recorded}
    return {path: value for path, value in values.items() if value is not ABSENT and get(current, path) == value}
