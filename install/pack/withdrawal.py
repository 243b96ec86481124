"""Taking back: everything as it was before the pack. Pure."""

from collections.abc import Mapping

from install.errors import InstallError
from install.pack.change import Action, Change
from install.pack.kinds.kind import Kind, Owner
from install.pack.known import Fingerprint, Known, KnownLeaf
from install.pack.told import edited_lines, secret_paths, written_lines
from install.pack.tree import ABSENT, Json, Leaf, Path, changed, get, leaves


def withdraw(kind: Kind, id: str, current: Json | None, known: Known, *, force: bool = False) -> Change | None:
    """What has to happen so that everything is as it was before the pack."""
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
    kept = tuple(f"{kind.label(path)}: edited by hand, kept" for path in left)
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
    """What somebody deleted by hand, and nobody wants any more."""
    return Change(kind.name, id, Action.UNCHANGED, ("deleted by hand before",), forget=True)


def take_away(kind: Kind, id: str, current: Json | None, known: Known, *, force: bool = False) -> Change | None:
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
    details = (f"somebody changed {names}: kept out of sight, --force deletes it",)
    if not hiding:
        return Change(kind.name, id, Action.UNCHANGED, details, current=current)
    touched = {path: (get(current, path), value) for path, value in hiding.items()}
    target = changed(current, hiding)
    return Change(kind.name, id, Action.HIDE, details, pending=True, current=current, target=target, touched=touched)


def _theirs(kind: Kind, current: Json, known: Known) -> list[Path]:
    """What somebody else wrote into a row that the pack brought, or took out of it."""
    added = [
        path for path, value in leaves(current) if path not in known.leaves and not kind.made_by_server(path, value)
    ]
    return [*_edited(kind, current, known), *added]


def _edited(kind: Kind, current: Json, known: Known) -> list[Path]:
    return [path for path in known.leaves if not left_by_pack(kind, known, current, path)]


def left_by_pack(kind: Kind, known: Known, current: Json, path: Path) -> bool:
    """Whether the pack left this leaf as it is: the receipts say so, or the stamp of another machine."""
    return known.accepts(path, get(current, path)) or (kind.stamped(path) and kind.owner(current) is Owner.PACK)


def original_of(kind: Kind, id: str, path: Path, leaf: KnownLeaf) -> Leaf:
    if isinstance(leaf.original, Fingerprint):
        raise secret_lost(f"{kind.name} {id} ({kind.label(path)})")
    return leaf.original


def secret_lost(what: str) -> InstallError:
    return InstallError(
        f"The former secret of {what} is not kept any more.",
        "Put the folder's secrets.json back from a backup, or set that value by hand and run the command again.",
    )


def without_made(record: Json, known: Known) -> Json:
    """Containers that the pack had to make go again, once nothing is left in them."""
    for path in sorted(known.above, key=len, reverse=True):
        if get(record, path) == {}:
            record = changed(record, {path: known.above[path]})
    return record
