"""Files as tools give them and as answers show them."""

import base64
import binascii
from typing import Any
from urllib.parse import unquote

from plugins.shared.tool_names import one_line, original
from plugins.shared.types import Json

LARGEST_FILE = 20_000_000  # bytes


def decoded(data: Any) -> bytes | None:
    """Return the bytes of base64, None where it is none."""
    try:
        return base64.b64decode(data, validate=True) if isinstance(data, str) and data else None
    except (binascii.Error, ValueError):
        return None


def file_name(uri: str) -> str:
    """Return the last part of an address as the name of a file."""
    last = original(uri).partition("?")[0].rstrip("/").rpartition("/")[2]
    return one_line(unquote(last)).replace("/", "_")[-80:] or "document"


def file_item(id: str, kind: str, name: str, size: int) -> Json:
    """Return a stored file as an answer shows it. `size`: bytes."""
    return {"type": "file", "id": id, "url": id, "name": name, "content_type": kind, "size": size}
