"""Media in `data:` URLs (RFC 2397), cut into their data and joined again."""

import base64
from urllib.parse import unquote_to_bytes

from gateway.errors import InvalidRequest
from gateway.translation.parts import Source

_SCHEME = "data:"
_BASE64 = ";base64"
_LONGEST_HEAD = 1000


def is_data_url(url: str) -> bool:
    """Return whether an address holds its data itself."""
    return url[: len(_SCHEME)].lower() == _SCHEME


def source_of(url: str, where: str) -> Source:
    """Return what an address stands for; of a `data:` URL its data and media type.

    Raises `InvalidRequest` that names the field `where`.
    """
    if not is_data_url(url):
        return Source(url=url)
    comma = url.find(",", 0, _LONGEST_HEAD)
    if comma < 0:
        raise InvalidRequest(f"The field '{where}' has a data: URL without a comma before its data.", param=where)
    head = url[len(_SCHEME) : comma]
    media_type = head.partition(";")[0].strip().lower() or None
    data = url[comma + 1 :]
    if not head.lower().rstrip().endswith(_BASE64):
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    return Source(data=data, media_type=media_type)


def url_of(source: Source, default_type: str) -> str | None:
    """Return the address of a medium, a `data:` URL for data; None where it has neither."""
    if source.data is not None:
        return f"{_SCHEME}{source.media_type or default_type}{_BASE64},{source.data}"
    return source.url
