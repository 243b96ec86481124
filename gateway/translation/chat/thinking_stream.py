"""Reasoning of a stream: plain text, or entries of `reasoning_details` whose seals may follow their texts."""

from typing import Any

from gateway.translation.answer import Closed, Event
from gateway.translation.chat.names import CHAT
from gateway.translation.chat.open_part import OpenPart, Parts
from gateway.translation.chat.thinking import detail_text, sealed
from gateway.translation.parts import Thinking

Fields = dict[str, Any]

_OPENED = Thinking(origin=CHAT)


class ThinkingStream:
    """The part of reasoning that is open, if any."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._open: OpenPart | None = None

    def add(self, text: str, events: list[Event]) -> None:
        """Take a piece of text."""
        if self._open is None:
            self._open = self._parts.open(_OPENED, events)
        self._open.grow(text, None, events)

    def add_detail(self, detail: Fields, events: list[Event]) -> None:
        """Take a piece of an entry of `reasoning_details`."""
        text, key = detail_text(detail), (detail.get("type"), detail.get("index"))
        if self._open is not None and self._open.detail and _are_different(self._open.key, key):
            self.close(events)
        if self._open is None:
            self._open = self._parts.open(_OPENED, events)
        self._open.key = key
        self._open.detail.update({name: found for name, found in detail.items() if found is not None})
        if text:
            self._open.grow(text, None, events)

    def close(self, events: list[Event]) -> None:
        """Close the part, if one is open."""
        part, self._open = self._open, None
        if part is not None:
            text = part.text()
            whole = sealed(part.detail, text) if part.detail else Thinking(text=text, origin=CHAT)
            events.append(Closed(part.index, whole))


def _are_different(first: Any, second: Any) -> bool:
    """Return whether two pieces of reasoning are of different entries: a seal may come without its number."""
    at = 0 if None in (first[1], second[1]) else 1
    return bool(first[at] != second[at])
