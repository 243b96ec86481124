"""Files that clients upload: what they are by their first bytes, and JSON in which they stand as base64."""

import base64
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import msgspec
from starlette.datastructures import UploadFile

from gateway import wire
from gateway.payload import Encoded
from gateway.upstream.request import StreamedBody

_HEAD_BYTES = 32
_PIECE_BYTES = 48 * 1024
"""A multiple of three, so that pieces of base64 join."""
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
        self.file.file.seek(0)
        return self.file.file.read(_HEAD_BYTES)

    def base64(self) -> str:
        """Return the data. Blocks where they lie on the disk."""
        self.file.file.seek(0)
        return base64.b64encode(self.file.file.read()).decode()


def upload(file: UploadFile) -> Upload:
    return Upload(file, secrets.token_hex(24), file.size or 0)


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
            await part.file.seek(0)
            while piece := await part.file.read(_PIECE_BYTES):
                yield base64.b64encode(piece)

    return Encoded("application/json", StreamedBody(length, pieces))


def _parts(body: bytes, uploads: Sequence[Upload]) -> Iterator[bytes | Upload]:
    """Yield a body with its uploads in the place of their marks."""
    for each in sorted(uploads, key=lambda one: body.find(one.mark.encode())):
        before, _, body = body.partition(each.mark.encode())
        yield before
        yield each
    yield body
