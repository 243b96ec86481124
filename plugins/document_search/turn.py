"""The turn: the question, notes and citations."""

import re
from dataclasses import dataclass, field
from typing import Any

from plugins.document_search.passages import Passage
from plugins.document_search.statements import Statement
from plugins.shared.trouble import Trouble
from plugins.shared.turn import ChatTurn
from plugins.shared.types import Json
from plugins.shared.visible import visible


@dataclass
class Turn(ChatTurn):
    files: list[Json]
    valves: Any
    notes: list[str] = field(default_factory=list)
    """What the person should know about this search; they stand in the last status."""
    ending: str = "stopped"
    documents: int = 0
    cited: list[Passage] = field(default_factory=list)
    """In the order of their numbers."""
    quoted: dict[str, list[Statement]] = field(default_factory=dict)
    """What was quoted of them, by their keys."""

    def note(self, key: str, **said: Any) -> None:
        if (line := self.text[key].format(**said)) not in self.notes:
            self.notes.append(line)

    async def say(self, description: str, done: bool = False) -> None:
        """Show a status line; `relay` ends it whatever happens."""
        await self.emit("status", {"description": description, "done": done})

    def cite(self, passage: Passage, statement: Statement | None = None) -> int:
        """Return the number of the passage in this answer, from 1; `statement` is marked where it opens."""
        if statement:
            self.quoted.setdefault(passage.key, []).append(statement)
        if passage not in self.cited:
            self.cited.append(passage)
        return self.cited.index(passage) + 1


def question_of(turn: Turn) -> str:
    """Return the question as it was typed. Raises Trouble if it is empty or too long."""
    question = visible(turn.typed_question()).strip()
    if not question:
        raise Trouble("empty")
    if len(question) > (limit := turn.valves.longest_question):
        raise Trouble("too_long", length=f"{len(question):,}", limit=f"{limit:,}")
    return question


def split_list(text: str) -> list[str]:
    return [part for part in map(str.strip, re.split(r"[,、\n]", text)) if part]
