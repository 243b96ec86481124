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
    plain, output = _count(found, "input_tokens"), _count(found, "output_tokens")
    return Usage(
        input=None if plain is None else plain + (read or 0) + (written or 0),
        output=output,
        cached_input=read,
        cache_write=written,
        reasoning=_part(_count(_object(found, "output_tokens_details"), "thinking_tokens"), output),
    )


def _inclusive(found: Any, prompt: str, answer: str) -> Usage | None:
    """OpenAI's two shapes, whose prompt totals include what the cache read."""
    if not isinstance(found, dict) or not any(name in found for name in (prompt, answer)):
        return None
    asked, answered = _object(found, f"{prompt}_details"), _object(found, f"{answer}_details")
    total, output = _count(found, prompt), _count(found, answer)
    cached = _part(_count(asked, "cached_tokens"), total)
    return Usage(
        input=total,
        output=output,
        cached_input=cached,
        cache_write=_part(_count(asked, "cache_write_tokens"), None if total is None else total - (cached or 0)),
        reasoning=_part(_count(answered, "reasoning_tokens"), output),
    )


def _object(found: dict[str, Any], name: str) -> dict[str, Any]:
    part = found.get(name)
    return part if isinstance(part, dict) else {}


def _count(found: dict[str, Any], name: str) -> int | None:
    """Return a whole number that is not negative; None where something else stands there, `true` and "12" too."""
    value = found.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _part(part: int | None, whole: int | None) -> int | None:
    """Return a part that does not exceed its whole, as some upstreams report it; None where the whole is not known."""
    return None if part is None or whole is None else min(part, whole)


class Most(msgspec.Struct, frozen=True):
    """The most tokens that prompt and answer of a request can have. A count beyond is none."""

    input: int
    output: int


def credible(usage: Usage, most: Most) -> Usage:
    """Return `usage` without the counts that cannot be, and what was part of them."""
    if (usage.input or 0) <= most.input and (usage.output or 0) <= most.output:
        return usage
    if (usage.input or 0) > most.input:
        usage = msgspec.structs.replace(usage, input=None, cached_input=None, cache_write=None)
    if (usage.output or 0) > most.output:
        usage = msgspec.structs.replace(usage, output=None, reasoning=None)
    return usage


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
    """`estimate` of a prompt as JSON, in which images and files may stand."""
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
    """`estimate` of what a model wrote, somewhere within a part of an answer."""
    if len(raw) > _WHOLE_BYTES:
        return _sampled(bytes(raw))
    try:
        found: list[tuple[str, Any]] = [("", msgspec.json.decode(raw))]
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
