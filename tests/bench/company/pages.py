"""Pages of an invented company, and questions about them."""

import random
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

Language = Literal["ja", "en"]
KINDS = (
    "amount",
    "number",
    "date",
    "place",
    "person",
    "yes or no",
    "comparison",
    "procedure",
    "meaning",
    "follow-up",
)
NEVER = "\0"
"""The answer to a question that no page answers."""


@dataclass(frozen=True)
class Page:
    """A document; its name is that of the file."""

    name: str
    text: str


@dataclass(frozen=True)
class Question:
    """A question; `answers` stand in the right sentences, all of them, as alternatives divided by `|`."""

    text: str
    kind: str
    language: Language
    answers: tuple[str, ...] = ()
    trap: str = ""
    before: tuple[str, ...] = ()
    """Earlier questions of the conversation, the latest first."""

    @property
    def answerable(self) -> bool:
        return bool(self.answers)


@dataclass(frozen=True)
class Attribute:
    """Something that pages of a family tell: its label, its sentence and ways to ask for it, with {e} and {v}."""

    label: str
    kind: str
    sentence: str
    asked: tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """Entities that have the same attributes; a value of "" is not told on the page."""

    title: str
    entities: dict[str, tuple[str, ...]]
    attributes: tuple[Attribute, ...]
    strangers: tuple[str, ...] = ()
    """Names like those of entities, of which no page tells anything."""
    opening: str = ""
    styles: tuple[str, ...] = ("prose", "table", "list", "wrapped", "glued", "tabs")


@dataclass
class Company:
    language: Language
    pages: list[Page] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)


def body(style: str, language: Language, title: str, opening: str, rows: Sequence[tuple[str, str, str]]) -> str:
    """Return a page's text. `rows`: label, value and sentence of each attribute."""
    joined = (" " if language == "en" else "").join([opening, *(sentence for *_, sentence in rows)]).strip()
    heads = ("Item", "Details") if language == "en" else ("項目", "内容")
    if style == "table":
        lines = [f"| {label} | {value} |" for label, value, _ in rows]
        return "\n".join([f"# {title}", "", opening, "", f"| {heads[0]} | {heads[1]} |", "| --- | --- |", *lines])
    if style == "tabs":
        return "\n".join([title, opening, "\t".join(heads), *(f"{label}\t{value}" for label, value, _ in rows)])
    if style == "list":
        mark = ": " if language == "en" else "："
        return "\n".join([f"## {title}", opening, *(f"- {label}{mark}{value}" for label, value, _ in rows)])
    if style == "wrapped":
        return "\n".join([title, "=" * 20, *wrapped(joined, language)])
    if style == "glued":
        return f"{title}\n{joined}"
    sections = (f"## {label}\n{sentence}\n" for label, _, sentence in rows)
    return "\n".join([f"# {title}", opening, "", *sections])


def wrapped(text: str, language: Language) -> list[str]:
    """Return lines as a mail or a scanner breaks them: in mid-sentence, in Japanese in mid-word."""
    if language == "en":
        return textwrap.wrap(text, 46)
    return [text[at : at + 22] for at in range(0, len(text), 22)]


def family_pages(family: Family, language: Language) -> Iterator[Page]:
    for at, (entity, values) in enumerate(family.entities.items()):
        title = family.title.format(e=entity)
        rows = [
            (attribute.label, value, attribute.sentence.format(e=entity, v=value))
            for attribute, value in zip(family.attributes, values, strict=True)
            if value
        ]
        style = family.styles[at % len(family.styles)]
        suffix = "md" if style in ("table", "list", "prose") else "txt"
        yield Page(f"{title}.{suffix}", body(style, language, title, family.opening.format(e=entity), rows))


def family_questions(family: Family, language: Language, count: int, chance: random.Random) -> list[Question]:
    """Return `count` questions that pages answer, and half as many that none does."""
    told, untold = [], []
    for entity, values in family.entities.items():
        for attribute, value in zip(family.attributes, values, strict=True):
            asked = chance.choice(attribute.asked).format(e=entity)
            if value:
                told.append(Question(asked, attribute.kind, language, (value,), "one of many alike"))
            else:
                untold.append(Question(asked, attribute.kind, language, trap="the page tells other things"))
    for stranger in family.strangers:
        for attribute in family.attributes:
            asked = chance.choice(attribute.asked).format(e=stranger)
            untold.append(Question(asked, attribute.kind, language, trap="no page about it"))
    return chance.sample(told, min(count, len(told))) + chance.sample(untold, min(count // 2, len(untold)))
