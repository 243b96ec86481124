"""Files of LibreOffice and others in OpenDocument: texts, sheets and slides."""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from plugins.shared.reader.markdown import cell_text, markdown_table
from plugins.shared.reader.office import attribute, child, children, descendants, local_name, parsed_xml
from plugins.shared.reader.outcome import Outcome, Unreadable

MIMETYPE = b"application/vnd.oasis.opendocument."
OPEN_SIGNS = {"tab": "\t", "line-break": "\n"}
SKIPPED = ("tracked-changes", "sequence-decls", "forms", "shapes", "ruby-text", "annotation-end", "desc", "title")
OPEN_BLOCKS = ("p", "h", "list", "table", "section")
MOST_REPEATED = 1_000  # times that a cell or a row with text is written down


def is_opendocument(raw: bytes) -> bool:
    """Return whether the archive says so in its first entry, as the format demands."""
    return MIMETYPE in raw[:200]


def read_opendocument(raw: bytes, outcome: Outcome) -> None:
    """Read a text, a workbook or a presentation. Raises whatever a damaged one raises."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        names = archive.namelist()
        if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise Unreadable("protected")
        content = parsed_xml(archive.read("content.xml"))
        styles = parsed_xml(archive.read("styles.xml")) if "styles.xml" in names else None
    reader = OpenReader(outcome, hidden_styles(content))
    bodies = children(content, "body")
    for band in ("header", "footer") if any(local_name(each) == "text" for each in bodies) else ():
        if band == "footer":
            reader.bodies(bodies)
        for found in [] if styles is None else descendants(styles, band):
            text = " ".join(" ".join(reader.blocks(found)).split())
            outcome.add(f"[{band.title()}] {text}" if text else "")
    if not any(local_name(each) == "text" for each in bodies):
        reader.bodies(bodies)
    if not reader.found:
        sheets = any(local_name(each) == "spreadsheet" for each in bodies)
        raise Unreadable("only_drawings" if outcome.notes else "empty_sheets" if sheets else "empty")


def hidden_styles(content: Any) -> frozenset[str]:
    """Return the names of styles whose sheets or slides are hidden."""
    styles = children(content, "automatic-styles")
    return frozenset(
        attribute(style, "name")
        for style in styles
        for each in style
        if attribute(each, "display") == "false" or attribute(each, "visibility") == "hidden"
    )


class OpenReader:
    """Reads the body of a file."""

    def __init__(self, outcome: Outcome, hidden: frozenset[str]) -> None:
        self.outcome, self.hidden = outcome, hidden
        self.found = False

    @property
    def pictures(self) -> int:
        return int(self.outcome.notes.get("pictures", {"count": 0})["count"])

    def add(self, text: str) -> None:
        self.outcome.add(text)
        self.found = self.found or bool(text.strip())

    def bodies(self, bodies: list[Any]) -> None:
        for body in bodies:
            kind = local_name(body)
            if kind == "spreadsheet":
                for sheet in descendants(body, "table"):
                    self.sheet(sheet)
            elif kind == "presentation":
                pages = [each for each in body if local_name(each) == "page"]
                for number, page in enumerate(pages, 1):
                    self.slide(page, number, len(pages))
            else:
                for text in self.blocks(body):
                    self.add(text)

    def is_hidden(self, element: Any) -> str:
        return " (hidden)" if attribute(element, "style-name") in self.hidden else ""

    def sheet(self, sheet: Any) -> None:
        self.outcome.add(f"## {attribute(sheet, 'name')}{self.is_hidden(sheet)}")
        for block in tables_in([*self.rows(sheet)]):
            self.add(markdown_table(block))
        for each in children(sheet, "shapes"):
            self.add("\n".join(self.drawn(each)))

    def slide(self, page: Any, number: int, of: int) -> None:
        notes = [each for each in page if local_name(each) == "notes"]
        before = self.pictures
        texts = [text for each in page if each not in notes for text in self.drawn(each)]
        drawn = self.pictures > before
        said = [text for each in notes for text in self.drawn_in(each)]
        if drawn and not any(map(str.strip, texts)):
            self.outcome.note("picture_slides", number, of)
        elif any(map(str.strip, texts)):
            self.found = True
        noted = [f"[Notes] {text}" for text in said if text.strip()]
        self.outcome.add("\n\n".join([f"[Slide {number}{self.is_hidden(page)}]", *filter(None, texts), *noted]))

    def drawn_in(self, element: Any) -> list[str]:
        return [text for each in element for text in self.drawn(each)]

    def drawn(self, shape: Any) -> Iterator[str]:
        """Yield the words of a shape, a frame or a group; count what holds no text."""
        kind = local_name(shape)
        if kind == "image":
            self.outcome.note("pictures")
        elif kind in ("object", "object-ole"):
            self.outcome.note("embedded")
        elif kind in OPEN_BLOCKS:
            yield from self.blocks([shape])
        elif kind not in SKIPPED:
            inner = [*shape]
            if kind == "frame" and any(local_name(each) in ("object", "text-box", "table") for each in inner):
                inner = [each for each in inner if local_name(each) != "image"]  # how it looks where it cannot be drawn
            for each in inner:
                yield from self.drawn(each)

    def blocks(self, element: Any, depth: int = 0) -> Iterator[str]:
        """Yield paragraphs, headings, lists and tables."""
        for each in element:
            kind = local_name(each)
            if kind == "h":
                level = attribute(each, "outline-level", "1")
                yield f"{'#' * min(6, int(level) if level.isdigit() else 1)} {self.line(each)}"
            elif kind == "p":
                yield self.line(each)
            elif kind == "list":
                yield "\n".join(self.items(each, depth))
            elif kind == "table":
                yield markdown_table([*self.rows(each)])
            elif kind in ("frame", "g", "custom-shape", "rect", "text-box"):
                yield from self.drawn(each)
            elif kind and kind not in SKIPPED:
                yield from self.blocks(each, depth)

    def items(self, element: Any, depth: int) -> Iterator[str]:
        for item in element:
            first = True
            for text in self.blocks(item, depth + 1) if depth < 20 else ():
                nested = text.lstrip().startswith("- ")
                yield text if nested else f"{'  ' * depth}{'- ' if first else '  '}{text}"
                first = first and nested

    def line(self, element: Any) -> str:
        """Return the words of a paragraph, with its notes and comments in place."""
        return "".join(self.pieces(element)).strip("\n")

    def pieces(self, element: Any) -> Iterator[str]:
        yield element.text or ""
        for each in element:
            yield from self.piece(each)
            yield each.tail or ""

    def piece(self, each: Any) -> Iterator[str]:
        kind = local_name(each)
        if kind == "s":
            count = attribute(each, "c", "1")
            yield " " * min(int(count) if count.isdigit() else 1, 200)
        elif kind in OPEN_SIGNS:
            yield OPEN_SIGNS[kind]
        elif kind == "note":
            body = " ".join(self.blocks(child(each, "note-body")))
            yield f" [{attribute(each, 'note-class', 'footnote').title()}: {body.strip()}]"
        elif kind == "annotation":
            said = " ".join(self.line(one) for one in each if local_name(one) in ("p", "list"))
            yield f" [Comment: {said}]"
        elif kind == "ruby":
            base, over = (self.line(found) if (found := child(each, f"ruby-{part}")) is not None else ""
                          for part in ("base", "text"))  # fmt: skip
            yield f"{base}（{over}）"
        elif kind in ("frame", "g", "custom-shape", "rect"):
            yield " ".join(self.drawn(each))
        elif kind and kind not in SKIPPED:
            yield from self.pieces(each)

    def rows(self, table: Any) -> Iterator[list[str]]:
        """Yield the rows of a table, empty ones as []; what is repeated without text is written once."""
        for each in table:
            kind = local_name(each)
            if kind in ("table-header-rows", "table-rows", "table-row-group"):
                yield from self.rows(each)
            elif kind == "table-row":
                cells = self.cells(each)
                for _ in range(repeated(each, "number-rows-repeated") if cells else 1):
                    yield cells

    def cells(self, row: Any) -> list[str]:
        """Return the cells of a row; one that is as wide as several stands in each of them."""
        cells: list[str] = []
        for cell in row:
            if local_name(cell) not in ("table-cell", "covered-table-cell"):
                continue
            texts = [*self.blocks(cell)]
            said = [self.line(one) for one in cell if local_name(one) == "annotation"]
            text = cell_text("\n".join([*texts, *(f"[Comment: {one}]" for one in said)])) or value_of(cell)
            if not text and local_name(cell) == "covered-table-cell" and cells:
                text = cells[-1]
            cells += [text] * (repeated(cell, "number-columns-repeated") if text or len(cells) < 200 else 1)
        while cells and not cells[-1]:
            cells.pop()
        return cells


def repeated(element: Any, name: str) -> int:
    count = attribute(element, name, "1")
    return min(int(count), MOST_REPEATED) if re.fullmatch(r"\d{1,9}", count) else 1


def value_of(cell: Any) -> str:
    """Return the value of a cell that shows no text."""
    return next((text for name in ("date-value", "value", "string-value") if (text := attribute(cell, name))), "")


def tables_in(rows: list[list[str]]) -> Iterator[list[list[str]]]:
    """Yield the tables of a sheet, which empty rows part, without columns that are empty in all of it."""
    block: list[list[str]] = []
    for row in [*rows, []]:
        if row:
            block.append(row)
        elif block:
            width = max(map(len, block))
            full = [[*each, *[""] * (width - len(each))] for each in block]
            used = [at for at in range(width) if any(each[at] for each in full)]
            yield [[each[at] for at in used] for each in full]
            block = []
