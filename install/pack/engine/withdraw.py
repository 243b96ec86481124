"""Taking back: everything as it was before the pack. Pure."""

from collections.abc import Mapping

from install.errors import InstallError
from install.pack.engine.applied import AppliedLeaf, AppliedResource, Fingerprint
from install.pack.engine.change import Action, Change
from install.pack.engine.description import edited_lines, secret_paths, written_lines
from install.pack.resources.kind import Kind, Owner
from install.pack.tree import ABSENT, Json, Leaf, Path, changed, get, leaves
from install.wording import say, term


def withdraw(
    kind: Kind, id: str, current: Json | None, known: AppliedResource, *, force: bool = False
) -> Change | None:
    """Return the change that restores a resource as it was before the pack."""
    if current is None:
        return forgotten(kind, id)
    if known.created:
        return take_away(kind, id, current, known, force=force)
    edited = _edited(kind, current, known)
    secrets = secret_paths(known.leaves, {}, known)
    back = {
        path: original_of(kind, id, path, leaf) for path, leaf in known.leaves.items() if force or path not in edited
    }
    touched = {path: (get(current, path), value) for path, value in back.items() if get(current, path) != value}
    left = [] if force else edited
    if not touched:
        return None
    target = without_made(changed(current, {path: after for path, (_, after) in touched.items()}), known)
    details = tuple(written_lines(kind, current, touched, secrets, show_before=False))
    kept = tuple(say("{label}: edited by hand, kept", label=kind.label(path)) for path in left)
    return Change(
        kind.name,
        id,
        Action.RESTORE,
        details + kept,
        blocked=bool(left),
        pending=True,
        current=current,
        target=target,
        touched=touched,
        secrets=secrets,
    )


def forgotten(kind: Kind, id: str) -> Change:
    """Return the change for a resource that was deleted by hand and that nobody wants any more."""
    return Change(kind.name, id, Action.UNCHANGED, (say("deleted by hand before"),), forget=True)


def take_away(
    kind: Kind, id: str, current: Json | None, known: AppliedResource, *, force: bool = False
) -> Change | None:
    """Delete what the pack brought, unless somebody edited it since; hide it where the kind can."""
    if current is None:
        return None
    hiding, theirs = kind.hiding(current), _theirs(kind, current, known)
    if hiding is not None and theirs and not force:
        return _hide(kind, id, current, hiding, theirs)
    # What is gone holds nobody's work.
    edited = [path for path in _edited(kind, current, known) if get(current, path) is not ABSENT]
    if edited and not force:
        return Change(kind.name, id, Action.EDITED_BY_HAND, edited_lines(kind, edited), blocked=True)
    touched: dict[Path, tuple[Leaf, Leaf]] = {path: (value, ABSENT) for path, value in leaves(current)}
    secrets = secret_paths(touched, {}, known)
    return Change(kind.name, id, Action.TAKE_AWAY, pending=True, current=current, touched=touched, secrets=secrets)


def _hide(kind: Kind, id: str, current: Json, hiding: Mapping[Path, Leaf], theirs: list[Path]) -> Change:
    names = ", ".join(dict.fromkeys(kind.label(path) for path in theirs))
    details = (say("somebody changed {names}: kept out of sight, --force deletes it", names=names),)
    if not hiding:
        return Change(kind.name, id, Action.UNCHANGED, details, current=current)
    touched = {path: (get(current, path), value) for path, value in hiding.items()}
    target = changed(current, hiding)
    return Change(kind.name, id, Action.HIDE, details, pending=True, current=current, target=target, touched=touched)


def _theirs(kind: Kind, current: Json, known: AppliedResource) -> list[Path]:
    """Return leaves that somebody else changed in, added to or deleted from a row that the pack brought."""
    added = [
        path for path, value in leaves(current) if path not in known.leaves and not kind.made_by_server(path, value)
    ]
    return [*_edited(kind, current, known), *added]


def _edited(kind: Kind, current: Json, known: AppliedResource) -> list[Path]:
    return [path for path in known.leaves if not left_by_pack(kind, known, current, path)]


def left_by_pack(kind: Kind, known: AppliedResource, current: Json, path: Path) -> bool:
    """Return whether this leaf is as the pack left it, by the receipts or by the stamp of another machine."""
    return known.accepts(path, get(current, path)) or (kind.stamped(path) and kind.owner(current) is Owner.PACK)


def original_of(kind: Kind, id: str, path: Path, leaf: AppliedLeaf) -> Leaf:
    if isinstance(leaf.original, Fingerprint):
        raise secret_lost(f"{term(kind.name)} {id} ({kind.label(path)})")
    return leaf.original


def secret_lost(what: str) -> InstallError:
    return InstallError(
        say("The former secret of {what} is not kept any more.", what=what),
        say("Put the folder's secrets.json back from a backup, or set that value by hand and run the command again."),
    )


def without_made(record: Json, known: AppliedResource) -> Json:
    """Return the record without the containers that the pack had to make, where they are empty again."""
    for path in sorted(known.above, key=len, reverse=True):
        if get(record, path) == {}:
            record = changed(record, {path: known.above[path]})
    return record
