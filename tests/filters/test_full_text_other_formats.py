"""What filters/full_text.py reads of formats besides PDF and today's Office, and of text in other scripts."""

import io
import zipfile
from typing import Any

import openpyxl
import pytest
from openpyxl.chart import BarChart

from plugins.shared.reader.outcome import Outcome, Unreadable
from plugins.shared.reader.program import read_bytes
from tests.filters import office_files as office
from tests.filters.chatting import Chat, contexts, status
from tests.filters.compound_files import OLD_CHART, OLD_COMMENT, compound, old_mail, old_workbook

NAMESPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{urn}:1.0"'
    for name, urn in {
        "office": "office", "text": "text", "table": "table", "draw": "drawing", "style": "style",
        "presentation": "presentation",
    }.items()
)  # fmt: skip


def opendocument(kind: str, body: str, styles: str = "", manifest: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        content = f"<office:automatic-styles/><office:body><office:{kind}>{body}</office:{kind}></office:body>"
        archive.writestr("content.xml", f"<office:document-content {NAMESPACES}>{content}</office:document-content>")
        archive.writestr("styles.xml", f"<office:document-styles {NAMESPACES}>{styles}</office:document-styles>")
        archive.writestr("META-INF/manifest.xml", manifest)
    return file.getvalue()


def outcome_of(raw: bytes, name: str = "x") -> tuple[str, dict[str, int]]:
    """The text, or why there is none, and how much of what was not read."""
    outcome = Outcome(2_000_000)
    try:
        read_bytes(raw, name, outcome, 0, {"marks": False, "pages": 100})
    except Unreadable as why:
        return why.problem, {}
    return outcome.text, {key: note["count"] for key, note in outcome.notes.items()}


def frame(inner: str) -> str:
    return f"<draw:frame>{inner}</draw:frame>"


TEXT_BOX = "<draw:text-box><text:p>boxed</text:p></draw:text-box>"
CELL = "<table:table-cell>{}</table:table-cell>"
OPEN = {
    "words": (
        "text",
        '<text:h text:outline-level="2">Head</text:h>'
        '<text:p>One<text:s text:c="2"/>two<text:span>!</text:span></text:p>',
        ("## Head\n\nOne  two!", {}),
    ),
    "deleted words": (
        "text",
        "<text:tracked-changes><text:p>gone</text:p></text:tracked-changes><text:p>kept</text:p>",
        ("kept", {}),
    ),
    "a footnote": (
        "text",
        '<text:p>Fact<text:note text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body>'
        "<text:p>MARK</text:p></text:note-body></text:note>.</text:p>",
        ("Fact [Footnote: MARK].", {}),
    ),
    "a comment": (
        "text",
        "<text:p>Fact<office:annotation><text:p>MARK</text:p></office:annotation>.</text:p>",
        ("Fact [Comment: MARK].", {}),
    ),
    "ruby": (
        "text",
        "<text:p><text:ruby><text:ruby-base>葵</text:ruby-base><text:ruby-text>あおい</text:ruby-text></text:ruby></text:p>",
        ("葵（あおい）", {}),
    ),
    "a list in a list": (
        "text",
        "<text:list><text:list-item><text:p>a</text:p><text:list><text:list-item><text:p>b</text:p></text:list-item>"
        "</text:list></text:list-item></text:list>",
        ("- a\n  - b", {}),
    ),
    "a table": (
        "text",
        f"<table:table><table:table-row>{CELL.format('<text:p>x</text:p>')}{CELL.format('<text:p>y</text:p>')}"
        "<table:covered-table-cell/></table:table-row></table:table>",
        ("| x | y | y |\n| --- | --- | --- |", {}),
    ),
    "a picture and a text box": (
        "text",
        f"<text:p>a{frame('<draw:image/>')}</text:p>{frame(TEXT_BOX)}",
        ("a\n\nboxed", {"pictures": 1}),
    ),
    "a picture alone": ("text", f"<text:p>{frame('<draw:image/>')}</text:p>", ("only_drawings", {})),
    "nothing": ("text", "<text:p/>", ("empty", {})),
    "a sheet of a million rows": (
        "spreadsheet",
        f'<table:table table:name="S"><table:table-row>{CELL.format("<text:p>Kobe</text:p>")}'
        '<table:table-cell table:number-columns-repeated="2"><text:p>5</text:p></table:table-cell>'
        '<table:table-cell table:number-columns-repeated="16000"/></table:table-row>'
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell/></table:table-row></table:table>',
        ("## S\n\n| Kobe | 5 | 5 |\n| --- | --- | --- |", {}),
    ),
    "empty sheets": ("spreadsheet", '<table:table table:name="S"/>', ("empty_sheets", {})),
    "slides": (
        "presentation",
        f"<draw:page>{frame(TEXT_BOX)}<presentation:notes>{frame(TEXT_BOX)}</presentation:notes></draw:page>"
        f"<draw:page>{frame('<draw:image/>')}</draw:page>",
        ("[Slide 1]\n\nboxed\n\n[Notes] boxed\n\n[Slide 2]", {"pictures": 1, "picture_slides": 1}),
    ),
}


@pytest.mark.quick
@pytest.mark.parametrize(("kind", "body", "expected"), OPEN.values(), ids=OPEN)
def test_opendocument(kind: str, body: str, expected: tuple[str, dict[str, int]]) -> None:
    assert outcome_of(opendocument(kind, body)) == expected


@pytest.mark.quick
def test_headers_footers_and_passwords_of_opendocument() -> None:
    bands = "<style:header><text:p>Secret</text:p></style:header><style:footer><text:p>v3</text:p></style:footer>"
    assert outcome_of(opendocument("text", "<text:p>a</text:p>", bands))[0] == "[Header] Secret\n\na\n\n[Footer] v3"
    assert outcome_of(opendocument("text", "", manifest="<manifest:encryption-data/>"))[0] == "protected"
    assert outcome_of(opendocument("text", "<text:p>a</text:p>").replace(b"<office", b"<broken"))[0] == "damaged"


JAPANESE_FONT = rb"{\fonttbl{\f0 Arial;}{\f1\fcharset128 MS Mincho;}}"
RICH = {
    "an encoding by font": (rb"\f1\'8e\'d0\'88\'f5", "社員"),
    "unicode with its substitute": (rb"\u31038?\u21729?!", "社員!"),
    "two substitutes": (rb"\uc2\u31038??x", "社x"),
    "paragraphs and signs": (rb"caf\'e9\par a\tab b\line \{c\}", "café\na\tb\n{c}"),
    "a table": (rb"\trowd a\cell b\cell\row", "a | b |  |"),
    "a footnote": (rb"Fact{\footnote MARK}.", "Fact [Footnote: MARK]."),
    "a field": (rb"{\field{\*\fldinst HYPERLINK x}{\fldrslt link}}", "link"),
    "deleted words": (rb"kept{\deleted gone}", "kept"),
    "unknown groups": (rb"a{\*\secret b}c", "ac"),
    "raw bytes": (rb"a\bin5 }}}}}b", "ab"),
}


@pytest.mark.quick
@pytest.mark.parametrize(("body", "text"), RICH.values(), ids=RICH)
def test_rich_text(body: bytes, text: str) -> None:
    assert outcome_of(rb"{\rtf1\ansi\ansicpg1252" + JAPANESE_FONT + body + b"}")[0] == text


@pytest.mark.quick
@pytest.mark.parametrize("body", [b"", b"{" * 100_000 + b"x", b"\\bin99999999999 x", b"\\'zz\\u99999999 x", b"}}}x"])
def test_odd_rich_text_never_fails(body: bytes) -> None:
    assert outcome_of(rb"{\rtf1 " + body)[0] in ("empty", "x", "zz\ue0ff")


@pytest.mark.quick
def test_pictures_of_rich_text_are_counted() -> None:
    assert outcome_of(rb"{\rtf1 a{\pict\pngblip 89504e47}}") == ("a", {"pictures": 1})


def test_a_presentation_that_starts_as_a_show(chat: Chat) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(office.slides())) as source, zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            main = b"presentationml.presentation.main", b"presentationml.slideshow.main"
            target.writestr(name, source.read(name).replace(*main))
    turn = chat.ask(chat.file("plan.ppsx", "", raw=file.getvalue()))
    assert "| 期限 | 担当 |" in turn["body"]["files"][0]["file"]["data"]["content"]
    assert status(turn).startswith("plan.ppsx in part: 4 slides, 1 of them only a picture (3)")


def only_a_chart(book: openpyxl.Workbook) -> None:
    assert book.active
    book.active.add_chart(BarChart(), "A1")


BARE = {
    "a chart": (only_a_chart, "only_drawings"),
    "nothing": (lambda book: None, "empty_sheets"),
}


@pytest.mark.quick
@pytest.mark.parametrize(("fill", "problem"), BARE.values(), ids=BARE)
def test_a_workbook_without_cells_says_so(fill: Any, problem: str) -> None:
    assert outcome_of(office.workbook(fill))[0] == problem


def every_sort_of_value(book: openpyxl.Workbook) -> None:
    import datetime

    sheet = book.active
    assert sheet
    sheet.append(["text", 1, 0.5, True, datetime.date(2026, 4, 1), datetime.datetime(2026, 4, 1, 9, 30)])
    sheet.append([datetime.time(9, 30), datetime.timedelta(hours=26), 12345678901, 1e-7, "=A1", None])
    sheet["C1"].number_format = "0.0%"


@pytest.mark.quick
def test_values_of_each_sort() -> None:
    text, notes = outcome_of(office.workbook(every_sort_of_value))
    assert text.splitlines()[2] == "| text | 1 | 50% | TRUE | 2026-04-01 | 2026-04-01 09:30:00 |"
    assert text.splitlines()[4] == "| 09:30:00 | 1 day, 2:00:00 | 12345678901 | 1e-07 | =A1 |  |"
    assert notes == {"formulas": 1}


@pytest.mark.quick
def test_formulas_that_cells_share_and_texts_in_the_cell() -> None:
    def fill(book: openpyxl.Workbook) -> None:
        assert book.active
        book.active.append(["=B1*2", 2])
        book.active.append([None, 3])

    raw = office.workbook(fill)
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as source, zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("sheet1.xml"):
                content = content.replace(b"<f>", b'<f t="shared" ref="A1:A2" si="0">')
                again = b'<row r="2"><c r="A2"><f t="shared" si="0"/></c>'
                content = content.replace(b'<row r="2">', again)
                content = content.replace(
                    b"</sheetData>",
                    b'<row><c t="inlineStr"><is><r><t>in</t></r><rPh><t>x</t></rPh></is></c></row></sheetData>',
                )
            target.writestr(name, content)
    text, notes = outcome_of(file.getvalue())
    assert "| =B1*2 | 2 |" in text
    assert "| =B2*2 | 3 |" in text
    assert text.endswith("| in |  |")
    assert notes == {"formulas": 2}


OLD = {
    "xls": (old_workbook(), "Kobe\n\n| 上限 | 12.5 |", "whole"),
    "xls with a comment": (old_workbook(OLD_COMMENT), "| 上限 | 12.5 |", "a in part: 1 comment or text box not read"),
    "xls with a chart": (old_workbook(OLD_CHART), "| 上限 | 12.5 |", "whole · charts not read"),
    "msg": (old_mail("御見積", "Dear Aoi,\r\nagreed."), "From: Aoi\nSubject: 御見積\n\nDear Aoi,\nagreed.", "whole"),
}


@pytest.mark.parametrize(("raw", "text", "told"), OLD.values(), ids=OLD)
def test_old_formats_that_are_read(chat: Chat, raw: bytes, text: str, told: str) -> None:
    turn = chat.ask(chat.file("a", "NaN", raw=raw))
    assert text in turn["body"]["files"][0]["file"]["data"]["content"]
    assert told in status(turn)


UNREAD = {
    "doc": (compound({"WordDocument": b"x"}), "the old .doc format is not read; save it as .docx"),
    "ppt": (compound({"PowerPoint Document": b"x"}), "the old .ppt format is not read; save it as .pptx"),
    "xls without cells": (old_workbook(cells=False), "its sheets are empty"),
    "xls with a chart alone": (old_workbook(OLD_CHART, cells=False), "it holds no text, only pictures or charts"),
    "cut": (old_workbook()[:700], "the file is damaged"),
}


@pytest.mark.parametrize(("raw", "why"), UNREAD.values(), ids=UNREAD)
@pytest.mark.parametrize("stored", ["", "\u00d0\u00cf\x11\u00e0\u00a1\x00\x01\x02" * 20], ids=["no text", "raw bytes"])
def test_old_formats_that_are_not_read(chat: Chat, raw: bytes, why: str, stored: str) -> None:
    """What Open WebUI stores of them are the bytes themselves, which are no text to send."""
    turn = chat.ask(chat.file("a", stored, raw=raw))
    assert contexts(turn) == [None]
    assert status(turn) == f"a not read: {why}"


def test_what_an_engine_read_of_an_old_file_is_sent_as_unchecked(chat: Chat) -> None:
    turn = chat.ask(chat.file("a.doc", "Read by an engine.", raw=compound({"WordDocument": b"x"})))
    assert contexts(turn) == ["full"]
    assert status(turn).endswith("whole · as Open WebUI read it, unchecked")


SCRIPTS = {
    "gb18030": "各位同事，公司食堂将于五月七日至五月二十日装修停业。",
    "gbk": "会议室",
    "big5": "各位同仁，公司餐廳將於五月七日至五月二十日裝修停業。",
    "euc-kr": "직원 여러분, 구내식당은 5월 7일부터 20일까지 공사로 문을 닫습니다.",
    "cp932": "社員食堂は改装のため五月七日から五月二十日まで休みます。",
    "euc-jp": "社員食堂は改装のため五月七日から五月二十日まで休みます。",
    "iso-2022-jp": "社員食堂は改装のため休みます。",
    "cp1251": "Уважаемые коллеги, столовая закрыта с седьмого мая.",
    "cp1252": "Déjà vu à l’école, où l’été coûte cher.",
    "utf-16": "社員食堂",
}


@pytest.mark.parametrize(("encoding", "text"), SCRIPTS.items(), ids=SCRIPTS)
def test_text_of_other_scripts_without_a_stored_one(chat: Chat, encoding: str, text: str) -> None:
    turn = chat.ask(chat.file("a.txt", "", raw=text.encode(encoding)))
    assert turn["body"]["files"][0]["file"]["data"]["content"] == text
