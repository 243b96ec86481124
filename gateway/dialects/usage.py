"""Token counts as the wires report them, brought to one convention: input includes cached tokens."""

import re
from typing import Any

import msgspec


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one request; None = not reported. `source`: provider, estimated."""

    input: int | None = None
    output: int | None = None
    cached_input: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    source: str = "provider"


def from_chat(found: Any) -> Usage | None:
    """`usage` of Chat Completions, Completions and Embeddings; None where it holds no counts."""
    return _inclusive(found, "prompt_tokens", "completion_tokens")


def from_responses(found: Any) -> Usage | None:
    """`usage` of Responses; None where it holds no counts."""
    return _inclusive(found, "input_tokens", "output_tokens")


def from_messages(found: Any) -> Usage | None:
    """`usage` of Messages, where `input_tokens` is only what no cache read or wrote; None without counts."""
    if not isinstance(found, dict) or not any(name in found for name in ("input_tokens", "output_tokens")):
        return None
    read, written = _count(found, "cache_read_input_tokens"), _count(found, "cache_creation_input_tokens")
    plain = _count(found, "input_tokens")
    return Usage(
        input=None if plain is None else plain + (read or 0) + (written or 0),
        output=_count(found, "output_tokens"),
        cached_input=read,
        cache_write=written,
        reasoning=_count(_object(found, "output_tokens_details"), "thinking_tokens"),
    )


def _inclusive(found: Any, prompt: str, answer: str) -> Usage | None:
    """OpenAI's two shapes, whose prompt totals include what the cache read."""
    if not isinstance(found, dict) or not any(name in found for name in (prompt, answer)):
        return None
    asked, answered = _object(found, f"{prompt}_details"), _object(found, f"{answer}_details")
    total = _count(found, prompt)
    return Usage(
        input=total,
        output=_count(found, answer),
        cached_input=_at_most(_count(asked, "cached_tokens"), total),
        cache_write=_at_most(_count(asked, "cache_write_tokens"), total),
        reasoning=_count(answered, "reasoning_tokens"),
    )


def _object(found: dict[str, Any], name: str) -> dict[str, Any]:
    part = found.get(name)
    return part if isinstance(part, dict) else {}


def _count(found: dict[str, Any], name: str) -> int | None:
    value = found.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _at_most(part: int | None, whole: int | None) -> int | None:
    """Some upstreams report more cached tokens than prompt tokens; a part never exceeds its whole."""
    return part if part is None or whole is None else min(part, whole)


_BLOB = re.compile(rb"[A-Za-z0-9+/=_-]{1024,}")
"""Images and files in base64: their length says nothing about tokens."""
_BLOB_TOKENS = 1000
"""Assumed for one of them: about what an image of a screen costs."""


def estimate(text: str) -> int:
    """Tokens of a text that no provider counted: about four narrow characters or one wide one each."""
    narrow = len(text.encode("ascii", "ignore"))
    wide = len(text) - narrow
    return (narrow + 3) // 4 + wide


def estimate_json(raw: bytes) -> int:
    """`estimate` of a prompt as JSON, in which images and files may stand."""
    blobs = 0
    if b"base64" in raw:
        raw, blobs = _BLOB.subn(b"", raw)
    return estimate(raw.decode("utf-8", "ignore")) + blobs * _BLOB_TOKENS
