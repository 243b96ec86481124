"""Word files: headings, lists and tables as Markdown, notes and comments in place, in the order of the document."""

from collections.abc import Iterator
from typing import Any

from plugins.shared.reader.drawing import drawn_elsewhere
from plugins.shared.reader.markdown import cell_text, markdown_table
from plugins.shared.reader.numbering import Numbering, whole_number
from plugins.shared.reader.office import (
    alternative,
    attribute,
    child,
    local_name,
    package_main,
    parsed_xml,
    related,
)
from plugins.shared.reader.outcome import Outcome, Unreadable

# Elements whose text is not there for a reader: deleted, or an instruction.
SILENT = frozenset(
    {
        *("del", "moveFrom", "delText", "delInstrText", "instrText", "rt", "fldData", "numPr"),
        *("rPr", "pPr", "sdtPr", "sdtEndPr", "tblPr", "tblGrid", "trPr", "tcPr", "sectPr", "rubyPr"),
        *("annotationRef", "footnoteRef", "endnoteRef", "customXmlPr", "smartTagPr"),
    }
)
CHARACTERS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
NOTES = {"footnoteReference": "footnotes", "endnoteReference": "endnotes", "commentReference": "comments"}
NOTE_NAMES = {"footnotes": "Footnote", "endnotes": "Endnote", "comments": "Comment"}
PICTURES = ("blip", "imagedata")
MOST_COLUMNS = 200


def read_word(raw: bytes, outcome: Outcome) -> None:
    """Read the whole file. Raises Unreadable, and whatever a damaged package raises."""
    main = package_main(raw)
    body = child(parsed_xml(main.blob), "body")
    if body is None:
        raise Unreadable("damaged")
    reader = WordReader(main, outcome)
    seen: set[str] = set()
    margins = {kind: reader.margins(main, kind, seen) for kind in ("header", "footer")}
    for part in [*margins["header"], *reader.blocks(body), *margins["footer"]]:
        outcome.add(part)


class Styles:
    """Styles of paragraphs by their ids; what a style does not say, the one it is based on does."""

    def __init__(self, root: Any) -> None:
        styles = [] if root is None else [each for each in root if local_name(each) == "style"]
        self.known = {attribute(each, "styleId"): each for each in styles}

    def chain(self, id: str) -> Iterator[Any]:
        for _ in range(20):
            if (style := self.known.get(id)) is None:
                return
            yield style
            based = child(style, "basedOn")
            id = "" if based is None else attribute(based, "val")

    def name(self, id: str) -> str:
        style = self.known.get(id)
        name = child(style, "name") if style is not None else None
        return "" if name is None else attribute(name, "val").lower()

    def first(self, paragraph: Any, id: str, name: str) -> Any:
        """Return a property of the paragraph, its own or its style's; None if neither has it."""
        places = [child(paragraph, "pPr", name), *(child(style, "pPr", name) for style in self.chain(id))]
        return next((each for each in places if each is not None), None)


class WordReader:
    """Reads the parts of one Word file."""

    def __init__(self, main: Any, outcome: Outcome) -> None:
        self.main, self.outcome = main, outcome
        roots = {kind: [parsed_xml(part.blob) for part in related(main, kind)] for kind in ("styles", "numbering")}
        self.styles = Styles(next(iter(roots["styles"]), None))
        self.numbering = Numbering(next(iter(roots["numbering"]), None))
        self.notes = {
            kind: {attribute(each, "id"): each for part in related(main, kind) for each in parsed_xml(part.blob)}
            for kind in NOTE_NAMES
        }
        self.boxes: list[Any] = []
        self.inside: set[tuple[str, str]] = set()

    def margins(self, main: Any, kind: str, seen: set[str]) -> list[str]:
        """Return headers or footers, each once."""
        found = []
        for part in related(main, kind):
            text = "\n".join(self.blocks(parsed_xml(part.blob))).strip()
            if text and f"{kind} {text}" not in seen:
                seen.add(f"{kind} {text}")
                found.append(f"[{kind.capitalize()}] {text}")
        return found

    def blocks(self, element: Any) -> Iterator[str]:
        """Yield paragraphs and tables in an element, whatever wraps them."""
        for each in element:
            name = local_name(each)
            if name == "p":
                yield from self.paragraph(each)
            elif name == "tbl":
                yield from self.table(each)
            elif name == "altChunk":
                self.outcome.note("embedded")
            elif name == "AlternateContent":
                yield from self.blocks(alternative(each))
            elif name not in SILENT:
                yield from self.blocks(each)

    def paragraph(self, paragraph: Any) -> Iterator[str]:
        """Yield the text, and then that of the boxes which hang on the paragraph."""
        outer, self.boxes = self.boxes, []
        text = "".join(self.inline(paragraph)).rstrip()
        boxes, self.boxes = self.boxes, outer
        style = child(paragraph, "pPr", "pStyle")
        yield self.marked(paragraph, text, "" if style is None else attribute(style, "val")) if text.strip() else ""
        for box in boxes:
            yield from self.blocks(box)

    def marked(self, paragraph: Any, text: str, style: str) -> str:
        """Return the text with its number, and as a heading or a list item of Markdown."""
        name, numbers = self.styles.name(style), self.styles.first(paragraph, style, "numPr")
        label, depth = "", 0
        if numbers is not None:
            at, of = child(numbers, "ilvl"), child(numbers, "numId")
            depth = whole_number("" if at is None else attribute(at, "val"), 0)
            label = self.numbering.label("" if of is None else attribute(of, "val"), depth)
        level = self.heading_level(paragraph, style, name)
        if level:
            return f"{'#' * level} {label.removeprefix('-')} {text}".replace("  ", " ", 1)
        if not label and name.startswith("list "):
            label = "-"
        return f"{'  ' * min(depth, 8)}{label} {text}" if label else text

    def heading_level(self, paragraph: Any, style: str, name: str) -> int:
        """Return 1 to 6 for a heading, 0 for other paragraphs."""
        if name == "title":
            return 1
        kind, _, level = name.rpartition(" ")
        if kind == "heading" and level.isdigit():
            return min(max(int(level), 1), 6)
        outline = self.styles.first(paragraph, style, "outlineLvl")
        found = 9 if outline is None else whole_number(attribute(outline, "val"), 9)
        return min(found + 1, 6) if 0 <= found < 9 else 0

    def inline(self, element: Any) -> Iterator[str]:
        for each in element:
            name = local_name(each)
            if name == "t":
                yield each.text or ""
            elif name in CHARACTERS:
                yield CHARACTERS[name]
            elif name in NOTES:
                yield self.noted(NOTES[name], attribute(each, "id"))
            elif name == "ruby":
                yield self.ruby(each)
            elif name == "txbxContent":
                self.boxes.append(each)
            elif name == "AlternateContent":
                yield from self.inline(alternative(each))
            elif name not in SILENT and name:
                yield self.drawn(each, name)
                yield from self.inline(each)

    def drawn(self, element: Any, name: str) -> str:
        """Return the sign of a symbol or a box to tick; count what holds no text."""
        if name in PICTURES:
            self.outcome.note("pictures")
        elif name in ("chart", "relIds"):
            return f"\n{drawn_elsewhere(self.main, element)}\n"
        elif name == "OLEObject":
            self.outcome.note("embedded")
        elif name == "sym":
            code = attribute(element, "char")
            sign = int(code, 16) if code and all(digit in "0123456789abcdefABCDEF" for digit in code[:9]) else 0
            return chr(sign) if 0x20 < sign < 0xD800 else ""
        elif name == "checkBox":
            state = next((each for each in element if local_name(each) == "checked"), child(element, "default"))
            return "☒" if state is not None and attribute(state, "val", "1") in ("1", "true", "on") else "☐"
        return ""

    def ruby(self, element: Any) -> str:
        base, above = child(element, "rubyBase"), child(element, "rt")
        text = "" if base is None else "".join(self.inline(base))
        reading = "" if above is None else "".join(self.inline(above))
        return f"{text}（{reading}）" if reading.strip() else text

    def noted(self, kind: str, id: str) -> str:
        """Return a note where the text refers to it."""
        note = self.notes[kind].get(id)
        if note is None or (kind, id) in self.inside:
            return ""
        self.inside.add((kind, id))  # a note that refers to itself
        text = " ".join(" ".join(self.blocks(note)).split())
        self.inside.discard((kind, id))
        author = attribute(note, "author") if kind == "comments" else ""
        return f" [{NOTE_NAMES[kind]}{f' ({author})' if author else ''}: {text}]" if text else ""

    def table(self, table: Any) -> Iterator[str]:
        rows = [self.row(row) for row in self.within(table, "tr") if child(row, "trPr", "del") is None]
        if len(rows) == 1 and len(rows[0]) == 1:  # a frame, no table
            yield rows[0][0][0].strip()
            return
        above: list[str] = []
        shown = []
        for row in rows:
            texts = [above[at] if goes_on and at < len(above) else text for at, (text, goes_on) in enumerate(row)]
            shown.append([cell_text(text) for text in texts])
            above = texts
        yield markdown_table(shown)

    def within(self, element: Any, wanted: str) -> Iterator[Any]:
        """Yield rows or cells, whatever wraps them; not those of tables inside."""
        for each in element:
            name = local_name(each)
            if name == wanted:
                yield each
            elif name not in SILENT and name not in ("tbl", "tc", "p"):
                yield from self.within(each, wanted)

    def row(self, row: Any) -> list[tuple[str, bool]]:
        """Return the cells, each with whether it goes on with the one above; a wide one stands in all its columns."""
        before = child(row, "trPr", "gridBefore")
        cells = [("", False)] * min(whole_number("" if before is None else attribute(before, "val"), 0), MOST_COLUMNS)
        found = [*self.within(row, "tc")]
        for cell in found:
            span, merge = child(cell, "tcPr", "gridSpan"), child(cell, "tcPr", "vMerge")
            width = 1 if span is None or len(found) == 1 else whole_number(attribute(span, "val"), 1)
            goes_on = merge is not None and attribute(merge, "val", "continue") == "continue"
            text = "\n".join(self.blocks(cell))
            cells += [(text, goes_on)] * min(max(width, 1), MOST_COLUMNS)
        return cells
