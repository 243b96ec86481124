"""Files as offices send them, made with the libraries that write them, for the tests of what is read of them."""

import io
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import docx
import openpyxl
import pptx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from openpyxl.comments import Comment
from PIL import Image
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

W = nsdecls("w")
CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.{}+xml"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/{}"


def run(text: str) -> str:
    return f"<w:r><w:t xml:space='preserve'>{text}</w:t></w:r>"


def word(*bodies: str, change: Callable[[Any], None] | None = None) -> bytes:
    """A Word file with these elements of its body, in WordprocessingML."""
    document = docx.Document()
    for body in bodies:
        document.element.body[-1].addprevious(parse_xml(body.replace(">", f" {W}>", 1)))
    if change:
        change(document)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def with_notes(kind: str, text: str) -> Callable[[Any], None]:
    """Add the part of footnotes, endnotes or comments, which holds the note 7."""

    def change(document: Any) -> None:
        from docx.opc.packuri import PackURI
        from docx.opc.part import Part

        one = kind.removesuffix("s")
        blob = f"<w:{kind} {W}><w:{one} w:id='7' w:author='Aoi'><w:p>{run(text)}</w:p></w:{one}></w:{kind}>".encode()
        part = Part(PackURI(f"/word/{kind}.xml"), CONTENT_TYPE.format(kind), blob, document.part.package)
        document.part.relate_to(part, RELATION.format(kind))

    return change


def workbook(fill: Callable[[Any], None]) -> bytes:
    book = openpyxl.Workbook()
    fill(book)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def with_value(raw: bytes, formula: bytes, value: bytes) -> bytes:
    """The workbook with a value that Excel would have stored for the formula."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.namelist():
            content = source.read(entry)
            for empty in (b"<v></v>", b"<v />", b"<v/>"):
                content = content.replace(b"<f>%b</f>%b" % (formula, empty), b"<f>%b</f><v>%b</v>" % (formula, value))
            target.writestr(entry, content)
    return file.getvalue()


def sales(book: Any) -> None:
    sheet = book.active
    sheet.title = "売上"
    sheet.append(["Sales of the year", None, None])
    sheet.append([None])
    for row in (["Region", "Q1", "Q2"], ["East", 10, 2.5], ["West", "=SUM(B4)", None]):
        sheet.append(row)
    sheet["C5"] = 0.125
    sheet["C5"].number_format = "0.0%"
    sheet["B4"].comment = Comment("checked by Aoi", "Aoi")
    other = book.create_sheet("Secret")
    other.append(["x", "=1/0+1"])
    other.sheet_state = "hidden"


def merged(book: Any) -> None:
    import datetime

    sheet = book.active
    rows = [
        ["Group", "Item", "Due"],
        ["A", "one", datetime.datetime(2026, 4, 1)],
        [None, "two", datetime.date(2026, 5, 2)],
    ]
    for row in rows:
        sheet.append(row)
    sheet.merge_cells("A2:A3")


def far_away(book: Any) -> None:
    """Two cells, as far from each other as a sheet is large."""
    book.active["A1"] = "first"
    book.active["XFD1048576"] = "last"


def picture(size: tuple[int, int] = (400, 400)) -> io.BytesIO:
    file = io.BytesIO()
    Image.new("L", size, 200).save(file, "PNG")
    file.seek(0)
    return file


def slides() -> bytes:
    """Four slides: a table and notes, a group and a chart, a picture alone, a hidden one."""
    show = pptx.Presentation()
    blank, titled = show.slide_layouts[6], show.slide_layouts[5]
    first = show.slides.add_slide(titled)
    first.shapes.title.text = "計画"
    table = first.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for (row, column), text in {(0, 0): "期限", (0, 1): "担当", (1, 0): "4月", (1, 1): "葵"}.items():
        table.cell(row, column).text = text
    first.notes_slide.notes_text_frame.text = "Say that the date may move"
    second = show.slides.add_slide(blank)
    group = second.shapes.add_group_shape()
    inner = group.shapes.add_group_shape()
    inner.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "deep inside"
    chart: Any = CategoryChartData
    data = chart()
    data.categories = ["2025", "2026"]
    data.add_series("Revenue", (12.5, 14))
    second.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(3), Inches(3), data)
    show.slides.add_slide(blank).shapes.add_picture(picture(), 0, 0)
    hidden = show.slides.add_slide(blank)
    hidden.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "spare"
    hidden._element.set("show", "0")
    file = io.BytesIO()
    show.save(file)
    return file.getvalue()


def mail(
    text: str | None = "See the file.", html: str | None = None, charset: str = "utf-8", **attached: bytes
) -> bytes:
    """A mail; names of what is attached have "_" in place of the last dot."""
    message = EmailMessage()
    message["From"], message["To"] = "葵 <aoi@example.com>", "Ben <ben@example.com>"
    message["Subject"], message["Date"] = "お見積り", "Mon, 02 Mar 2026 10:00:00 +0900"
    message["Message-ID"] = "<1@example.com>"
    if text is not None:
        message.set_content(text, charset=charset, cte="base64" if charset != "utf-8" else "quoted-printable")
    if html is not None and text is not None:
        message.add_alternative(html, subtype="html")
    elif html is not None:
        message.set_content(html, subtype="html", charset=charset)
    for name, content in attached.items():
        file = ".".join(name.rsplit("_", 1))
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=file)
    return message.as_bytes()
