"""What every kind of resource can do: be read, be written, be described."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from gateway.secret import Secret
from install.open_webui import OpenWebUI
from install.pack.resources.access import GRANTS, grant_label
from install.pack.tree import Json, Leaf, Path


class Owner(Enum):
    PACK = "pack"
    EDITED = "edited by hand"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The leaves of one resource that the manifest speaks about; all others belong to the administrator."""

    kind: str
    id: str
    leaves: Mapping[Path, Leaf | Secret]
    soft: frozenset[Path] = frozenset()
    """Set only where nobody decided otherwise."""
    notes: tuple[str, ...] = ()
    keep: frozenset[Path] = frozenset()
    """Leaves whose value cannot be had now (a variable that is not set): they stay as they are stored."""
    only: bool = False
    """Leave everything else alone, also what the pack applied and this does not name."""
    kept: str | None = None
    """Why this resource is not touched at all."""


class Kind:
    """A kind's rows as records by id, and the one way to write one."""

    name: ClassVar[str]
    """What people read: filter, model, setting …"""
    code: ClassVar[Path | None] = None
    """A leaf whose hand edit protects the whole resource."""

    overwrites: ClassVar[bool] = False
    """Whether the server lets a new row replace one of the same id without a word."""

    # Not abstract: the comparison needs a kind's words alone, and is tested without a server to read or write.

    def read(self, client: OpenWebUI) -> dict[str, Json]:
        """Return every row by id, as a tree of leaves. Raises `OpenWebUIError`."""
        raise NotImplementedError

    def read_one(self, client: OpenWebUI, id: str) -> Json | None:
        """Return one row as `read` does, asked for anew."""
        return self.read(client).get(id)

    def unchanged(self, planned: Json, now: Json | None, paths: Iterable[Path]) -> bool:
        """Return whether a row is still as it was planned with; `paths` are the leaves that will be written."""
        return now == planned

    def write(self, client: OpenWebUI, id: str, current: Json | None, target: Json | None) -> None:
        """Create, change or delete (`target` None) with as few requests as possible; nothing is written for equals."""
        raise NotImplementedError

    def check(self, client: OpenWebUI, id: str, target: Json | None) -> str | None:
        """Return why the server cannot use a row that was written, None if it can."""
        return None

    def owner(self, current: Json) -> Owner | None:
        """Return who wrote a row, told without a receipt. None = such a row has no single owner."""
        return None

    def stamped(self, path: Path) -> bool:
        """Return whether `owner` also speaks for this leaf."""
        return False

    def created(self, current: Json) -> bool:
        """Return whether the pack brought it, told without a receipt."""
        return self.owner(current) is Owner.PACK

    def made_by_server(self, path: Path, value: Leaf) -> bool:
        """Return whether every new row has this leaf, so that nobody decided it."""
        return value in (None, "", False) or value == {} or value == []

    def hiding(self, current: Json) -> Mapping[Path, Leaf] | None:
        """Return leaves that hide a row with everything people put into it; None = such rows are deleted."""
        return None

    def label(self, path: Path) -> str:
        return grant_label(path[1]) if path[0] == GRANTS else ".".join(path)

    def describe(self, current: Json | None, touched: Mapping[Path, tuple[Leaf, Leaf]]) -> list[str]:
        """Return lines about the leaves that `is_described` names, which need more than a label and a value."""
        return []

    def is_described(self, path: Path) -> bool:
        """Return whether `describe` speaks about this leaf."""
        return False
