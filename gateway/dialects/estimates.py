"""Tokens of what no provider counted, estimated from the lengths of texts."""

import re
from typing import Any

import msgspec

_BLOB = re.compile(rb"[A-Za-z0-9+/=_-]{1024,}")
"""Images and files in base64: their length says nothing about tokens."""
_BLOB_TOKENS = 1000
"""Assumed for one of them: about what an image of a screen costs."""
_WHOLE_BYTES = 1024 * 1024
"""A longer text is estimated by a sample."""
_SAMPLES, _SAMPLE_BYTES = 256, 4096


def estimate(text: str) -> int:
    """Tokens of a text that no provider counted: about four narrow characters or one wide one each."""
    narrow = len(text.encode("ascii", "ignore"))
    wide = len(text) - narrow
    return (narrow + 3) // 4 + wide


def estimate_json(raw: bytes) -> int:
    """Return the `estimate` of a prompt as JSON, in which images and files may stand."""
    if len(raw) > _WHOLE_BYTES:
        return _sampled(raw)
    blobs = 0
    if b"base64" in raw:
        raw, blobs = _BLOB.subn(b"", raw)
    return estimate(raw.decode("utf-8", "ignore")) + blobs * _BLOB_TOKENS


def _sampled(raw: bytes) -> int:
    """Estimate a long text by pieces of it, so that the time does not grow with it."""
    step = len(raw) // _SAMPLES
    pieces = [raw[start : start + _SAMPLE_BYTES] for start in range(0, step * _SAMPLES, step)]
    texts = [piece for piece in pieces if not _BLOB.fullmatch(piece)]
    tokens = sum(estimate(piece.decode("utf-8", "ignore")) for piece in texts)
    return tokens * step // _SAMPLE_BYTES + min(raw.count(b"base64"), _SAMPLES) * _BLOB_TOKENS


_TEXTS = frozenset(
    ("text", "content", "refusal", "reasoning", "reasoning_content", "thinking", "arguments", "partial_json", "summary")
)
"""The members in which the wires keep what a model wrote."""


def estimate_texts(raw: msgspec.Raw) -> int:
    """Return the `estimate` of a model's text, somewhere within a part of an answer."""
    if len(raw) > _WHOLE_BYTES:
        return _sampled(bytes(raw))
    try:
        found: list[tuple[str, Any]] = [("text", msgspec.json.decode(raw))]
    except (ValueError, RecursionError, OverflowError):
        return estimate_json(bytes(raw))
    tokens = 0
    while found:
        name, value = found.pop()
        if isinstance(value, str):
            tokens += estimate(value) if name in _TEXTS else 0
        elif isinstance(value, list):
            found += [(name, each) for each in value]
        elif isinstance(value, dict):
            found += list(value.items()) if name != "input" else [("text", msgspec.json.encode(value).decode())]
    return tokens
