"""PDF files: the text of each page, fields of forms and notes; pages without a text layer are counted."""

import importlib
import io
import re
from collections.abc import Iterator
from typing import Any

from plugins.shared.reader.outcome import Outcome, Unreadable

FEW = 40  # characters: a picture with no more on its page is a scan with a stamp
PICTURE_SIDE = 300  # pixels from which a picture can be a page
WRITTEN_NOTES = ("/FreeText", "/Text", "/Highlight", "/Underline", "/StrikeOut", "/Square", "/Caret")
PAINTED = re.compile(rb"(?:^|\s)(?:f\*?|F|S|s|[Bb]\*?|sh|Do|EI)(?=\s|$)")
UNREADABLE_SIGNS = re.compile(r"[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f]|/g\d+|\(cid:\d+\)")


def read_pdf(raw: bytes, outcome: Outcome, marks: bool, most_pages: int) -> None:
    """Read all pages. Raises Unreadable, and what pypdf raises for a damaged file."""
    pypdf = importlib.import_module("pypdf")
    reader = pypdf.PdfReader(io.BytesIO(raw))
    if reader.is_encrypted and reader.decrypt("") == pypdf.PasswordType.NOT_DECRYPTED:
        raise Unreadable("protected")
    total = len(reader.pages)
    if total > most_pages:
        raise Unreadable("too_many_pages")
    words = False
    for number, page in enumerate(reader.pages, 1):
        text = page.extract_text().rstrip()
        beside = "\n".join(written_beside(page))
        judge_page(outcome, page, text, number, total)
        words = words or bool(text.strip() or beside)
        outcome.add("\n".join(filter(None, [f"[Page {number}]" if marks else "", text, beside])))
    for name in attached_names(reader):
        outcome.note("attachments", name)
    if not words:
        raise Unreadable("scan" if outcome.notes else "empty")


def judge_page(outcome: Outcome, page: Any, text: str, number: int, total: int) -> None:
    """Note a page whose text is in a picture, drawn, or not to be understood."""
    letters = re.sub(r"\s", "", text)
    if len(letters) < FEW and (has_large_picture(page) or (not letters and is_painted(page))):
        outcome.note("scan_pages", number, total)
    elif sum(map(len, UNREADABLE_SIGNS.findall(text))) * 4 > len(letters) > 0:
        outcome.note("garbled_pages", number, total)


def pictures_of(resources: Any, depth: int = 0) -> Iterator[Any]:
    """Yield the pictures of a page, also those in forms on it."""
    resources = resources.get_object() if resources is not None else {}
    found = resources.get("/XObject") if hasattr(resources, "get") else None
    for each in (found.get_object() if found is not None else {}).values():
        each = each.get_object()
        if each.get("/Subtype") == "/Image":
            yield each
        elif each.get("/Subtype") == "/Form" and depth < 3:
            yield from pictures_of(each.get("/Resources"), depth + 1)


def has_large_picture(page: Any) -> bool:
    try:
        sizes = [
            (int(each.get("/Width", 0)), int(each.get("/Height", 0))) for each in pictures_of(page.get("/Resources"))
        ]
    except (AttributeError, TypeError, ValueError):
        return True
    return any(min(size) >= PICTURE_SIDE or size[0] * size[1] >= PICTURE_SIDE**2 for size in sizes)


def is_painted(page: Any) -> bool:
    """Return whether anything is drawn on the page; one with nothing on it is blank."""
    contents = page.get_contents()
    return contents is not None and bool(PAINTED.search(contents.get_data()))


def written_beside(page: Any) -> Iterator[str]:
    """Yield what stands in fields of forms, and notes on the page."""
    for each in page.get("/Annots") or []:
        annotation = each.get_object()
        kind = annotation.get("/Subtype") if hasattr(annotation, "get") else None
        if kind == "/Widget":
            named = annotation if "/T" in annotation else annotation.get("/Parent", annotation).get_object()
            value = annotation.get("/V") or named.get("/V")
            if isinstance(value, str) and value.strip() and value != "/Off":
                yield f"[Field {named.get('/TU') or named.get('/T') or ''}: {value.removeprefix('/')}]"
        elif kind in WRITTEN_NOTES and str(annotation.get("/Contents") or "").strip():
            yield f"[Note: {annotation['/Contents']}]"


def attached_names(reader: Any) -> list[str]:
    try:
        return [str(name) for name in reader.attachments]
    except Exception:  # what hangs on the file must not cost its text
        return []
