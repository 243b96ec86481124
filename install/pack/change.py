"""One step between what is and what shall be."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from install.open_webui import OpenWebUI


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    SET_VALVES = "set valves"
    SWITCH_ON = "switch on"
    SWITCH_OFF = "switch off"
    UNCHANGED = "unchanged"
    EDITED_BY_HAND = "edited by hand"
    NOT_OURS = "not ours"


BLOCKED = {Action.EDITED_BY_HAND, Action.NOT_OURS}


@dataclass(frozen=True, slots=True)
class Change:
    """`details` are for people and never hold a secret; `apply` performs the step, None = there is nothing to do."""

    resource: str
    name: str
    action: Action
    details: tuple[str, ...] = ()
    apply: Callable[[OpenWebUI], None] | None = field(default=None, repr=False, compare=False)

    @property
    def blocked(self) -> bool:
        return self.action in BLOCKED

    @property
    def headline(self) -> str:
        return f"{self.resource} {self.name}: {self.action}"


@dataclass(frozen=True, slots=True)
class Plan:
    changes: tuple[Change, ...]

    @property
    def pending(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.apply)

    @property
    def blocked(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.blocked)

    @property
    def unchanged(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.action is Action.UNCHANGED)
