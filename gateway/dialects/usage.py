"""Token counts as the wires report them, brought to one convention: input includes cached tokens."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request; None = not reported. `source`: provider, estimated."""

    input: int | None = None
    output: int | None = None
    cached_input: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    source: str = "provider"


def from_openai(found: Any) -> Usage | None:
    """`usage` of Chat Completions, Completions and Embeddings; None where it holds no counts."""
    if not isinstance(found, dict) or not any(name in found for name in ("prompt_tokens", "completion_tokens")):
        return None
    prompt, completion = (_object(found, f"{part}_tokens_details") for part in ("prompt", "completion"))
    total = _count(found, "prompt_tokens")
    return Usage(
        input=total,
        output=_count(found, "completion_tokens"),
        cached_input=_at_most(_count(prompt, "cached_tokens"), total),
        cache_write=_at_most(_count(prompt, "cache_write_tokens"), total),
        reasoning=_count(completion, "reasoning_tokens"),
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


_WIDE_FROM = 0x2E80
"""Kana, kanji, hangul and full-width forms begin here; about one token a character."""


def estimate(text: str) -> int:
    """Tokens of a text that no provider counted: about four narrow characters or one wide one each."""
    narrow = len(text.encode("ascii", "ignore"))
    wide = len(text) - narrow
    return (narrow + 3) // 4 + wide
