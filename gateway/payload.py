"""The body of a client's request: its members, and how it is written for an upstream.

A JSON body is cut into members that stay bytes. A form's texts become members, too, and its files lie on disk, from
where each attempt streams them, so that an upload never stands in memory.
"""

import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Protocol

import msgspec
from starlette.datastructures import UploadFile

from gateway import wire
from gateway.upstream.request import Body, StreamedBody
from gateway.wire import Members

_PIECE_BYTES = 64 * 1024
_ESCAPED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A", "\0": "%00"})
"""What may not stand in the name of a part (html.spec.whatwg.org, multipart/form-data encoding)."""
_WITHOUT_LINE_ENDS = str.maketrans("", "", "\r\n\0")


class Encoded(msgspec.Struct, frozen=True):
    """A body as it is sent, and what it is."""

    media_type: str
    body: Body


class Payload(Protocol):
    """A request's body."""

    @property
    def fields(self) -> Members:
        """Return its members; of a form, its texts as JSON."""

    @property
    def size(self) -> int:
        """Return its bytes, as it came."""

    @property
    def files(self) -> tuple[tuple[str, UploadFile], ...]:
        """Return its files, with the names of their parts."""

    def encoded(self, fields: Members) -> Encoded:
        """Return the body with other members."""

    def with_fields(self, fields: Members) -> "Payload":
        """Return a body of the same files with other members."""

    def close(self) -> None:
        """Let go of what it holds on disk."""


class JsonPayload(msgspec.Struct, frozen=True):
    """A JSON object."""

    fields: Members
    size: int
    files: tuple[tuple[str, UploadFile], ...] = ()
    """None."""

    def encoded(self, fields: Members) -> Encoded:
        return Encoded("application/json", wire.encode(fields))

    def with_fields(self, fields: Members) -> "JsonPayload":
        return JsonPayload(fields, sum(map(len, fields.values())))

    def close(self) -> None:
        return None


class FormPayload(msgspec.Struct, frozen=True):
    """A `multipart/form-data` body."""

    fields: Members
    size: int
    files: tuple[tuple[str, UploadFile], ...]
    """With the names of their parts."""

    def encoded(self, fields: Members) -> Encoded:
        boundary = secrets.token_hex(16)
        texts = b"".join(_text_parts(fields, boundary))
        heads = [_file_head(name, file, boundary) for name, file in self.files]
        end = f"--{boundary}--\r\n".encode()
        sizes = (len(head) + (file.size or 0) + 2 for head, (_, file) in zip(heads, self.files, strict=True))
        length = len(texts) + sum(sizes) + len(end)

        async def pieces() -> AsyncIterator[bytes]:
            yield texts
            for head, (_, file) in zip(heads, self.files, strict=True):
                yield head
                await file.seek(0)
                while piece := await file.read(_PIECE_BYTES):
                    yield piece
                yield b"\r\n"
            yield end

        return Encoded(f"multipart/form-data; boundary={boundary}", StreamedBody(length, pieces))

    def with_fields(self, fields: Members) -> "FormPayload":
        return FormPayload(fields, self.size, self.files)

    def close(self) -> None:
        for _, file in self.files:
            file.file.close()


def _text_parts(fields: Members, boundary: str) -> Iterator[bytes]:
    """Yield a part for each text; a list has one for each of its items."""
    for name in fields:
        found = wire.value(fields, name)
        for text in found if isinstance(found, list) else [found]:
            head = f'--{boundary}\r\ncontent-disposition: form-data; name="{name.translate(_ESCAPED)}"\r\n\r\n'
            yield f"{head}{text}\r\n".encode("utf-8", "replace")


def _file_head(name: str, file: UploadFile, boundary: str) -> bytes:
    filename = (file.filename or "file").translate(_ESCAPED)
    media_type = (file.content_type or "application/octet-stream").translate(_WITHOUT_LINE_ENDS)
    return (
        f'--{boundary}\r\ncontent-disposition: form-data; name="{name.translate(_ESCAPED)}"; filename="{filename}"\r\n'
        f"content-type: {media_type}\r\n\r\n"
    ).encode("utf-8", "replace")
