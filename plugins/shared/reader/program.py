"""The reader as a program: what kind a file is, by its first bytes, and what it says."""

import hashlib
import importlib
import io
import json
import os
import sys
from typing import Any

from plugins.shared.reader.decoding import decoded
from plugins.shared.reader.mail import html_text, is_mail, read_mail, read_outlook
from plugins.shared.reader.office import archive_names
from plugins.shared.reader.opendocument import is_opendocument, read_opendocument
from plugins.shared.reader.outcome import Outcome, Unreadable
from plugins.shared.reader.pdf import read_pdf
from plugins.shared.reader.rich_text import read_rich_text
from plugins.shared.reader.sheets import read_old_workbook, read_workbook
from plugins.shared.reader.slides import read_slides
from plugins.shared.reader.word import read_word

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OFFICE = {"word/": "word", "ppt/": "slides", "xl/": "workbook"}
STREAMS = {
    "EncryptedPackage": "protected",
    "__properties_version1.0": "outlook",
    "Workbook": "old_workbook",
    "Book": "old_workbook",
    "WordDocument": "old_document",
    "PowerPoint Document": "old_slides",
}
"""What a compound file is, by the first of these streams that it has."""
PROBLEMS = ("protected", "old_document", "old_slides", "unsupported")
# First bytes of what holds no text that we could read, or that a text would hardly begin with.
OTHER = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"\x7fELF")
MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<svg")


def kind_of(raw: bytes, name: str) -> str:
    """Return what the first bytes say, never the name alone. Raises Unreadable."""
    if not raw.strip(b"\x00 \t\r\n"):
        raise Unreadable("empty")
    if b"%PDF-" in raw[:1024]:
        return "pdf"
    if raw.startswith(OLE):
        found = compound_kind(raw)
        if found in PROBLEMS:
            raise Unreadable(found)
        return found
    if raw.startswith(b"{\\rtf"):
        return "rich_text"
    if raw.startswith(b"PK\x03\x04"):
        names = archive_names(raw)
        if is_opendocument(raw):
            return "opendocument"
        return next((kind for folder, kind in OFFICE.items() if any(one.startswith(folder) for one in names)), "other")
    if raw.startswith(OTHER):
        return "other"
    if raw.lstrip()[:16].lower().startswith(MARKUP):
        return "page" if b"<html" in raw[:1024].lower() else "other"
    return "mail" if is_mail(raw, name) else "text"


def compound_kind(raw: bytes) -> str:
    """Return what a compound file of before 2007 is. Raises Unreadable."""
    try:
        file = importlib.import_module("olefile").OleFileIO(io.BytesIO(raw))
        return next((kind for stream, kind in STREAMS.items() if file.exists(stream)), "unsupported")
    except Exception as error:  # olefile has its own, and those of struct, for damaged files
        raise Unreadable("damaged") from error


def read_bytes(raw: bytes, name: str, outcome: Outcome, depth: int, limits: dict[str, Any]) -> None:
    """Read a file of any kind into the outcome. Raises Unreadable."""

    def reads(inner: bytes, inner_name: str, inner_outcome: Outcome, inner_depth: int) -> None:
        read_bytes(inner, inner_name, inner_outcome, inner_depth, limits)

    kind = outcome.kind = kind_of(raw, name)
    readers: dict[str, Any] = {
        "pdf": lambda: read_pdf(raw, outcome, limits["marks"], limits["pages"]),
        "word": lambda: read_word(raw, outcome),
        "slides": lambda: read_slides(raw, outcome),
        "workbook": lambda: read_workbook(raw, outcome),
        "old_workbook": lambda: read_old_workbook(raw, outcome),
        "opendocument": lambda: read_opendocument(raw, outcome),
        "rich_text": lambda: read_rich_text(raw, outcome),
        "page": lambda: outcome.add(html_text(decoded(raw))),
        "mail": lambda: read_mail(raw, outcome, depth, reads),
        "outlook": lambda: read_outlook(raw, outcome, depth, reads),
        "text": lambda: read_plain(raw, outcome),
    }
    if kind not in readers:
        raise Unreadable("unsupported")
    try:
        readers[kind]()
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # each library has dozens of its own for damaged files
        protected = type(error).__name__ in ("FileNotDecryptedError", "DependencyError")
        raise Unreadable("protected" if protected else "damaged") from error
    if not outcome.parts:
        raise Unreadable("empty")


def read_plain(raw: bytes, outcome: Outcome) -> None:
    text = decoded(raw).removeprefix("\ufeff")
    odd = sum((char < " " and char not in "\t\n\r\f\v\x1b") or char == "\ufffd" for char in text[:100_000])
    if odd * 50 > len(text[:100_000]):
        raise Unreadable("unsupported")
    outcome.add(text)


def read_file(path: str, limits: dict[str, Any]) -> dict[str, Any]:
    """Return {"text", "notes", "kind", "digest"}, or {"problem", "kind", "digest"}."""
    with open(path, "rb") as file:
        raw = file.read()
    outcome = Outcome(limits["characters"])
    digest = hashlib.sha256(raw).hexdigest()
    try:
        read_bytes(raw, str(limits.get("name") or ""), outcome, 0, limits)
    except Unreadable as why:
        return {"problem": why.problem, "kind": outcome.kind, "digest": digest}
    except MemoryError:
        return {"problem": "bomb", "kind": outcome.kind, "digest": digest}
    return {"text": outcome.text, "notes": outcome.notes, "kind": outcome.kind, "digest": digest}


def read_and_tell(path: str, options: str) -> None:
    """Run the process: limit it, read the file, print the result."""
    limits = json.loads(options)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limits["memory"], limits["memory"]))
        resource.setrlimit(resource.RLIMIT_CPU, (limits["seconds"] + 1, limits["seconds"] + 1))
    except (ImportError, ValueError, OSError):
        pass
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no part of the answer
    told.write(json.dumps(read_file(path, limits)))
    told.flush()
    sys.stdout.flush()


# <<< reader
