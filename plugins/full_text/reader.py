"""The reader of raw files. It runs as a program of its own; between its two marks nothing else is used."""

import importlib
import json
import sys
from typing import Any

# >>> reader
UNPACKED = 300_000_000  # bytes that a Word file may unpack to
PACKED = 200  # times smaller than unpacked: real ones stay below 60


def read_file(path: str, limits: dict[str, Any]) -> dict[str, Any]:
    """Return {"text": …} or {"problem": …}; the kind is what the first bytes say, never the name."""
    import zipfile

    with open(path, "rb") as file:
        head = file.read(1024)
    if b"%PDF-" in head:
        return read_pdf(path, limits)
    if head.startswith(b"\xd0\xcf\x11\xe0"):  # an encrypted Word file, or one from before 2007
        return {"problem": "protected" if old_office_is_encrypted(path) else "unsupported"}
    if not head.startswith(b"PK\x03\x04"):
        return {"problem": "unsupported"}
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = [(entry.file_size, entry.compress_size) for entry in archive.infolist()]
            is_word = "word/document.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return {"problem": "damaged"}
    total = sum(size for size, _ in sizes)
    if total > UNPACKED or any(size > 10_000_000 and size > PACKED * packed for size, packed in sizes):
        return {"problem": "bomb"}
    return read_docx(path, limits) if is_word else {"problem": "unsupported"}


def old_office_is_encrypted(path: str) -> bool:
    with open(path, "rb") as file:
        return "EncryptedPackage".encode("utf-16-le") in file.read(2_000_000)


def read_pdf(path: str, limits: dict[str, Any]) -> dict[str, Any]:
    pypdf, errors = importlib.import_module("pypdf"), importlib.import_module("pypdf.errors")
    try:
        reader = pypdf.PdfReader(path)
        if reader.is_encrypted and reader.decrypt("") == pypdf.PasswordType.NOT_DECRYPTED:
            return {"problem": "protected"}
        if len(reader.pages) > limits["pages"]:
            return {"problem": "too_many_pages"}
        pages, room = [], limits["characters"]
        for number, page in enumerate(reader.pages, 1):
            text = page.extract_text().rstrip()
            pages.append(f"[Page {number}]\n{text}" if limits["marks"] else text)
            room -= len(text)
            if room < 0:
                return {"problem": "bomb"}
    except errors.FileNotDecryptedError:
        return {"problem": "protected"}
    except (errors.PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError, RecursionError):
        return {"problem": "damaged"}
    return {"text": "\n\n".join(pages)} if room < limits["characters"] else {"problem": "scan"}


def read_docx(path: str, limits: dict[str, Any]) -> dict[str, Any]:
    """Return headings and tables as Markdown, in the order of the document."""
    from docx import Document as open_docx
    from docx.opc.exceptions import OpcError
    from docx.table import Table

    try:
        parts = [
            table_as_markdown(block) if isinstance(block, Table) else paragraph_as_markdown(block)
            for block in open_docx(path).iter_inner_content()
        ]
    except (OpcError, ValueError, TypeError, KeyError, AttributeError, SyntaxError, OSError, RecursionError):
        return {"problem": "damaged"}
    text = "\n\n".join(part for part in parts if part.strip())
    if len(text) > limits["characters"]:
        return {"problem": "bomb"}
    return {"text": text} if text else {"problem": "empty"}


def paragraph_as_markdown(paragraph: Any) -> str:
    style = str(getattr(paragraph.style, "name", "") or "")
    text = str(paragraph.text).rstrip()
    kind, _, level = style.rpartition(" ")
    if text and style == "Title":
        return f"# {text}"
    if text and kind == "Heading" and level.isdigit():
        return f"{'#' * min(int(level), 6)} {text}"
    return f"- {text}" if text and style.startswith("List ") else text


def table_as_markdown(table: Any) -> str:
    rows = []
    for row in table.rows:
        cells = [" ".join(str(cell.text).split()).replace("|", "\\|") for cell in row.cells]
        rows.append(f"| {' | '.join(cells)} |")
    if rows:
        rows.insert(1, "|" + " --- |" * max(1, len(table.columns)))
    return "\n".join(rows)


def read_and_tell(path: str, options: str) -> None:
    """Run the process: limit it, read the file, print the result."""
    limits = json.loads(options)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limits["memory"], limits["memory"]))
        resource.setrlimit(resource.RLIMIT_CPU, (limits["seconds"] + 1, limits["seconds"] + 1))
    except (ImportError, ValueError, OSError):
        pass
    sys.stdout.write(json.dumps(read_file(path, limits)))


# <<< reader
