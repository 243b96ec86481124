"""Attached files, and what became of them."""

from dataclasses import dataclass
from typing import Any

# What became of a file that did not go in whole, by the reason: a key of TEXT. Everything else was not read.
FATES = {
    **dict.fromkeys(("setting", "too_large", "over_limit"), "search"),
    **dict.fromkeys(("no_access", "model", "no_prompt"), "left_out"),
}


@dataclass
class Document:
    """A file the user attached, and what became of it."""

    item: dict[str, Any]
    name: str
    place: int = 0  # which of the user's messages brought it, the oldest is 0
    tokens: int = 0
    reason: str = ""  # a key of TEXT; empty: the whole text goes in
    text: str = ""  # read by this filter itself; empty: Open WebUI's own is used

    @property
    def switched_by_user(self) -> bool:
        """True if Open WebUI's own switch on this file is set; not ours to take back."""
        return bool(self.item.get("context") == "full")

    @property
    def fate(self) -> str:
        return FATES.get(self.reason, "not_read")


@dataclass
class Room:
    """Tokens for files, and what limits them. `tokens` None: no limit."""

    tokens: int | None = None
    reason: str = "too_large"
    window: int = 0


def refuse(reason: str, documents: list[Document]) -> None:
    for document in documents:
        document.reason = reason
