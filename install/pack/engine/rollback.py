"""Back to what a receipt left: whatever later receipts wrote gets the value again that it had before them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from install.open_webui import OpenWebUI
from install.pack.engine.applied import AppliedResource, Fingerprint, Key, Step, fold
from install.pack.engine.change import Action, Change, Plan
from install.pack.engine.compare import compare
from install.pack.engine.plan import read
from install.pack.engine.receipts import Receipts
from install.pack.engine.withdraw import forgotten, secret_lost, take_away
from install.pack.resources import KINDS
from install.pack.resources.kind import Wanted
from install.pack.tree import ABSENT, Json, Leaf, Path, get
from install.wording import say, term


@dataclass(slots=True)
class Former:
    """One resource as it was before a row of steps."""

    existed: bool
    leaves: dict[Path, Leaf | Fingerprint] = field(default_factory=dict)


def plan_rollback(
    client: OpenWebUI, receipts: Receipts, to: str, *, exactly: bool = False, force: bool = False
) -> Plan:
    """Plan the way back to the state that receipt `to` left; "" = before the first one. Raises `InstallError`.

    With `exactly` also what others wrote since that receipt comes back, where a later one had overwritten it.
    """
    kept = receipts.until(to)
    formers = before(step for each in receipts.all()[len(kept) :] for step in each.steps)
    then = fold(step for each in kept for step in each.steps)
    if not exactly:
        formers = {key: _as_left(former, then.get(key)) for key, former in formers.items()}
    return Plan(tuple(undo(formers, then, receipts.known(), read(client, formers), force=force)))


def _as_left(former: Former, known: AppliedResource | None) -> Former:
    applied = {path: leaf.applied[0] for path, leaf in known.leaves.items()} if known else {}
    return Former(former.existed, {path: applied.get(path, value) for path, value in former.leaves.items()})


def before(steps: Iterable[Step]) -> dict[Key, Former]:
    """Return the state before these steps; the oldest value of a leaf counts."""
    found: dict[Key, Former] = {}
    for step in steps:
        if step.taken_back or step.seen:
            continue
        former = found.setdefault(step.key, Former(existed=not step.creates))
        for path, value in step.before.items():
            former.leaves.setdefault(path, value)
    return found


def undo(
    formers: Mapping[Key, Former],
    then: Mapping[Key, AppliedResource],
    now: Mapping[Key, AppliedResource],
    current: Mapping[str, Mapping[str, Json]],
    *,
    force: bool = False,
) -> Iterator[Change]:
    """Yield changes that undo; `then` and `now` are the pack's state at the receipt and today.

    Raises `InstallError`.
    """
    order = list(KINDS)
    for key in sorted(formers, key=lambda each: order.index(each[0]), reverse=True):
        change = _undo(key, formers[key], now.get(key), current[key[0]].get(key[1]), force)
        if change and change.pending:
            base = then.get(key)
            applied = base.leaves if base else {}
            leaves = {path: applied[path].applied[0] for path in change.touched if path in applied}
            action = change.action if change.blocked or change.target is None else Action.RESTORE
            yield replace(change, action=action, base=leaves, base_created=bool(base and base.created))
        elif change:
            yield change


def _undo(key: Key, former: Former, known: AppliedResource | None, current: Json | None, force: bool) -> Change | None:
    kind, id = KINDS[key[0]], key[1]
    if not former.existed:
        if current is not None and known is None and not force:
            return Change(kind.name, id, Action.FOREIGN, (say("made by somebody else since"),), blocked=True)
        if current is None:
            return forgotten(kind, id) if known else None
        return take_away(kind, id, current, known or AppliedResource(created=True), force=force)
    leaves = {path: _value(key, path, value, current) for path, value in former.leaves.items()}
    if current is None:
        leaves = {path: value for path, value in leaves.items() if value is not ABSENT}
    return compare(kind, Wanted(key[0], id, leaves, only=True), current, known, force=force)


def _value(key: Key, path: Path, value: Leaf | Fingerprint, current: Json | None) -> Leaf:
    if isinstance(value, Fingerprint):
        if value.matches(now := get(current, path)):
            return now
        raise secret_lost(f"{term(key[0])} {key[1]} ({'.'.join(path)})")
    return value
