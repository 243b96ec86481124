"""Workbooks: each sheet as tables of Markdown, with the values that Excel computed last."""

import datetime
import importlib
import io
import zipfile
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from plugins.shared.reader.markdown import cell_text, markdown_table
from plugins.shared.reader.office import attribute, descendants, local_name, parsed_xml
from plugins.shared.reader.outcome import Outcome, Unreadable

Row = tuple[int, dict[int, str]]
SPARSE = 30  # times more places than values: such a sheet is a list of cells, no table
MERGED_CELLS = 20_000


def read_workbook(raw: bytes, outcome: Outcome) -> None:
    """Read all sheets. Raises whatever a damaged workbook raises."""
    values, formulas = opened_workbook(raw, True), opened_workbook(raw, False)
    found = False
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        for sheet, formula_sheet in zip(values.worksheets, formulas.worksheets, strict=True):
            path = getattr(sheet, "_worksheet_path", "").lstrip("/")
            source = archive.read(path) if path in archive.namelist() else b""
            merged = merged_ranges(archive, path) if b"mergeCell" in source else []
            computes = not source or b"<f" in source or b":f" in source
            rows = [*shown_rows(sheet, formula_sheet if computes else None, outcome)]
            found = found or bool(rows)
            add_sheet(outcome, sheet.title, sheet.sheet_state, filled(rows, merged))
        beside(archive, outcome)
    if not found and len(outcome.parts) == len(values.worksheets):
        raise Unreadable("empty")


def opened_workbook(raw: bytes, data_only: bool) -> Any:
    """Return the workbook: as a stream of rows, or as a whole where it has a sheet that is a chart."""
    load = importlib.import_module("openpyxl").load_workbook
    try:
        return load(io.BytesIO(raw), read_only=True, data_only=data_only)
    except AttributeError:
        return load(io.BytesIO(raw), data_only=data_only)


def shown_moment(moment: datetime.datetime) -> str:
    """Return a date in ISO 8601, with the time of day if there is one."""
    return moment.date().isoformat() if moment.time() == datetime.time() else moment.isoformat(" ", "seconds")


def shown_value(cell: Any) -> str:
    """Return what the cell shows, without its looks: dates as in ISO 8601, percent as percent."""
    value = cell.value
    if isinstance(value, str):
        return value
    form = str(getattr(cell, "number_format", "") or "")
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime.datetime):
        return shown_moment(value)
    if isinstance(value, int | float):
        return f"{value * 100:.12g}%" if "%" in form else f"{value:.15g}" if isinstance(value, float) else str(value)
    return str(getattr(value, "text", None) or value)


def shown_rows(values: Any, formulas: Any, outcome: Outcome) -> Iterator[Row]:
    """Yield the rows that hold something, by number, as texts by column; a formula nobody computed as itself."""
    for sheet in filter(None, (values, formulas)):
        getattr(sheet, "reset_dimensions", int)()  # what a file says of its size may be absurd; the cells tell
    sources = formulas.iter_rows() if formulas else ()
    for number, (row, source) in enumerate(zip_longest(values.iter_rows(), sources, fillvalue=()), 1):
        if not row and not source:
            continue
        texts = {}
        for cell, formula in zip_longest(row, source):
            computed = cell is not None and cell.value is not None
            if not computed and (formula is None or formula.value is None):
                continue
            if not computed:
                outcome.note("formulas", formula.coordinate)
            texts[(cell if computed else formula).column] = shown_value(cell if computed else formula)
        outcome.room -= sum(map(len, texts.values()))  # so that a bomb ends early; given back by `add_sheet`
        if texts:
            yield number, texts
        outcome.add("")


def merged_ranges(archive: zipfile.ZipFile, path: str) -> list[tuple[int, int, int, int]]:
    """Return first column, first row, last column and last row of merged cells."""
    bounds = importlib.import_module("openpyxl.utils").range_boundaries
    etree = importlib.import_module("lxml.etree")
    found: list[tuple[int, int, int, int]] = []
    try:
        with archive.open(path.lstrip("/")) as file:
            for _, element in etree.iterparse(file, resolve_entities=False):
                if local_name(element) == "mergeCell" and len(found) < MERGED_CELLS:
                    found.append(bounds(attribute(element, "ref")))
                elif local_name(element) == "row":
                    element.clear()
    except (KeyError, ValueError, TypeError):
        return []
    return found


def filled(rows: list[Row], merged: list[tuple[int, int, int, int]]) -> list[Row]:
    """Write the value of merged cells into each row they reach, and each column of a head that is wide."""
    known = dict(rows)
    for left, top, right, bottom in merged:
        text = known.get(top, {}).get(left)
        if text is None:
            continue
        for number in range(top, min(bottom, top + 2000) + 1):
            if len(known.get(number, {})) > (number == top):  # a title above a table stays one cell
                for column in range(left, min(right, left + 200) + 1):
                    known[number].setdefault(column, text)
    return [*known.items()]


def add_sheet(outcome: Outcome, title: str, state: str, rows: list[Row]) -> None:
    """Add the tables of a sheet, which empty rows part, under its name."""
    outcome.room += sum(len(text) for _, texts in rows for text in texts.values())
    outcome.add(f"## {title}{'' if state == 'visible' else ' (hidden)'}")
    used = sorted({column for _, texts in rows for column in texts})
    values = sum(len(texts) for _, texts in rows)
    if len(used) * len(rows) > SPARSE * values + 10_000:
        cells = (f"{at_letter(column)}{at}: {text}" for at, texts in rows for column, text in texts.items())
        outcome.add("\n".join(cells))
        return
    block: list[Row] = []
    for row in rows:
        if block and row[0] > block[-1][0] + 1:
            add_block(outcome, block)
            block = []
        block.append(row)
    add_block(outcome, block)


def at_letter(column: int) -> str:
    return str(importlib.import_module("openpyxl.utils").get_column_letter(column))


def add_block(outcome: Outcome, rows: list[Row]) -> None:
    """Add neighbouring rows: lines of one cell above as text, the rest as a table."""
    while rows and len(rows[0][1]) == 1 and (len(rows) == 1 or len(rows[1][1]) > 1):
        outcome.add(next(iter(rows.pop(0)[1].values())))
    used = sorted({column for _, texts in rows for column in texts})
    if rows:
        outcome.add(markdown_table([[cell_text(texts.get(column, "")) for column in used] for _, texts in rows]))


def beside(archive: zipfile.ZipFile, outcome: Outcome) -> None:
    """Add comments and text boxes; count pictures and charts."""
    for name in archive.namelist():
        folder, _, file = name.rpartition("/")
        if file.endswith(".xml") and (file.startswith("comment") or folder.endswith("threadedComments")):
            for comment in parsed_xml(archive.read(name)).iter():
                if local_name(comment) in ("comment", "threadedComment"):
                    text = "".join(each.text or "" for each in comment.iter() if local_name(each) in ("t", "text"))
                    outcome.add(f"[Comment {attribute(comment, 'ref')}: {' '.join(text.split())}]")
        elif folder.endswith("drawings") and file.endswith(".xml"):
            paragraphs = descendants(parsed_xml(archive.read(name)), "p")
            lines = ("".join(each.text or "" for each in descendants(one, "t")) for one in paragraphs)
            outcome.add("\n".join(line for line in lines if line.strip()))
        elif folder.endswith("media"):
            outcome.note("pictures")
        elif folder.endswith("charts") and file.startswith("chart"):
            outcome.note("charts")


def read_old_workbook(raw: bytes, outcome: Outcome) -> None:
    """Read a workbook from before 2007."""
    xlrd = importlib.import_module("xlrd")
    book = xlrd.open_workbook(file_contents=raw, logfile=io.StringIO())
    for sheet in book.sheets():
        rows = []
        for number in range(sheet.nrows):
            cells = [(at, old_value(xlrd, book, cell)) for at, cell in enumerate(sheet.row(number), 1)]
            if texts := {at: text for at, text in cells if text}:
                rows.append((number + 1, texts))
        outcome.room -= sum(len(text) for _, texts in rows for text in texts.values())
        add_sheet(outcome, sheet.name, "visible" if sheet.visibility == 0 else "hidden", rows)


def old_value(xlrd: Any, book: Any, cell: Any) -> str:
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            found = xlrd.xldate_as_datetime(cell.value, book.datemode)
        except (ValueError, OverflowError):
            return f"{cell.value:g}"
        return shown_moment(found)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return "TRUE" if cell.value else "FALSE"
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#ERROR!"))
    return f"{cell.value:.15g}" if isinstance(cell.value, float) else str(cell.value)
