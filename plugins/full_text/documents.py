"""Attached files, and what became of them."""

from dataclasses import dataclass, field
from typing import Any

# What became of a file that did not go in whole, by the reason: a key of TEXT. Everything else was not read.
FATES = {
    **dict.fromkeys(("setting", "too_large", "over_limit"), "search"),
    **dict.fromkeys(("no_access", "model", "no_prompt"), "left_out"),
}
MISSING = frozenset(
    {"scan_pages", "garbled_pages", "picture_slides", "embedded", "attachments", "attachments_in_part", "old_parts"}
)
"""Notes of the reader that tell of text which is in the file and was not read."""


@dataclass
class Document:
    """A file the user attached, and what became of it."""

    item: dict[str, Any]
    name: str
    place: int = 0  # which of the user's messages brought it, the oldest is 0
    on_branch: bool = True  # brought by a message of this branch of the chat
    tokens: int = 0
    reason: str = ""  # a key of TEXT; empty: the whole text goes in
    text: str = ""  # read by this filter itself; empty: Open WebUI's own is used
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was not read: see `Outcome.notes` of the reader."""
    content: str = ""  # identity of what is in the file; empty: not known
    copies: list[str] = field(default_factory=list)
    """Other names under which the same content is attached."""

    @property
    def id(self) -> str:
        return str(self.item.get("id") or "")

    @property
    def is_inline(self) -> bool:
        """True if the page read the file and sent its text along, as in a temporary chat."""
        return self.item.get("type") == "text"

    @property
    def switched_by_user(self) -> bool:
        """True if Open WebUI sends this text whole by itself; not ours to take back."""
        return bool(self.item.get("context") == "full") or self.is_inline

    @property
    def fate(self) -> str:
        return FATES.get(self.reason, "not_read")

    @property
    def in_part(self) -> bool:
        return not self.reason and bool(MISSING & self.notes.keys())


@dataclass
class Room:
    """Tokens for files, and what limits them. `tokens` None: no limit."""

    tokens: int | None = None
    reason: str = "too_large"
    window: int = 0


def refuse(reason: str, documents: list[Document]) -> None:
    for document in documents:
        document.reason = reason
