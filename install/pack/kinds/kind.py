"""What every kind of resource can do: be read, be written, be described."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import ClassVar

from install.open_webui import OpenWebUI
from install.pack.tree import Json, Leaf, Path


class Owner(Enum):
    PACK = "pack"
    EDITED = "edited by hand"
    OTHERS = "others"


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
        """Every row by id, as a tree of leaves. Raises `OpenWebUIError`."""
        raise NotImplementedError

    def read_one(self, client: OpenWebUI, id: str) -> Json | None:
        """The row as `read` gives it, asked for anew."""
        return self.read(client).get(id)

    def unchanged(self, planned: Json, now: Json | None, paths: Iterable[Path]) -> bool:
        """Whether a row is still as it was planned with; `paths` are the leaves that will be written."""
        return now == planned

    def write(self, client: OpenWebUI, id: str, current: Json | None, target: Json | None) -> None:
        """Create, change or delete (`target` None) with as few requests as possible; nothing is written for equals."""
        raise NotImplementedError

    def check(self, client: OpenWebUI, id: str, target: Json | None) -> str | None:
        """After a write: why the server cannot use it, if it cannot."""
        return None

    def owner(self, current: Json) -> Owner | None:
        """Who wrote it, told without a receipt. None = such a thing has no single owner."""
        return None

    def stamped(self, path: Path) -> bool:
        """Whether `owner` also speaks for this leaf."""
        return False

    def created(self, current: Json) -> bool:
        """Whether the pack brought it, told without a receipt."""
        return self.owner(current) is Owner.PACK

    def made_by_server(self, path: Path, value: Leaf) -> bool:
        """Whether every new row has this leaf, so that nobody decided it."""
        return value in (None, "", False) or value == {} or value == []

    def hiding(self, current: Json) -> Mapping[Path, Leaf] | None:
        """Leaves that take a row out of sight with everything people put into it; None = such rows are deleted."""
        return None

    def label(self, path: Path) -> str:
        return ".".join(path)

    def describe(self, current: Json | None, touched: Mapping[Path, tuple[Leaf, Leaf]]) -> list[str]:
        """Lines about leaves that say more than a label and a value; they are taken out of `touched` by `told`."""
        return []

    def told(self, path: Path) -> bool:
        """Whether `describe` speaks about this leaf."""
        return False
