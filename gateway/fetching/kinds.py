"""What a fetched medium is: told by its first bytes where they tell, else by what its server says."""

from gateway.fetching.guard import NotFetched

IMAGE, AUDIO, DOCUMENT = "image", "audio", "document"
_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
)
_OFFICE = "application/vnd.openxmlformats-officedocument."
_DOCUMENTS = frozenset(
    (
        "application/json",
        "application/msword",
        "application/vnd.ms-excel",
        f"{_OFFICE}wordprocessingml.document",
        f"{_OFFICE}spreadsheetml.sheet",
        f"{_OFFICE}presentationml.presentation",
    )
)
_WORDS = {
    IMAGE: "it is no image; PNG, JPEG, GIF and WebP are taken",
    AUDIO: "it is no sound",
    DOCUMENT: "it is no document; PDF, text and Office files are taken",
}


def media_type_of(kind: str, data: bytes, said: str) -> str:
    """Return the media type of a medium; `said` is its server's. Raises `NotFetched` where it is none of its kind."""
    told = _by_beginning(data)
    said = said.partition(";")[0].strip().lower()
    if kind == IMAGE:
        found = told if told and told.startswith("image/") else None
    elif kind == AUDIO:
        found = told if told and told.startswith("audio/") else said if said.startswith("audio/") else None
    else:
        found = told or (said if said in _DOCUMENTS or said.startswith("text/") else None)
    if not found or not data:
        raise NotFetched(_WORDS[kind])
    return found


def _by_beginning(data: bytes) -> str | None:
    if data[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(data[8:12])
    return next((kind for begin, kind in _BEGINNINGS if data.startswith(begin)), None)
