"""Documents as people attach them: a PDF of many pages and a Word file, Japanese and English, a marker on each page;
and those that go wrong: a scan, an encrypted one, a broken one, a bomb, a very long one."""

import io
import zipfile
from dataclasses import dataclass

from docx import Document as WordDocument
from PIL import Image, ImageDraw
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
LINE = 44
FONT = "HeiseiKakuGo-W5"  # every PDF reader has it: no font file is needed

TOPICS = (
    ("勤務時間", "Working hours", "始業と終業の時刻"),
    ("年次有給休暇", "Annual leave", "休暇の日数と申請"),
    ("出張旅費", "Travel expenses", "日当と宿泊費の上限"),
    ("情報セキュリティ", "Information security", "パスワードと端末の持ち出し"),
    ("在宅勤務", "Working from home", "自宅の作業環境と通信費"),
    ("育児休業", "Parental leave", "子の年齢と休業の期間"),
    ("健康診断", "Health check-up", "受診の時期と費用の負担"),
    ("研修制度", "Training", "受講料の補助と資格"),
    ("慶弔見舞金", "Condolence money", "結婚と葬儀のときの給付"),
    ("退職手続", "Resignation", "申し出の期限と返却物"),
)
"""Japanese name, English name, what it is about: so different that a search can tell them apart."""

TABLE = (("区分 Class", "上限 Limit"), ("国内 Domestic", "12,300円"), ("海外 Overseas", "456 USD"))


@dataclass(frozen=True)
class Document:
    name: str
    content_type: str
    content: bytes
    markers: tuple[str, ...]
    """One a page, in order."""
    lines: tuple[str, ...]
    """Neighbouring lines of the first page."""


def pdf(name: str, label: str) -> Document:
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=A4)
    first = _draw(canvas, label)
    canvas.save()
    return Document(name, PDF, file.getvalue(), _markers(label), tuple(first[:3]))


def _draw(canvas: Canvas, label: str) -> list[str]:
    """Ten pages; gives the lines of the first."""
    pages = [_section(label, number, clauses=5) for number in range(len(TOPICS))]
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    for page in pages:
        text = canvas.beginText(50, 800)
        text.setFont(FONT, 11, leading=14)
        text.textLines("\n".join(page))
        canvas.drawText(text)
        canvas.showPage()
    return pages[0]


def long_pdf(name: str) -> Document:
    """Forty pages."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=A4)
    for label in "春夏秋冬":
        _draw(canvas, label)
    canvas.save()
    return Document(name, PDF, file.getvalue(), tuple(marker for label in "春夏秋冬" for marker in _markers(label)), ())


def docx(name: str, label: str) -> Document:
    word = WordDocument()
    for number in range(len(TOPICS)):
        heading, *lines = _section(label, number, clauses=14)
        word.add_heading(heading, level=1)
        for line in lines:
            word.add_paragraph(line)
    table = word.add_table(rows=0, cols=2)
    for row in TABLE:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    file = io.BytesIO()
    word.save(file)
    first = _section(label, 0, clauses=14)
    return Document(name, DOCX, file.getvalue(), _markers(label), tuple(first[1:3]))


def _markers(label: str) -> tuple[str, ...]:
    return tuple(f"確認標識は{label}-{number:02}-梅" for number in range(len(TOPICS)))


def _section(label: str, number: int, clauses: int) -> list[str]:
    """Heading and lines with the marker in the middle.

    An excerpt has 1,000 characters and ends with the page of a PDF. In a Word file 2 x 14 clauses keep the markers
    further apart than that, so that no excerpt holds two.
    """
    name, english, about = TOPICS[number]
    body = [
        f"この章は{name}（{english}）について、{about}を定める。",
        *(f"{name}の第{clause}項: {about}は、所属長の確認を受けて決まる。" for clause in range(clauses)),
        f"{_markers(label)[number]}である。 The marker of {english}.",
        *(f"{name}の第{clause}項: {about}の変更は、総務部に届け出るものとする。" for clause in range(clauses)),
    ]
    lines = [line[cut : cut + LINE] for line in body for cut in range(0, len(line), LINE)]
    return [f"第{number + 1}章 {name} {english}", *lines]


def scan(name: str) -> Document:
    """A picture of text, and no text."""
    picture = Image.new("L", (620, 877), 255)
    ImageDraw.Draw(picture).text((60, 80), "Only a picture of words", fill=0)
    file = io.BytesIO()
    picture.save(file, format="PDF")
    return Document(name, PDF, file.getvalue(), (), ())


def encrypted(name: str) -> Document:
    """Opens with the password "secret" alone."""
    file = io.BytesIO()
    canvas = Canvas(file, encrypt=StandardEncryption("secret", ownerPassword="owner", strength=128))
    canvas.drawString(50, 800, "Nobody may read this")
    canvas.save()
    return Document(name, PDF, file.getvalue(), (), ())


def broken(name: str) -> Document:
    """A PDF of which only the middle arrived."""
    whole = pdf(name, "桜").content
    return Document(name, PDF, whole[:20] + whole[len(whole) // 3 : len(whole) // 2], (), ())


def zip_bomb(name: str) -> Document:
    """A Word file of some kilobytes that unpacks to 400 MB."""
    text = b"<w:p><w:r><w:t>" + b"0" * 1000 + b"</w:t></w:r></w:p>"
    opening = f'<?xml version="1.0"?><w:document xmlns:w="{WORD}"><w:body>'.encode()
    file = io.BytesIO(docx("small.docx", "桜").content)
    bomb = io.BytesIO()
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for entry in source.namelist():
            if entry != "word/document.xml":
                target.writestr(entry, source.read(entry))
        with target.open("word/document.xml", "w") as document:
            document.write(opening)
            for _ in range(400):
                document.write(text * 1000)
            document.write(b"</w:body></w:document>")
    return Document(name, DOCX, bomb.getvalue(), (), ())


def empty(name: str) -> Document:
    """A Word file without a word; Open WebUI itself refuses files of no bytes."""
    file = io.BytesIO()
    WordDocument().save(file)
    return Document(name, DOCX, file.getvalue(), (), ())


def plain(name: str, text: str) -> Document:
    return Document(name, "text/plain", text.encode(), (), ())


def large_text(name: str) -> Document:
    """Five megabytes of numbered lines."""
    lines = (f"{number:07} The quick brown fox jumps over the lazy dog, line after line.\n" for number in range(80_000))
    return plain(name, "".join(lines)[:5_000_000])


def slow_pdf(name: str) -> Document:
    """Hundreds of pages with thousands of words each, every one placed by itself."""
    file = io.BytesIO()
    canvas = Canvas(file, pageCompression=1)
    for _ in range(60):
        text = canvas.beginText(50, 800)
        for number in range(4000):
            text.setTextOrigin(50 + number % 400, 800 - number % 700)
            text.textOut("word")
        canvas.drawText(text)
        canvas.showPage()
    canvas.save()
    return Document(name, PDF, file.getvalue(), (), ())
