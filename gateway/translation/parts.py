"""Parts of turns and of answers, in the canonical form that every dialect is read into and written from.

`own` holds what only one dialect knows of a part: by the dialect's name, the members as they came. It is written
again only where the conversation returns to that dialect.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

Own = Mapping[str, Mapping[str, Any]]
"""Members that only one dialect knows, by the dialect's name."""
NOTHING_OWN: Own = {}


class CacheMark(msgspec.Struct, frozen=True):
    """Marks the end of a prefix that the upstream's prompt cache may keep."""

    ttl: str | None = None
    """`5m` or `1h`; None = the upstream's default."""


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    cache: CacheMark | None = None
    own: Own = NOTHING_OWN


class Citation(msgspec.Struct, frozen=True, kw_only=True):
    """Source of a piece of an answer's text."""

    url: str | None = None
    title: str | None = None
    cited_text: str | None = None
    start: int | None = None
    """Where the piece begins in the text of its part, in characters; None = not known."""
    end: int | None = None
    own: Own = NOTHING_OWN

    @property
    def address(self) -> str | None:
        """Return where the source is; a document of the request is named by its title, as it has no address."""
        return self.url or ("document:" + quote(self.title, errors="replace") if self.title else None)


class Text(_Part, frozen=True):
    text: str
    citations: tuple[Citation, ...] = ()


class Refusal(_Part, frozen=True):
    """Words by which the model declined."""

    text: str


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where the bytes of a medium are: exactly one of the first four is set."""

    data: str | None = None
    """Base64."""
    url: str | None = None
    """An address; never a `data:` URL, which readers cut into `data` and `media_type`."""
    file_id: str | None = None
    """The id of a file that the upstream keeps."""
    text: str | None = None
    """Plain text of a document."""
    media_type: str | None = None


class Image(_Part, frozen=True):
    source: Source
    detail: str | None = None


class Audio(_Part, frozen=True):
    source: Source
    format: str | None = None
    """`wav`, `mp3` …"""
    transcript: str | None = None
    """Of audio that the model spoke."""


class Document(_Part, frozen=True):
    source: Source
    name: str | None = None
    context: str | None = None
    cite: bool = False
    """Whether the answer is to cite it."""


class ToolCall(_Part, frozen=True):
    id: str
    name: str
    arguments: str = ""
    """JSON as the model wrote it, broken or not; of a custom tool its free text."""
    custom: bool = False


class ToolResult(_Part, frozen=True):
    call_id: str
    parts: tuple["Part", ...] = ()
    """`Text`, `Image`, `Document`, `Foreign`."""
    is_error: bool = False
    custom: bool = False


class Thinking(_Part, frozen=True):
    """The model's reasoning, with what proves it to the upstream that made it."""

    text: str = ""
    seal: str | None = None
    """Signature, encrypted reasoning or redacted data; opaque, valid only at the upstream dialect `origin`."""
    redacted: bool = False
    """True if `seal` is all there is of it and no text was ever shown."""
    origin: str | None = None
    """The upstream dialect that made it; None = not known."""
    id: str | None = None
    """Of a `reasoning` item of Responses."""


class Foreign(_Part, frozen=True):
    """A part that only one dialect knows, whole: a server tool's call or result, a reference, a compaction."""

    dialect: str
    content: Mapping[str, Any]

    @property
    def type(self) -> str:
        """Return its type, for people."""
        return str(self.content.get("type", "part"))


Part = Text | Refusal | Image | Audio | Document | ToolCall | ToolResult | Thinking | Foreign
