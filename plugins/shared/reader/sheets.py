"""Workbooks: each sheet as tables of Markdown, with the values that Excel computed last."""

import importlib
import io
import struct
import zipfile
from contextlib import suppress
from typing import Any

from plugins.shared.reader.cells import Row, looks_of, rows_of
from plugins.shared.reader.markdown import cell_text, markdown_table
from plugins.shared.reader.moments import shown_moment
from plugins.shared.reader.office import attribute, child, descendants, local_name, package_main, parsed_xml
from plugins.shared.reader.outcome import Outcome, Unreadable

SPARSE = 30  # times more places than values: such a sheet is a list of cells, no table
MERGED_CELLS = 20_000


def read_workbook(raw: bytes, outcome: Outcome) -> None:
    """Read all sheets. Raises whatever a damaged workbook raises."""
    main = package_main(raw)
    looks = looks_of(main)
    found = False
    for listed in child(parsed_xml(main.blob), "sheets"):
        part = main.rels[attribute(listed, "id")].target_part
        is_sheet = part.partname.startswith("/xl/worksheets/") or b"sheetData" in part.blob[:5000]
        rows = [*rows_of(part.blob, looks, outcome)] if is_sheet else []
        found = found or bool(rows)
        merged = merged_ranges(part.blob) if b"mergeCell" in part.blob else []
        add_sheet(outcome, attribute(listed, "name"), attribute(listed, "state", "visible"), filled(rows, merged))
    before = len(outcome.parts)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        beside(archive, outcome)
    if not found and len(outcome.parts) == before:
        raise Unreadable("only_drawings" if outcome.notes else "empty_sheets")


def merged_ranges(sheet: bytes) -> list[tuple[int, int, int, int]]:
    """Return first column, first row, last column and last row of merged cells."""
    bounds = importlib.import_module("openpyxl.utils").range_boundaries
    etree = importlib.import_module("lxml.etree")
    found: list[tuple[int, int, int, int]] = []
    for _, element in etree.iterparse(io.BytesIO(sheet), tag=("{*}mergeCell", "{*}row"), resolve_entities=False):
        if local_name(element) == "row":
            element.clear()
        elif len(found) < MERGED_CELLS:
            with suppress(ValueError, TypeError):
                found.append(bounds(attribute(element, "ref")))
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
    found = False
    for sheet in book.sheets():
        rows = []
        for number in range(sheet.nrows):
            cells = [(at, old_value(xlrd, book, cell)) for at, cell in enumerate(sheet.row(number), 1)]
            if texts := {at: text for at, text in cells if text}:
                rows.append((number + 1, texts))
        outcome.room -= sum(len(text) for _, texts in rows for text in texts.values())
        add_sheet(outcome, sheet.name, "visible" if sheet.visibility == 0 else "hidden", rows)
        found = found or bool(rows)
    old_drawings(raw, outcome)
    if not found:
        raise Unreadable("only_drawings" if outcome.notes else "empty_sheets")


COMMENT, TEXT_BOX, BEGIN, CHART = 0x1C, 0x1B6, 0x809, 0x20  # records of an old workbook, and a sort of the third


def old_drawings(raw: bytes, outcome: Outcome) -> None:
    """Count what an old workbook holds besides its cells, by its records."""
    file = importlib.import_module("olefile").OleFileIO(io.BytesIO(raw))
    stream = file.openstream("Workbook" if file.exists("Workbook") else "Book").read()
    at = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        if kind in (COMMENT, TEXT_BOX):
            outcome.note("old_parts")
        elif kind == BEGIN and length >= 4 and struct.unpack_from("<H", stream, at + 6)[0] == CHART:
            outcome.note("charts")
        at += 4 + length


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
