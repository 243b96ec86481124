"""Mail: who wrote what to whom, and what is attached, which is read too where it can be."""

import email.policy
import importlib
import io
from collections.abc import Callable, Iterator
from typing import Any

from plugins.shared.reader.decoding import decoded, decoded_as
from plugins.shared.reader.markdown import cell_text, markdown_table
from plugins.shared.reader.outcome import Outcome, Unreadable

HEADERS = ("From", "To", "Cc", "Bcc", "Reply-To", "Date", "Subject")
STARTS = ("from", "to", "subject", "date", "mime-version", "received", "message-id", "content-type", "return-path")
SURE = ("mime-version", "received", "message-id", "return-path")
MOST_ATTACHED = 100
DEEPEST = 4
BLOCKS = ["p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table", "section"]
ReadsAttached = Callable[[bytes, str, Outcome, int], None]
"""Reads an attached file into the outcome; the number is how deep it lies."""


def is_mail(raw: bytes, name: str) -> bool:
    """Return whether the file begins as a mail does."""
    head = raw[:8000].lstrip().partition(b"\n\n")[0].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    lines = [line.partition(b":") for line in head.split(b"\n") if not line.startswith((b" ", b"\t"))]
    named = {before.decode("ascii", "replace").strip().lower() for before, colon, _ in lines if colon}
    known = named & set(STARTS)
    return (len(known) >= 3 and bool(known & set(SURE))) or bool(known and name.lower().endswith(".eml"))


def read_mail(raw: bytes, outcome: Outcome, depth: int, reads: ReadsAttached) -> None:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    read_message(message, outcome, depth, reads)


def read_message(message: Any, outcome: Outcome, depth: int, reads: ReadsAttached) -> None:
    """Read headers, text and what is attached."""
    outcome.add("\n".join(f"{name}: {value}" for name in HEADERS if (value := header(message, name))))
    body, attached = parted(message)
    if body is not None:
        text = part_text(body)
        outcome.add(html_text(text) if body.get_content_type() == "text/html" else text)
    for part in attached[:MOST_ATTACHED]:
        read_attached(part, outcome, depth, reads)
    for part in attached[MOST_ATTACHED:]:
        outcome.note("attachments", part_name(part))


def header(message: Any, name: str) -> str:
    try:
        return " ".join(str(message.get(name) or "").split())
    except (ValueError, TypeError, AttributeError, IndexError, LookupError):  # a header that is against all rules
        return ""


def parted(message: Any) -> tuple[Any, list[Any]]:
    """Return the part with the text, plain before HTML, and all others."""
    leaves = [*leaves_of(message)]
    shown = [one for one in leaves if one.get_content_maintype() == "text" and not is_attachment(one)]
    bodies = [one for kind in ("text/plain", "text/html") for one in shown if one.get_content_type() == kind]
    body = next((one for one in bodies if part_text(one).strip()), None)
    alternatives = {id(one) for one in bodies if body is not None and in_alternative(message, body, one)}
    return body, [one for one in leaves if one is not body and id(one) not in alternatives]


def leaves_of(message: Any, depth: int = 0) -> Iterator[Any]:
    """Yield the parts that are no containers; a mail within the mail is one of them."""
    if message.get_content_maintype() == "multipart" and message.is_multipart() and depth < 30:
        for part in message.get_payload():
            yield from leaves_of(part, depth + 1)
    else:
        yield message


def in_alternative(message: Any, body: Any, other: Any) -> bool:
    """Return whether the other part says the same as the body."""
    groups = [one for one in message.walk() if one.get_content_type() == "multipart/alternative"]
    return any({id(body), id(other)} <= {id(leaf) for leaf in leaves_of(group)} for group in groups)


def is_attachment(part: Any) -> bool:
    return bool(str(part.get("Content-Disposition") or "").lower().startswith("attachment"))


def part_name(part: Any) -> str:
    try:
        name = part.get_filename() or ""
    except (ValueError, TypeError, AttributeError, LookupError):
        name = ""
    return " ".join(str(name or part.get_content_type()).split())


def part_text(part: Any) -> str:
    raw = part.get_payload(decode=True) or b""
    encoding = part.get_content_charset() or ""
    text = decoded_as(raw, encoding) if encoding else None
    return (decoded(raw) if text is None else text).replace("\r\n", "\n")


def read_attached(part: Any, outcome: Outcome, depth: int, reads: ReadsAttached) -> None:
    """Read an attached file under its name, or note that it was not read."""
    name = part_name(part)
    if depth >= DEEPEST:
        outcome.note("attachments", name)
    elif part.get_content_type() == "message/rfc822" and isinstance(part.get_payload(), list):
        outcome.add(f"[Attached mail: {name}]")
        for inner in part.get_payload()[:1]:
            read_message(inner, outcome, depth + 1, reads)
    elif part.get_content_maintype() == "image":
        outcome.note("pictures", name)
    else:
        read_named(part.get_payload(decode=True) or b"", name, outcome, depth, reads)


def read_named(raw: bytes, name: str, outcome: Outcome, depth: int, reads: ReadsAttached) -> None:
    """Read an attached file into an outcome of its own, so that half of one is not taken for all of it."""
    inner = Outcome(outcome.room)
    try:
        reads(raw, name, inner, depth + 1)
    except Unreadable as why:
        if why.problem == "bomb":
            raise
        outcome.note("attachments", name)
        return
    outcome.add(f"[Attached: {name}]")
    for text in inner.parts:
        outcome.add(text)
    for key in inner.notes:
        outcome.note("attachments_in_part" if key not in ("pictures", "charts") else key, name)


def html_text(html: str) -> str:
    """Return the words of HTML, a paragraph a line, tables with several columns as Markdown."""
    soup = importlib.import_module("bs4").BeautifulSoup(html, "html.parser")
    for each in soup(["script", "style", "head", "template"]):
        each.decompose()
    for table in soup("table"):
        rows = [[cell_text(cell.get_text(" ")) for cell in row(["td", "th"])] for row in table("tr")]
        if not table("table") and max(map(len, rows), default=0) > 1:
            table.replace_with(f"\n\n{markdown_table(rows)}\n\n")
    for each in soup("br"):
        each.replace_with("\n")
    for each in soup(BLOCKS):
        each.insert_before("\n")
        each.insert_after("\n")
    lines = (" ".join(line.split()) for line in soup.get_text().splitlines())
    return "\n".join(line for line in lines if line)


def read_outlook(raw: bytes, outcome: Outcome, depth: int, reads: ReadsAttached) -> None:
    """Read a mail as Outlook saves it."""
    ole = importlib.import_module("olefile").OleFileIO(io.BytesIO(raw))
    heads = (("From", "0C1A"), ("To", "0E04"), ("Cc", "0E03"), ("Subject", "0037"))
    told = [f"{name}: {value}" for name, code in heads if (value := outlook_text(ole, "", code))]
    outcome.add("\n".join(told))
    body = outlook_text(ole, "", "1000") or html_text(decoded(outlook_bytes(ole, "__substg1.0_10130102")))
    outcome.add(body.replace("\r\n", "\n"))
    folders = sorted({path[0] for path in ole.listdir() if path[0].startswith("__attach_")})
    for folder in folders[:MOST_ATTACHED]:
        name = outlook_text(ole, folder, "3707") or outlook_text(ole, folder, "3704") or "?"
        content = outlook_bytes(ole, f"{folder}/__substg1.0_37010102")
        if content and depth < DEEPEST:
            read_named(content, name, outcome, depth, reads)
        else:
            outcome.note("attachments", name)


def outlook_bytes(ole: Any, path: str) -> bytes:
    return bytes(ole.openstream(path).read()) if ole.exists(path) else b""


def outlook_text(ole: Any, folder: str, code: str) -> str:
    """Return a property of an Outlook mail that is a text: in Unicode, or in an encoding of before."""
    path = f"{folder}/__substg1.0_{code}" if folder else f"__substg1.0_{code}"
    wide = outlook_bytes(ole, f"{path}001F")
    return (wide.decode("utf-16-le", "replace") if wide else decoded(outlook_bytes(ole, f"{path}001E"))).strip("\x00 ")
