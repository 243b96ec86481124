"""One row of the doctor's report."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How good it is; `mark` is what stands before the row."""

    VERIFIED = "verified"
    """Attributed by a signature."""
    OK = "ok"
    ATTRIBUTED = "attributed"
    """By headers of the connection, which only the key protects."""
    CLAIMED = "claimed"
    """The client said so itself."""
    WARNING = "warning"
    UNKNOWN = "unknown"
    FAILED = "failed"
    OFF = "off"
    """Not configured, so nothing is wrong with it."""

    @property
    def mark(self) -> str:
        return MARKS[self]


MARKS = {
    State.VERIFIED: "✓",
    State.OK: "✓",
    State.ATTRIBUTED: "✓",
    State.CLAIMED: "!",
    State.WARNING: "!",
    State.UNKNOWN: "?",
    State.FAILED: "✗",
    State.OFF: "–",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`name` and `state` have their texts by language; `detail` and `remedy` are in it already."""

    name: str
    state: State
    detail: str = ""
    remedy: str = ""
