"""One step between what is and what shall be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from install.pack.tree import Json, Leaf, Path
from install.wording import say, term


class Action(StrEnum):
    NEW = "new"
    UPGRADE = "upgrade"
    """The pack's own, in another state than wanted."""
    CHANGE = "change"
    """Somebody else's setting, which the manifest sets."""
    TAKE_AWAY = "take away"
    HIDE = "hide"
    """Out of sight instead of taken away: it holds what somebody else decided."""
    RESTORE = "restore"
    UNCHANGED = "unchanged"
    EDITED_BY_HAND = "edited by hand"
    FOREIGN = "foreign"
    NOT_ANSWERED = "not answered"
    """A published model for which the gateway is not asked."""
    NOT_LISTED = "not listed"
    """Published, and missing in a list of the gateway that has lost too much to be believed unasked."""


@dataclass(frozen=True, slots=True)
class Change:
    """From `current` to `target`; `None` = the resource is not there. Nothing in `details` is a secret."""

    kind: str
    id: str
    action: Action
    details: tuple[str, ...] = ()
    blocked: bool = False
    """Something was left alone because somebody else wrote it."""
    pending: bool = False
    forget: bool = False
    """It is gone already: the receipts need not know it any more."""
    current: Json | None = field(default=None, repr=False)
    target: Json | None = field(default=None, repr=False)
    touched: Mapping[Path, tuple[Leaf, Leaf]] = field(default_factory=dict, repr=False)
    """Before and after of every leaf that this step writes."""
    seen: Mapping[Path, Leaf] = field(default_factory=dict, repr=False)
    """Leaves that are as wanted already and that no receipt speaks of yet."""
    above: Mapping[Path, Leaf] = field(default_factory=dict, repr=False)
    """Containers that this step has to make, with what stood there before."""
    secrets: frozenset[Path] = frozenset()
    base: Mapping[Path, object] | None = field(default=None, repr=False)
    """Where this undoes something: what counts as applied by the pack afterwards."""
    base_created: bool = False
    diff: str = field(default="", repr=False)

    @property
    def headline(self) -> str:
        return f"{term(self.kind)} {self.id}: {term(self.action)}"


@dataclass(frozen=True, slots=True)
class Plan:
    changes: tuple[Change, ...]
    volatile: bool = False
    """Open WebUI forgets connections and settings when it restarts."""
    gateway: str = ""
    """Id of the gateway's connection; "" where the plan only takes back."""
    problem: str = ""
    """Why nobody could chat although everything is as the manifest wants it."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes about the whole plan."""
        return tuple(each for each in (self.problem, volatile_note() if self.volatile else "") if each)

    def of(self, kind: str, id: str) -> Change | None:
        """Return the change of a resource."""
        return next((change for change in self.changes if (change.kind, change.id) == (kind, id)), None)

    @property
    def pending(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.pending)

    @property
    def blocked(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.blocked)

    @property
    def held(self) -> tuple[Change, ...]:
        """Changes that wait for a confirmation that the gateway's list may have become so short."""
        return tuple(change for change in self.changes if change.action is Action.NOT_LISTED)

    @property
    def unchanged(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.action is Action.UNCHANGED)


def volatile_note() -> str:
    """Return what follows where Open WebUI keeps settings in memory alone."""
    return say(
        "Open WebUI runs with ENABLE_PERSISTENT_CONFIG=false: the connection and all settings are lost at its next "
        "start. "
        "Start it with ENABLE_PERSISTENT_CONFIG=true and run `sekisho apply` once; where it has to stay, run "
        "`sekisho apply` after each start, or give Open WebUI OPENAI_API_BASE_URLS, OPENAI_API_KEYS and "
        "OPENAI_API_CONFIGS."
    )
