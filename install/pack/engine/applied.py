"""What the pack last applied, leaf by leaf, with what was there before it: the receipts folded into one state. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from install.pack.tree import ABSENT, Leaf, Path

Key = tuple[str, str]
"""Kind and id."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Stands for a secret whose value is not kept: it can be compared, never restored."""

    hex: str
    salt: str = field(repr=False, default="")

    def matches(self, value: Leaf) -> bool:
        from install.pack.engine.secret_store import fingerprint

        return isinstance(value, str) and fingerprint(value, self.salt) == self.hex


@dataclass(frozen=True, slots=True)
class AppliedLeaf:
    original: Leaf | Fingerprint
    applied: tuple[Leaf | Fingerprint, ...]
    """More than one where an interruption left open whether the write arrived."""


@dataclass(slots=True)
class AppliedResource:
    """One resource as the pack left it."""

    created: bool = False
    """It was not there before the pack."""
    may_be_missing: bool = False
    volatile: bool = False
    """The server forgot it at a restart, or will: to be missing, or as before, is nobody's decision."""
    unfinished: bool = False
    """Its creation was interrupted: between two requests it stands as the server makes such things."""
    leaves: dict[Path, AppliedLeaf] = field(default_factory=dict)
    above: dict[Path, Leaf] = field(default_factory=dict)
    secrets: set[Path] = field(default_factory=set)

    def accepts(self, path: Path, now: Leaf) -> bool:
        """Return whether `now` is what the pack left there."""
        leaf = self.leaves.get(path)
        if leaf is not None and self.unfinished and path[-1] != "content":
            return True
        if leaf is not None and self.volatile and same(leaf.original, now):
            return True
        return leaf is not None and any(same(each, now) for each in leaf.applied)


KEPT_IN_MEMORY = ("connection", "tool server", "setting", "banner")
"""Kinds that Open WebUI keeps in memory alone where ENABLE_PERSISTENT_CONFIG=false."""


def with_volatile_settings(known: Mapping[Key, AppliedResource]) -> dict[Key, AppliedResource]:
    """Return the same where the server may have been restarted and has forgotten what it keeps in memory."""
    return {key: replace(each, volatile=True) if key[0] in KEPT_IN_MEMORY else each for key, each in known.items()}


def same(stored: Leaf | Fingerprint, now: Leaf) -> bool:
    return stored.matches(now) if isinstance(stored, Fingerprint) else stored == now


@dataclass(slots=True)
class Step:
    """One write, or (`seen`) something found as the manifest wants it."""

    kind: str
    id: str
    action: str
    before: dict[Path, Leaf | Fingerprint]
    after: dict[Path, Leaf | Fingerprint]
    above: dict[Path, Leaf] = field(default_factory=dict)
    secrets: set[Path] = field(default_factory=set)
    creates: bool = False
    deletes: bool = False
    seen: bool = False
    adopted: bool = False
    """Another machine's pack brought it."""
    volatile: bool = False
    """Written to a server that keeps such things only until its next start."""
    done: bool = False
    taken_back: bool = False
    undoes: bool = False
    base: dict[Path, Leaf | Fingerprint] = field(default_factory=dict)
    """Of an undoing step: what counts as applied by the pack afterwards."""
    base_created: bool = False

    @property
    def key(self) -> Key:
        return self.kind, self.id


def fold(steps: Iterable[Step]) -> dict[Key, AppliedResource]:
    """Return the state after these steps, oldest first."""
    state: dict[Key, AppliedResource] = {}
    for step in steps:
        if step.taken_back:
            continue
        if step.deletes:
            _deleted(state, step)
        elif step.undoes:
            _undone(state, step)
        else:
            _written(state, step)
    return state


def _deleted(state: dict[Key, AppliedResource], step: Step) -> None:
    if step.done:
        state.pop(step.key, None)
    elif step.key in state:
        state[step.key].may_be_missing = True


def _written(state: dict[Key, AppliedResource], step: Step) -> None:
    known = state.setdefault(step.key, AppliedResource())
    known.created = known.created or step.adopted
    if step.creates:
        known.created = known.created or not known.leaves or known.may_be_missing
        known.may_be_missing = known.unfinished = not step.done
    if step.done:
        known.unfinished = False
        known.volatile = step.volatile
    for path, after in step.after.items():
        _leaf(known, path, step.before.get(path, ABSENT), after, done=step.done)
    for path, value in step.above.items():
        known.above.setdefault(path, value)
    known.secrets |= step.secrets
    if not known.leaves and not known.created:
        del state[step.key]


def _undone(state: dict[Key, AppliedResource], step: Step) -> None:
    known = state.setdefault(step.key, AppliedResource(created=step.base_created, secrets=set(step.secrets)))
    known.may_be_missing = step.creates and not step.done
    known.above = {**step.above, **known.above}
    for path, before in step.before.items():
        base = known.leaves.get(path)
        original = base.original if base else ABSENT if known.created else before
        maybe = () if step.done else (before, step.after.get(path, ABSENT))
        if path in step.base:
            known.leaves[path] = AppliedLeaf(original, (step.base[path], *maybe))
        elif maybe:
            known.leaves[path] = AppliedLeaf(original, maybe)
        else:
            known.leaves.pop(path, None)
    if not known.leaves and not known.created:
        del state[step.key]


def _leaf(
    known: AppliedResource, path: Path, before: Leaf | Fingerprint, after: Leaf | Fingerprint, *, done: bool
) -> None:
    base = known.leaves.get(path)
    original = base.original if base else before
    if done and base and original == after:
        del known.leaves[path]
        return
    known.leaves[path] = AppliedLeaf(original, (after,) if done else (after, before))
