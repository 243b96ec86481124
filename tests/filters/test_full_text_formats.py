"""What filters/full_text.py reads of real files: all of it, or it says what is missing."""

import io
import zipfile
from email.message import EmailMessage
from typing import Any

import pytest
from openpyxl.chart import BarChart
from reportlab.pdfgen.canvas import Canvas

from tests.filters import office_files as office
from tests.filters.chatting import Chat, contexts, details, status
from tests.filters.office_files import run

Json = dict[str, Any]


def read(chat: Chat, name: str, raw: bytes, stored: str = "") -> str:
    """The text that goes to the model."""
    turn = chat.ask(chat.file(name, stored, raw=raw))
    assert contexts(turn) == ["full"], status(turn)
    return str(turn["body"]["files"][0]["file"]["data"].get("content") or stored)


WORD = {
    "content control": f"<w:sdt><w:sdtPr/><w:sdtContent><w:p>{run('MARK')}</w:p></w:sdtContent></w:sdt>",
    "control in a line": f"<w:p>{run('a ')}<w:sdt><w:sdtContent>{run('MARK')}</w:sdtContent></w:sdt></w:p>",
    "insertion": f"<w:p><w:ins w:id='1' w:author='a'>{run('MARK')}</w:ins></w:p>",
    "move": f"<w:p><w:moveTo w:id='1' w:author='a'>{run('MARK')}</w:moveTo></w:p>",
    "field": f"<w:p><w:fldSimple w:instr='PAGE'>{run('MARK')}</w:fldSimple></w:p>",
    "smart tag": f"<w:p><w:smartTag w:uri='u' w:element='e'>{run('MARK')}</w:smartTag></w:p>",
    "link": f"<w:p><w:hyperlink w:anchor='x'>{run('MARK')}</w:hyperlink></w:p>",
    "text box": f"<w:p><w:r><w:pict><w:txbxContent><w:p>{run('MARK')}</w:p></w:txbxContent></w:pict></w:r></w:p>",
    "row in a control": "<w:tbl><w:tr><w:tc><w:p/></w:tc></w:tr><w:sdt><w:sdtContent><w:tr><w:tc><w:p>"
    f"{run('MARK')}</w:p></w:tc></w:tr></w:sdtContent></w:sdt></w:tbl>",
    "cell in a control": "<w:tbl><w:tr><w:tc><w:p/></w:tc><w:sdt><w:sdtContent><w:tc><w:p>"
    f"{run('MARK')}</w:p></w:tc></w:sdtContent></w:sdt></w:tr></w:tbl>",
    "table in a table": f"<w:tbl><w:tr><w:tc><w:p>{run('out')}</w:p></w:tc><w:tc><w:tbl><w:tr><w:tc><w:p>{run('x')}"
    f"</w:p></w:tc><w:tc><w:p>{run('MARK')}</w:p></w:tc></w:tr></w:tbl><w:p/></w:tc></w:tr></w:tbl>",
    "custom xml": f"<w:customXml w:element='e'><w:p>{run('MARK')}</w:p></w:customXml>",
}


@pytest.mark.parametrize("marks", [False, True])
@pytest.mark.parametrize("body", WORD.values(), ids=WORD)
def test_no_word_of_a_word_file_is_lost(chat: Chat, body: str, marks: bool) -> None:
    chat.user_valves = {"page_marks": marks}
    assert read(chat, "a.docx", office.word(body)).count("MARK") == 1


def test_what_was_deleted_is_not_read(chat: Chat) -> None:
    deleted = f"<w:p>{run('kept')}<w:del w:id='1' w:author='a'><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
    moved = f"<w:p><w:moveFrom w:id='2' w:author='a'>{run('elsewhere')}</w:moveFrom></w:p>"
    assert read(chat, "a.docx", office.word(deleted, moved)) == "kept"


def test_ruby_has_its_reading_behind_it(chat: Chat) -> None:
    ruby = f"<w:p><w:r><w:ruby><w:rt>{run('あおい')}</w:rt><w:rubyBase>{run('葵')}</w:rubyBase></w:ruby></w:r></w:p>"
    assert read(chat, "a.docx", office.word(ruby)) == "葵（あおい）"


def test_the_choice_of_a_drawing_is_read_once(chat: Chat) -> None:
    box = f"<w:txbxContent><w:p>{run('MARK')}</w:p></w:txbxContent>"
    both = f"<mc:Choice Requires='wps'>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>"
    namespace = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    body = f"<w:p><w:r><mc:AlternateContent xmlns:mc='{namespace}'>{both}</mc:AlternateContent></w:r></w:p>"
    assert read(chat, "a.docx", office.word(body)) == "MARK"


@pytest.mark.parametrize(
    ("kind", "reference", "shown"),
    [
        ("footnotes", "footnoteReference", "Fact [Footnote: MARK]."),
        ("endnotes", "endnoteReference", "Fact [Endnote: MARK]."),
        ("comments", "commentReference", "Fact [Comment (Aoi): MARK]."),
    ],
)
def test_notes_stand_where_the_text_refers_to_them(chat: Chat, kind: str, reference: str, shown: str) -> None:
    body = f"<w:p>{run('Fact')}<w:r><w:{reference} w:id='7'/></w:r>{run('.')}</w:p>"
    assert read(chat, "a.docx", office.word(body, change=office.with_notes(kind, "MARK")), "Fact.") == shown


def test_tables_keep_their_heads_and_merged_cells(chat: Chat) -> None:
    def fill(document: Any) -> None:
        table = document.add_table(rows=3, cols=3)
        rows = [("Plant", "Limit", ""), ("Kobe", "10|20", "kg"), ("", "30", "kg")]
        for row, texts in zip(table.rows, rows, strict=True):
            for cell, text in zip(row.cells, texts, strict=True):
                cell.text = text
        table.cell(0, 1).merge(table.cell(0, 2))
        table.cell(1, 0).merge(table.cell(2, 0))

    assert read(chat, "a.docx", office.word(change=fill)) == (
        "| Plant | Limit | Limit |\n| --- | --- | --- |\n| Kobe | 10\\|20 | kg |\n| Kobe | 30 | kg |"
    )


def test_headers_footers_and_numbers_that_word_makes(chat: Chat) -> None:
    def fill(document: Any) -> None:
        document.sections[0].header.paragraphs[0].text = "Confidential"
        document.sections[0].footer.paragraphs[0].text = "Version 3"
        for text in ("first", "second"):
            document.add_paragraph(text, style="List Number")

    text = read(chat, "a.docx", office.word(change=fill))
    assert text == "[Header] Confidential\n\n1. first\n\n2. second\n\n[Footer] Version 3"


def test_slides_with_tables_notes_groups_and_charts(chat: Chat) -> None:
    turn = chat.ask(chat.file("plan.pptx", "計画", raw=office.slides()))
    text = turn["body"]["files"][0]["file"]["data"]["content"]
    assert text == (
        "[Slide 1]\n\n# 計画\n\n| 期限 | 担当 |\n| --- | --- |\n| 4月 | 葵 |\n\n[Notes] Say that the date may move\n\n"
        "[Slide 2]\n\ndeep inside\n\n[Chart]\n\n|  | Revenue |\n| --- | --- |\n| 2025 | 12.5 |\n| 2026 | 14 |\n\n"
        "[Slide 3]\n\n[Slide 4 (hidden)]\n\nspare"
    )
    assert status(turn).startswith("plan.pptx in part: 4 slides, 1 of them only a picture (3) (its text, ")


def test_a_workbook_with_values_formulas_and_hidden_sheets(chat: Chat) -> None:
    raw = office.with_value(office.workbook(office.sales), b"SUM(B4)", b"10")
    turn = chat.ask(chat.file("sales.xlsx", "Region NaN", raw=raw))
    assert turn["body"]["files"][0]["file"]["data"]["content"] == (
        "## 売上\n\nSales of the year\n\n| Region | Q1 | Q2 |\n| --- | --- | --- |\n| East | 10 | 2.5 |\n"
        "| West | 10 | 12.5% |\n\n## Secret (hidden)\n\n| x | =1/0+1 |\n| --- | --- |\n\n[Comment B4: checked by Aoi]"
    )
    assert status(turn).endswith(" tokens, whole · formulas without values")
    assert details(turn)[0].endswith("; 1 formula without a stored value, shown as a formula (B1)")


def test_merged_cells_and_dates(chat: Chat) -> None:
    assert read(chat, "due.xlsx", office.workbook(office.merged)) == (
        "## Sheet\n\n| Group | Item | Due |\n| --- | --- | --- |\n| A | one | 2026-04-01 |\n| A | two | 2026-05-02 |"
    )


def test_cells_far_apart(chat: Chat) -> None:
    assert read(chat, "far.xlsx", office.workbook(office.far_away)).endswith("first\n\nlast")


def test_a_mail_with_a_word_file(chat: Chat) -> None:
    attached = office.word(f"<w:p>{run('Price: 300')}</w:p>")
    text = read(chat, "a.eml", office.mail("見積もりです。\nよろしく", quote_docx=attached), "From: =?utf-8?b?...")
    assert text == (
        "From: 葵 <aoi@example.com>\nTo: Ben <ben@example.com>\nDate: Mon, 02 Mar 2026 10:00:00 +0900\n"
        "Subject: お見積り\n\n見積もりです。\nよろしく\n\n[Attached: quote.docx]\n\nPrice: 300"
    )


def test_what_is_attached_and_cannot_be_read_is_named(chat: Chat) -> None:
    turn = chat.ask(chat.file("a.eml", "raw", raw=office.mail(plan_dwg=b"\x00\x01" * 50, empty_txt=b"")))
    assert "a.eml in part: 2 attachments not read (plan.dwg, empty.txt)" in status(turn)


def test_html_alone_and_the_encoding_of_old_mail(chat: Chat) -> None:
    html = (
        "<style>p{}</style><p>Hi<br>there</p><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"
    )
    text = read(chat, "a.eml", office.mail(None, html))
    assert text.endswith("\n\nHi\nthere\n| a | b |\n| --- | --- |\n| 1 | 2 |")
    old = office.mail("半角ではない本文です。", charset="iso-2022-jp")
    assert read(chat, "b.eml", old).endswith("\n\n半角ではない本文です。")


def test_a_mail_within_a_mail(chat: Chat) -> None:
    outer, inner = EmailMessage(), EmailMessage()
    inner["Subject"], inner["From"] = "inner subject", "c@example.com"
    inner.set_content("inner words")
    outer["Subject"], outer["From"], outer["MIME-Version"] = "outer", "d@example.com", "1.0"
    outer.set_content("outer words")
    outer.add_attachment(inner)
    text = read(chat, "a.eml", outer.as_bytes())
    assert text.index("outer words") < text.index("inner subject") < text.index("inner words")


SENTENCE = "本日は晴天なり。カナも、漢字も、ＡＢＣも読める。\nSecond line\n"
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp932", "euc_jp", "iso2022_jp"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_text_in_the_encodings_of_japan(chat: Chat, encoding: str) -> None:
    raw = SENTENCE.encode(encoding)
    misread = raw.decode("latin-1").replace("\x00", "")
    assert read(chat, "a.txt", raw, misread if encoding != "utf-8" else SENTENCE).strip() == SENTENCE.strip()


def test_a_stored_text_that_was_corrected_stays(chat: Chat) -> None:
    turn = chat.ask(chat.file("a.txt", "本日は雨天なり。", raw="本日は晴天なり。".encode()))
    assert "content" not in turn["body"]["files"][0]["file"]["data"]


def mixed_pdf(*pages: str) -> bytes:
    """A PDF of pages with text, "scan" for a picture, "stamped" for one with a few words, "" for a blank one."""
    from reportlab.lib.utils import ImageReader

    file = io.BytesIO()
    canvas = Canvas(file)
    for page in pages:
        if page in ("scan", "stamped"):
            canvas.drawImage(ImageReader(office.picture((600, 800))), 0, 0, 500, 700)
        if page not in ("scan", ""):
            canvas.drawString(50, 750, "Page 2/3" if page == "stamped" else page)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


LONG = "The first page has a text layer with words enough to be a page."


@pytest.mark.parametrize("marks", [False, True])
def test_scanned_pages_are_counted_and_named(chat: Chat, marks: bool) -> None:
    chat.user_valves = {"page_marks": marks}
    file = chat.file("mixed.pdf", LONG, raw=mixed_pdf(LONG, "scan", "stamped", ""))
    line = status(chat.ask(file))
    assert line.startswith("mixed.pdf in part: 4 pages, 2 of them scans without text (2, 3) (its text, ")
    assert "whole" not in line
    japanese = status(chat.ask(file, language="ja-JP"))
    assert japanese.startswith("mixed.pdf は一部のみ: 4ページ中2ページは文字のないスキャン（2、3）")


def test_fields_of_a_form_are_read(chat: Chat) -> None:
    file = io.BytesIO()
    canvas = Canvas(file)
    canvas.drawString(50, 750, LONG)
    canvas.acroForm.textfield(name="amount", value="12,300", x=50, y=600)
    canvas.save()
    assert "[Field amount: 12,300]" in read(chat, "form.pdf", file.getvalue(), LONG)


def test_nothing_is_empty_whatever_its_name(chat: Chat) -> None:
    for name in ("a.pdf", "a.docx", "a.png"):
        assert status(chat.ask(chat.file(name, "", raw=b""))) == f"{name} not read: the file is empty"


def entities() -> bytes:
    """A Word file whose one word is an entity of a thousand million words."""
    raw = office.word(f"<w:p>{run('x')}</w:p>")
    nested = "".join(f'<!ENTITY e{at} "{f"&e{at - 1};" * 10}">' for at in range(1, 10))
    kind = f'<!DOCTYPE d [<!ENTITY e0 "lol">{nested}]>'.encode()
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.namelist():
            content = source.read(entry)
            if entry == "word/document.xml":
                head, _, rest = content.partition(b"?>")
                content = head + b"?>" + kind + rest.replace(b">x<", b">&e9;<")
            target.writestr(entry, content)
    return file.getvalue()


HOSTILE = {
    "entities": ("a.docx", entities()),
    "cut workbook": ("a.xlsx", office.workbook(office.sales)[:-400]),
    "cut slides": ("a.pptx", office.slides()[:20_000]),
    "a mail of containers": (
        "a.eml",
        b"Subject: x\nFrom: y\nMIME-Version: 1.0\n" + b"Content-Type: multipart/mixed; boundary=a\n\n--a\n" * 500,
    ),
    "wrong headers": (
        "b.eml",
        b"Subject: =?utf-8?b?////?=\nFrom: \xff\xfe\nDate: never\nMIME-Version: 1.0\n\nbody\xff",
    ),
    "binary": ("a.txt", bytes(range(256)) * 40),
    "no archive": ("a.xlsx", b"PK\x03\x04" + b"\x00" * 100),
    "half a pdf": ("a.pdf", mixed_pdf(LONG)[:300]),
}


@pytest.mark.parametrize(("name", "raw"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_never_stop_a_turn(chat: Chat, name: str, raw: bytes) -> None:
    turn = chat.ask(chat.file(name, "", raw=raw), chat.file("good.txt", "good"))
    assert contexts(turn)[1] == "full"
    assert "file" in status(turn)
    assert max(turn["seconds"]) < 30


def test_a_right_guess_of_open_webui_stays(chat: Chat) -> None:
    """Chinese reads as nonsense in the encodings of Japan."""
    chinese = "中文测试，今天天气很好。"
    turn = chat.ask(chat.file("a.txt", chinese, raw=chinese.encode("gb18030")))
    assert "content" not in turn["body"]["files"][0]["file"]["data"]


def chart_alone(book: Any) -> None:
    book.active.append(["a", 1])
    book.create_chartsheet("Only a chart").add_chart(BarChart())


def test_a_sheet_that_is_a_chart(chat: Chat) -> None:
    turn = chat.ask(chat.file("a.xlsx", "a", raw=office.workbook(chart_alone)))
    assert "| a | 1 |" in turn["body"]["files"][0]["file"]["data"]["content"]
    assert status(turn).endswith("whole · charts not read")


def test_a_workbook_of_nothing_is_empty(chat: Chat) -> None:
    turn = chat.ask(chat.file("a.xlsx", "", raw=office.workbook(lambda book: None)))
    assert status(turn) == "a.xlsx not read: its sheets are empty"
