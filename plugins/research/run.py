"""The run: its sources, notes and places to search."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from plugins.research.budget import Budget
from plugins.research.similarity import grams, overlap, same_text
from plugins.research.turn import Turn
from plugins.shared.models import Models

DEPTHS = {"short": (2, 1, 4), "normal": (4, 2, 8), "thorough": (6, 3, 16)}  # questions, rounds, sources a round
MOST_SOURCES = 300  # known in a run
LONGEST_QUERY = 300


class Unread(Exception):
    """Reason why a source was not read: what follows `why_` in TEXT."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(eq=False)
class Source:
    """Where something is known from. `text` is what the search told until the source itself is read."""

    key: str
    name: str
    text: str = ""
    url: str = ""
    private: bool = False
    """Of the company or of a tool: nothing in it may reach a search in the web."""
    read: Callable[[], Awaitable[tuple[str, str]]] | None = None
    """Gives name and text; raises Unread. None where `text` is all there is."""
    score: float = 0.0
    done: bool = False
    why: str = ""
    """Why it was not read."""
    order: int = 0
    """In which it was chosen for reading."""
    number: int = 0
    """In the report; 0 where nothing of it is used."""
    shown: bool = False
    """Open WebUI shows it by itself."""


class Note(NamedTuple):
    """A claim and its proof: `quote` stands in the source, letter for letter but for white space."""

    source: Source
    question: int
    claim: str
    quote: str


class Place(NamedTuple):
    name: str
    private: bool
    search: Callable[[str], Awaitable[list[Source]]]


@dataclass
class Run:
    turn: Turn
    valves: Any
    choice: Any
    models: Models
    budget: Budget
    places: list[Place]
    text: dict[str, str]
    """In the language of the report; the turn's is that of the page."""
    mark: str = field(default_factory=lambda: f"§{secrets.token_hex(8)}§")
    """Stands around what was found; no page can know it."""
    questions: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Questions that the last review left open."""
    sources: dict[str, Source] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    contradictions: list[tuple[Note, Note, str]] = field(default_factory=list)
    unsearched: dict[str, None] = field(default_factory=dict)

    @property
    def urls(self) -> set[str]:
        """Addresses of the sources that the report may name."""
        return {source.url for source in self.sources.values() if source.number and source.url}

    def take(self, found: Source, score: float) -> None:
        """Remember what a search found; more passages of a document make it worth reading again."""
        source = self.sources.get(found.key)
        if source is None:
            if len(self.sources) >= MOST_SOURCES:
                return
            source = self.sources[found.key] = found
        elif found.text not in source.text and source.read is None:
            source.text, source.done = f"{source.text}\n\n{found.text}", False
        source.score += score

    def unite(self) -> None:
        """Let the notes of copies of a source be those of the first of them, each once."""
        firsts: list[Source] = []
        first_of: dict[Source, Source] = {}
        for note in self.notes:
            if note.source not in first_of:
                copy = (one for one in firsts if same_text(one.text, note.source.text))
                first_of[note.source] = next(copy, note.source)
                firsts += [note.source] if first_of[note.source] is note.source else []
        united = [note._replace(source=first_of[note.source]) for note in self.notes]
        self.notes = list({(note.source, note.question, "".join(note.quote.split())): note for note in united}.values())
        pairs = [
            (one._replace(source=first_of[one.source]), two._replace(source=first_of[two.source]), why)
            for one, two, why in self.contradictions
            if one.source in first_of and two.source in first_of
        ]
        self.contradictions = [pair for pair in pairs if pair[0].source is not pair[1].source]

    def sort(self) -> None:
        """Sort the notes as their sources were chosen, not as they happened to be read."""
        self.notes.sort(key=lambda note: note.source.order)

    def numbered(self) -> list[Source]:
        """Number the sources that the report rests on and return them; what Open WebUI shows by itself stands first."""
        used = list(dict.fromkeys(note.source for note in self.notes))
        shown = [source for source in self.sources.values() if source.shown]
        for number, source in enumerate([*shown, *(one for one in used if not one.shown)], 1):
            source.number = number
        return sorted(used, key=lambda source: source.number)

    def data(self, text: str) -> str:
        return f"{self.mark}\n{text.replace(self.mark, '')}\n{self.mark}"


def private(run: Run) -> bool:
    return any(note.source.private for note in run.notes)


def closest(run: Run, text: str) -> int:
    found = grams(text)
    return max(range(len(run.questions)), key=lambda at: overlap(grams(run.questions[at]), found))
