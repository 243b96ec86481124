"""Presentations: slide by slide, with tables, groups, diagrams, charts, notes and comments."""

from collections.abc import Iterator
from typing import Any

from plugins.shared.reader.drawing import RELATION, drawn_elsewhere, shape_text
from plugins.shared.reader.markdown import cell_text, markdown_table
from plugins.shared.reader.office import (
    alternative,
    attribute,
    child,
    descendants,
    local_name,
    package_main,
    parsed_xml,
    related,
)
from plugins.shared.reader.outcome import Outcome


def read_slides(raw: bytes, outcome: Outcome) -> None:
    """Read all slides in their order. Raises whatever a damaged package raises."""
    main = package_main(raw)
    listed = child(parsed_xml(main.blob), "sldIdLst")
    ids = [each.get(f"{{{RELATION}}}id") for each in ([] if listed is None else listed)]
    for number, id in enumerate(ids, 1):
        SlideReader(main.rels[id].target_part, outcome).read(number, len(ids))


def is_title(shape: Any) -> bool:
    place = child(shape, "nvSpPr", "nvPr", "ph")
    return place is not None and attribute(place, "type") in ("title", "ctrTitle")


class SlideReader:
    """Reads one slide."""

    def __init__(self, part: Any, outcome: Outcome) -> None:
        self.part, self.outcome = part, outcome
        self.pictures = 0

    def read(self, number: int, of: int) -> None:
        root = parsed_xml(self.part.blob)
        texts = [text for text in self.shapes(child(root, "cSld", "spTree")) if text.strip()]
        hidden = " (hidden)" if attribute(root, "show", "1") in ("0", "false") else ""
        if self.pictures and not texts:
            self.outcome.note("picture_slides", number, of)
        elif self.pictures:
            self.outcome.note("pictures", number)
        notes = [text for part in related(self.part, "notesSlide") for text in self.notes(part)]
        comments = [text for kind in ("comments", "threadedComments") for text in self.comments(kind)]
        self.outcome.add("\n\n".join([f"[Slide {number}{hidden}]", *texts, *notes, *comments]))

    def shapes(self, tree: Any) -> Iterator[str]:
        for shape in [] if tree is None else tree:
            name = local_name(shape)
            if name in ("sp", "cxnSp"):
                text = shape_text(child(shape, "txBody")) if child(shape, "txBody") is not None else ""
                yield f"# {' '.join(text.split())}" if is_title(shape) and text.strip() else text
                self.pictures += any(True for _ in descendants(shape, "blip"))
            elif name == "grpSp":
                yield from self.shapes(shape)
            elif name == "AlternateContent":
                yield from self.shapes(alternative(shape))
            elif name == "pic":
                self.pictures += 1
            elif name == "graphicFrame":
                yield from self.frame(shape)

    def frame(self, frame: Any) -> Iterator[str]:
        """Yield what is in a frame: a table, a chart, a diagram; count what holds no text."""
        for table in descendants(frame, "tbl"):
            yield markdown_table([[*self.cells(row)] for row in table if local_name(row) == "tr"])
        for element in (*descendants(frame, "chart"), *descendants(frame, "relIds")):
            yield drawn_elsewhere(self.part, element)
        for _ in descendants(frame, "oleObj"):
            self.outcome.note("embedded")

    def cells(self, row: Any) -> Iterator[str]:
        """Yield the cells; one that is as wide as several stands in each of them."""
        text = ""
        for cell in row:
            if local_name(cell) == "tc":
                goes_on = attribute(cell, "hMerge") in ("1", "true")
                text = text if goes_on else cell_text(shape_text(cell))
                yield text

    def notes(self, part: Any) -> Iterator[str]:
        for shape in descendants(parsed_xml(part.blob), "sp"):
            place = child(shape, "nvSpPr", "nvPr", "ph")
            if place is None or attribute(place, "type") in ("body", ""):
                text = shape_text(shape)
                yield f"[Notes] {text}" if text.strip() else ""

    def comments(self, kind: str) -> Iterator[str]:
        for part in related(self.part, kind):
            for comment in parsed_xml(part.blob).iter():
                if local_name(comment) in ("cm", "comment", "reply"):
                    plain = child(comment, "text")
                    text = (plain.text or "") if plain is not None else shape_text(child(comment, "txBody") or comment)
                    yield f"[Comment: {text.strip()}]" if text.strip() else ""
