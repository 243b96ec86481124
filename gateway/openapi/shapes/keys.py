"""Bodies and answers of the keys and budgets of everybody."""

from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.identity.keys import Budget, Key
from gateway.identity.policy import BudgetWindow, Policy


@dataclass(frozen=True, kw_only=True)
class KeyMade(Key):
    """An API key; `key` is its secret, shown this once."""

    key: str


class KeyList(Struct):
    """Every key, oldest first."""

    data: list[Key]


def _change_of(*more: tuple[str, Any, Any]) -> list[tuple[str, Any, Any]]:
    """Return the fields of a policy as those of a body in which none is needed."""
    hints = get_type_hints(Policy)
    policy = [
        (each.name, hints[each.name], None if each.default is MISSING else each.default) for each in fields(Policy)
    ]
    return [*more, *policy]


_NAMES: tuple[tuple[str, Any, Any], ...] = tuple((name, str | None, None) for name in ("owner", "team", "purpose"))
NewAdminKey = msgspec.defstruct(
    "NewAdminKey",
    [("alias", str), *_change_of(*_NAMES, ("identity", str | None, None))],
    forbid_unknown_fields=True,
    namespace={"__doc__": "A new key: whose it is, and what it may do."},
)
KeyChange = msgspec.defstruct(
    "KeyChange",
    _change_of(("alias", str | UnsetType, UNSET), *_NAMES),
    forbid_unknown_fields=True,
    namespace={"__doc__": "What is to be changed; what is left out stays, null takes a limit away."},
)


class AdminRotation(Struct, forbid_unknown_fields=True):
    """For how long the old secret works on."""

    grace_seconds: Annotated[int, Meta(ge=0)] = 86_400


class BudgetList(Struct):
    """Every budget."""

    data: list[Budget]


class NewBudget(Struct, forbid_unknown_fields=True):
    """A budget of the scope that the path names."""

    nano_usd: int
    """Billionths of a USD."""
    window: BudgetWindow
    """Calendar windows in UTC."""
    hard: bool = True
    """False: spending over it is warned about, not refused."""


class Removed(Struct):
    """The budget that was taken away."""

    removed: str
    """The scope."""
