"""Cells of a workbook's sheets, read in one pass: what each shows, and which formulas nobody computed."""

import importlib
import io
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from plugins.shared.reader.moments import shown_moment
from plugins.shared.reader.office import attribute, child, children, local_name, parsed_xml, related
from plugins.shared.reader.outcome import Outcome

Row = tuple[int, dict[int, str]]
COLUMN = re.compile(r"[A-Z]+")
WIDEST_SHEET = 16_384


class Looks(NamedTuple):
    """What a workbook's sheets share."""

    strings: list[str]
    forms: list[str]
    """The number format of each style."""
    dates: list[bool]
    """Whether a style shows a date."""
    epoch: Any
    """The first day of its calendar."""


def looks_of(main: Any) -> Looks:
    """Return the strings and styles that the main part of a workbook is related to."""
    strings = importlib.import_module("openpyxl.reader.strings").read_string_table
    numbers = importlib.import_module("openpyxl.styles.numbers")
    calendar = importlib.import_module("openpyxl.utils.datetime")
    table = [text for part in related(main, "sharedStrings") for text in strings(io.BytesIO(part.blob))]
    forms = [form for part in related(main, "styles") for form in forms_of(parsed_xml(part.blob), numbers)]
    properties = child(parsed_xml(main.blob), "workbookPr")
    since_1904 = properties is not None and attribute(properties, "date1904") in ("1", "true")
    epoch = calendar.CALENDAR_MAC_1904 if since_1904 else calendar.CALENDAR_WINDOWS_1900
    return Looks(table, forms, [numbers.is_date_format(form) for form in forms], epoch)


def forms_of(styles: Any, numbers: Any) -> list[str]:
    """Return the number format of each style of cells."""
    own = {attribute(each, "numFmtId"): attribute(each, "formatCode") for each in children(styles, "numFmts")}
    built_in = {str(key): form for key, form in numbers.BUILTIN_FORMATS.items()}
    known = built_in | own
    return [known.get(attribute(each, "numFmtId"), "General") for each in children(styles, "cellXfs")]


def rows_of(sheet: bytes, looks: Looks, outcome: Outcome) -> Iterator[Row]:
    """Yield the rows that hold something, by number, as texts by column; a formula nobody computed as itself."""
    etree = importlib.import_module("lxml.etree")
    reader = CellReader(looks, outcome)
    number = 0
    for _, row in etree.iterparse(io.BytesIO(sheet), tag="{*}row", resolve_entities=False, load_dtd=False):
        number = int(row.get("r") or number + 1)
        texts = reader.texts(row, number)
        row.clear()
        while row.getprevious() is not None:
            del row.getparent()[0]
        outcome.room -= sum(map(len, texts.values()))  # so that a bomb ends early; given back by `add_sheet`
        if texts:
            yield number, texts
        outcome.add("")


class CellReader:
    """Reads the rows of one sheet."""

    def __init__(self, looks: Looks, outcome: Outcome) -> None:
        self.looks, self.outcome = looks, outcome
        self.columns: dict[str, int] = {}
        self.shared: dict[str, tuple[str, str]] = {}
        """Formulas that several cells share, by their number: the cell that has it, and its text."""

    def texts(self, row: Any, number: int) -> dict[int, str]:
        texts: dict[int, str] = {}
        column = 0
        for cell in row:
            name = cell.get("r") or ""
            column = self.column(name) or column + 1
            if len(cell) and column <= WIDEST_SHEET and (text := self.text(cell, name or f"row {number}")) is not None:
                texts[column] = text
        return texts

    def column(self, name: str) -> int:
        found = COLUMN.match(name)
        letters = found.group() if found else ""
        if letters and letters not in self.columns:
            at = 0
            for letter in letters[:4]:
                at = at * 26 + ord(letter) - 64
            self.columns[letters] = at
        return self.columns.get(letters, 0)

    def text(self, cell: Any, name: str) -> str | None:
        """Return what a cell shows; None if it is empty."""
        value, formula = None, None
        for part in cell:
            kind = local_name(part)
            if kind == "v":
                value = part.text
            elif kind == "f":
                formula = part
                self.remember(part, name)
            elif kind == "is":
                value = inline_text(part)
        if value:
            return shown_cell(cell, value, self.looks)
        if formula is None:
            return None
        if cell.get("t") == "str":  # it was computed, and shows nothing
            return None
        self.outcome.note("formulas", name)
        return self.formula(formula, name)

    def remember(self, formula: Any, name: str) -> None:
        if formula.get("t") == "shared" and formula.text:
            self.shared[formula.get("si") or ""] = (name, formula.text)

    def formula(self, formula: Any, name: str) -> str:
        """Return a formula as Excel shows it, also one that is written down at another cell alone."""
        at, text = self.shared.get(formula.get("si") or "", ("", formula.text or ""))
        if formula.text or not at:
            return f"={formula.text or text}"
        translator = importlib.import_module("openpyxl.formula.translate").Translator
        return str(translator(f"={text}", at).translate_formula(name))


def inline_text(element: Any) -> str:
    """Return a text that stands in the cell itself, without readings."""
    texts = [each for each in element.iter() if local_name(each) == "t"]
    return "".join(each.text or "" for each in texts if local_name(each.getparent()) != "rPh")


def shown_cell(cell: Any, value: str, looks: Looks) -> str:
    """Return a value without its looks: dates as in ISO 8601, percent as percent."""
    kind = cell.get("t") or "n"
    if kind == "s":
        return looks.strings[int(value)]
    if kind == "b":
        return "TRUE" if value.strip() in ("1", "true") else "FALSE"
    if kind != "n":
        return value.replace("T00:00:00", "") if kind == "d" else value
    style = int(cell.get("s") or 0)
    form = looks.forms[style] if style < len(looks.forms) else "General"
    return shown_number(value, form, style < len(looks.dates) and looks.dates[style], looks.epoch)


def shown_number(value: str, form: str, is_date: bool, epoch: Any) -> str:
    number = float(value)
    if is_date:
        calendar = importlib.import_module("openpyxl.utils.datetime")
        try:
            return shown_moment(calendar.from_excel(number, epoch, calendar_duration(form)))
        except (ValueError, OverflowError):
            return value
    if "%" in form:
        return f"{number * 100:.12g}%"
    return value if value.lstrip("-").isdigit() else f"{number:.15g}"


def calendar_duration(form: str) -> bool:
    return bool(importlib.import_module("openpyxl.styles.numbers").is_timedelta_format(form))
