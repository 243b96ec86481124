"""A change in words for people: labels, short values, `***` for secrets."""

import difflib
from collections.abc import Iterable, Iterator, Mapping

from gateway.secret import Secret
from install.pack.engine.applied import AppliedResource
from install.pack.manifest.values import Hidden, is_secret_name
from install.pack.resources.kind import Kind
from install.pack.tree import ABSENT, Json, Leaf, Path
from install.wording import say

SHOWN = 80


def secret_paths(
    touched: Iterable[Path], wanted: Mapping[Path, object], known: AppliedResource | None
) -> frozenset[Path]:
    return frozenset(
        path
        for path in touched
        if isinstance(wanted.get(path), Secret | Hidden) or is_secret_name(path) or (known and path in known.secrets)
    )


def edited_lines(kind: Kind, paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(say("{label}: edited by hand", label=kind.label(path)) for path in paths)


def conflict_lines(kind: Kind, edited: Mapping[Path, tuple[Leaf, Leaf]], secrets: frozenset[Path]) -> tuple[str, ...]:
    """Return a line for each conflict, with the present and the wanted value where those are short and no secret."""
    lines = []
    for path, (now, want) in edited.items():
        both = say("{now}; wanted {want}", now=_short(now), want=_short(want))
        shown = path not in secrets and path != kind.code and len(both) <= SHOWN
        label = kind.label(path)
        lines.append(
            say("{label}: edited by hand ({both})", label=label, both=both)
            if shown
            else say("{label}: edited by hand", label=label)
        )
    return tuple(lines)


def written_lines(
    kind: Kind,
    current: Json | None,
    touched: Mapping[Path, tuple[Leaf, Leaf]],
    secrets: frozenset[Path],
    *,
    show_before: bool = True,
) -> Iterator[str]:
    yield from kind.describe(current, touched)
    for path, (before, after) in touched.items():
        if not kind.is_described(path):
            yield f"{kind.label(path)}: {_transition(before, after, path in secrets, show_before)}"


def _transition(before: Leaf, after: Leaf, secret: bool, show_before: bool) -> str:
    if after is ABSENT:
        return say("taken away")
    shown = "***" if secret else _short(after)
    if not show_before or before in (ABSENT, None, "") or secret:
        return shown
    return f"{_short(before)} → {shown}"


def _short(value: Leaf) -> str:
    text = say("on") if value is True else say("off") if value is False else str(value)
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def text_diff(kind: Kind, id: str, touched: Mapping[Path, tuple[Leaf, Leaf]]) -> str:
    if kind.code is None or kind.code not in touched:
        return ""
    before, after = (str(each).splitlines(keepends=True) for each in touched[kind.code])
    return "".join(difflib.unified_diff(before, after, say("{id} (there now)", id=id), say("{id} (wanted)", id=id)))
