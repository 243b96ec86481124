"""Files that clients upload: what they are by their first bytes, and JSON in which they stand as base64."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from threading import Lock
from typing import Any

import msgspec
from starlette.datastructures import UploadFile

from gateway import wire
from gateway.errors import InvalidRequest
from gateway.payload import Encoded
from gateway.upstream.request import StreamedBody

_reading = Lock()
"""Held while a file is moved to a place and read there."""
_HEAD_BYTES = 32
_PIECE_BYTES = 48 * 1024
"""A multiple of three, so that pieces of base64 join."""
LARGEST_INLINE = 20 * 2**20
"""Bytes of files in a request, as base64, that Google takes (ai.google.dev/gemini-api/docs/audio)."""
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (8, b"WEBP", "image/webp"),
    (0, b"GIF8", "image/gif"),
    (4, b"ftyphei", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AIFF", "audio/aiff"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf2", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"\x1aE\xdf\xa3", "audio/webm"),
    (4, b"ftyp", "audio/mp4"),
)
"""How files begin: place, bytes, media type; the more exact first."""
_BY_NAME = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "mpga": "audio/mpeg",
    "mpeg": "audio/mpeg",
    "m4a": "audio/mp4",
    "mp4": "audio/mp4",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "oga": "audio/ogg",
    "opus": "audio/ogg",
    "webm": "audio/webm",
    "aiff": "audio/aiff",
    "aif": "audio/aiff",
}
"""By the end of a file's name."""


class Upload(msgspec.Struct, frozen=True):
    """A file of a form. Its data go into JSON where `mark` stands."""

    file: UploadFile
    mark: str
    size: int

    @property
    def media_type(self) -> str:
        """Return what the file is: by its first bytes, else by its name, else as the client says; may be empty."""
        head = self.head()
        by_bytes = (kind for at, begin, kind in _SIGNATURES if head[at : at + len(begin)] == begin)
        ending = (self.file.filename or "").rpartition(".")[2].lower()
        said = (self.file.content_type or "").partition(";")[0].strip().lower()
        return next(by_bytes, None) or _BY_NAME.get(ending) or ("" if said == "application/octet-stream" else said)

    def head(self) -> bytes:
        """Return the first bytes."""
        return self.read(0, _HEAD_BYTES)

    def base64(self) -> str:
        """Return the data. Blocks where they lie on the disk."""
        return base64.b64encode(self.read(0, self.size)).decode()

    def read(self, at: int, size: int) -> bytes:
        """Return a piece of the data. Blocks where they lie on the disk; several calls may send one file at once."""
        with _reading:
            self.file.file.seek(at)
            return self.file.file.read(size)


def upload(file: UploadFile) -> Upload:
    return Upload(file, secrets.token_hex(24), file.size or 0)


def check_inline(uploads: Sequence[Upload], name: str, what: str, media_types: Sequence[str]) -> None:
    """Check files that are to stand in a request at Google. Raises `InvalidRequest` naming what it takes."""
    for each in uploads:
        if each.media_type not in media_types:
            kinds = ", ".join(kind.partition("/")[2] for kind in media_types)
            raise InvalidRequest(
                f"The model does not take the file in '{name}'. {what} must be one of: {kinds}.",
                code="unsupported_value",
                param=name,
            )
    size = sum(base64_size(each.size) for each in uploads)
    if size > LARGEST_INLINE:
        raise InvalidRequest(
            f"The files have together {size * 3 // 4 / 2**20:.1f} MiB; the model takes at most "
            f"{LARGEST_INLINE * 3 // 4 / 2**20:.0f} MiB in one request. Send less, or compress it.",
            code="request_too_large",
            param=name,
        )


def base64_size(size: int) -> int:
    """Return how many characters so many bytes have in base64."""
    return 4 * -(-size // 3)


def json_with(fields: dict[str, Any], uploads: Sequence[Upload]) -> Encoded:
    """Return JSON whose marks of uploads become their data while it is sent; at most a piece of a file is in memory."""
    if not uploads:
        return Encoded("application/json", wire.encode(fields))
    parts = list(_parts(wire.encode(fields), uploads))
    length = sum(len(part) if isinstance(part, bytes) else base64_size(part.size) for part in parts)

    async def pieces() -> AsyncIterator[bytes]:
        for part in parts:
            if isinstance(part, bytes):
                yield part
                continue
            for at in range(0, part.size, _PIECE_BYTES):
                yield base64.b64encode(await asyncio.to_thread(part.read, at, _PIECE_BYTES))

    return Encoded("application/json", StreamedBody(length, pieces))


def _parts(body: bytes, uploads: Sequence[Upload]) -> Iterator[bytes | Upload]:
    """Yield a body with its uploads in the place of their marks."""
    for each in sorted(uploads, key=lambda one: body.find(one.mark.encode())):
        before, _, body = body.partition(each.mark.encode())
        yield before
        yield each
    yield body
