"""What is known about an answer while it comes."""

import time
from dataclasses import dataclass

from plugins.agents.pieces import MOST_SHOWN, Piece
from plugins.shared.trouble import Trouble

LONGEST_ANSWER = 4_000_000  # characters of text and thinking


@dataclass
class Said:
    """State of an answer while it comes."""

    name: str
    length: int = 0
    statuses: int = 0
    spoke: bool = False
    tool: str = ""
    """At work now."""
    step: str = ""
    """As the agent itself calls what it does."""

    def note(self, piece: Piece) -> bool:
        """Return whether the piece is a status to show. Raises the trouble that a piece is or makes."""
        kind, value = piece
        if kind == "trouble":
            raise value
        if kind == "tool":
            self.tool = value["name"] or self.tool
        elif kind == "status":
            self.step = "" if value["done"] else value["description"]
        elif kind in ("result", "text"):
            self.tool = self.step = ""
        if kind in ("text", "thinking"):
            self.length += len(value)
        if self.length > LONGEST_ANSWER:
            raise Trouble("too_much")
        self.spoke |= kind in ("text", "last_text", "files", "embeds")
        self.statuses += kind == "status"
        return kind == "status" and self.statuses <= MOST_SHOWN["status"]

    def at_work(self, text: dict[str, str], started: float) -> str:
        """Return a status line for now; empty once there were too many."""
        self.statuses += 1
        if self.statuses > MOST_SHOWN["status"]:
            return ""
        seconds = round(time.monotonic() - started)
        key = "step" if self.step else "tool" if self.tool else "working"
        return text[key].format(name=self.name, tool=self.tool, step=self.step, seconds=seconds)

    def check(self) -> None:
        if not self.spoke:
            raise Trouble("empty")
