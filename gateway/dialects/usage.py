"""Token counts as the wires report them, brought to one convention: input includes cached tokens."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from gateway import lenient
from gateway.wire import Members

_MOST_TOKENS = 10**12
"""Of one answer; a larger count is a server's mistake, and its cost would not fit a record."""

UsageSource = Literal["provider", "estimated"]
MOST_MEASURED = 1_000_000
"""Images, search units or seconds that an upstream is believed of one request."""


class Media(msgspec.Struct, frozen=True):
    """What of a request's tokens is no text, and what else its price depends on."""

    image_input: int = 0
    """Tokens of images in the prompt, a part of its tokens."""
    image_output: int = 0
    audio_input: int = 0
    audio_output: int = 0
    characters: int = 0
    """Characters that were spoken."""
    image_kind: str | None = None
    """Size and quality of the images, as `gateway.dialects.image_kinds` writes them."""


class Usage(msgspec.Struct, frozen=True):
    """What one request used; None = not reported. `input` includes cached tokens, always."""

    input: int | None = None
    output: int | None = None
    cached_input: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    images: int | None = None
    """Made by the model."""
    audio_seconds: float | None = None
    """Heard or spoken by the model."""
    search_units: int | None = None
    """Of a rerank, as providers bill it."""
    source: UsageSource = "provider"
    media: Media | None = None
    billed: "Usage | None" = None
    """What the provider bills where it tells that apart: without the prompt of its own, for example."""

    @property
    def charged(self) -> "Usage":
        """Return what costs: the counts that are billed, else all."""
        return self if self.billed is None else self.billed

    @property
    def measured(self) -> bool:
        """Return whether it is counted in something else than tokens."""
        return any(each is not None for each in (self.images, self.search_units, self.audio_seconds))


def from_chat(found: Any) -> Usage | None:
    """Return the `usage` of Chat Completions, Completions and Embeddings; None where it holds no counts."""
    return _inclusive(found, "prompt_tokens", "completion_tokens")


def from_responses(found: Any) -> Usage | None:
    """Return the `usage` of Responses; None where it holds no counts."""
    return _inclusive(found, "input_tokens", "output_tokens")


def from_messages(found: Any) -> Usage | None:
    """Return the `usage` of Messages, where `input_tokens` is only what no cache read or wrote; None without counts."""
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


def from_converse(found: Any) -> Usage | None:
    """Return the `usage` of Converse, where `inputTokens` is only what no cache read or wrote; None without counts."""
    if not isinstance(found, dict) or not any(name in found for name in ("inputTokens", "outputTokens")):
        return None
    read, written = _count(found, "cacheReadInputTokens"), _count(found, "cacheWriteInputTokens")
    plain = _count(found, "inputTokens")
    return Usage(
        input=None if plain is None else plain + (read or 0) + (written or 0),
        output=_count(found, "outputTokens"),
        cached_input=read,
        cache_write=written,
    )


def from_cohere(found: Any) -> Usage | None:
    """Return the `usage` of Cohere's Chat: all tokens, its own prompt among them, and billed units; None without any.

    What it read from its cache is part of all tokens, and billed as the others.
    """
    counts = found if isinstance(found, dict) else {}
    tokens, units = _object(counts, "tokens"), _object(counts, "billed_units")
    names = ("input_tokens", "output_tokens")
    asked, written = (_count(tokens, name) for name in names)
    billed = Usage(input=_count(units, names[0]), output=_count(units, names[1]))
    if asked is None and written is None:
        return None if billed == Usage() else billed
    cached = _part(_count(counts, "cached_tokens"), asked)
    return Usage(input=asked, output=written, cached_input=cached, billed=None if billed == Usage() else billed)


def from_gemini(found: Any) -> Usage | None:
    """Return the `usageMetadata` of Gemini, where candidates' tokens exclude thoughts; None where it holds no counts.

    The prompt's total includes what the cache read, but not what tools of the server put beside it.
    """
    names = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount")
    if not isinstance(found, dict) or not any(_count(found, name) is not None for name in names):
        return None
    prompt, said, total = (_count(found, name) for name in names)
    thoughts, beside = _count(found, "thoughtsTokenCount"), _count(found, "toolUsePromptTokenCount")
    asked = None if prompt is None else prompt + (beside or 0)
    rest = max((total or 0) - (asked or 0), thoughts or 0) if asked is not None else thoughts
    output = rest if said is None else said + (thoughts or 0)
    return Usage(
        input=asked,
        output=output,
        cached_input=_part(_count(found, "cachedContentTokenCount"), asked),
        reasoning=_part(thoughts, output),
    )


def from_infill(answer: Members) -> Usage | None:
    """Read the counts of llama.cpp's own answers; None where it holds none.

    `tokens_cached` is what stands in the cache after the answer: a part of the prompt only where it is less than that.
    `timings` tells what was really read from it (`cache_n`) or computed (`prompt_n`).
    """
    names = ("tokens_evaluated", "tokens_predicted", "tokens_cached", "timings")
    found = {name: lenient.peek(answer, name) for name in names if name in answer}
    timings = _object(found, "timings")
    total, output = _count(found, "tokens_evaluated"), _count(found, "tokens_predicted")
    reused, computed, after = _count(timings, "cache_n"), _count(timings, "prompt_n"), _count(found, "tokens_cached")
    if total is None and computed is not None:
        total = computed + (reused or 0)
    if total is None and output is None:
        return None
    if reused is None and total is not None:
        reused = total - computed if computed is not None else after if (after or 0) < total else None
    cached = _part(None if reused is None else max(reused, 0), total)
    return Usage(input=total, output=_count(timings, "predicted_n") if output is None else output, cached_input=cached)


def from_rerank(usage: Any, meta: Any) -> Usage | None:
    """Return the `usage` of a rerank (Jina, vLLM, llama.cpp) or its `meta` (Cohere); None where they hold no counts."""
    told, about = (found if isinstance(found, dict) else {} for found in (usage, meta))
    billed, tokens = _object(about, "billed_units"), _object(about, "tokens")
    places = ((told, "prompt_tokens"), (told, "total_tokens"), (tokens, "input_tokens"), (billed, "input_tokens"))
    counts = [count for place, name in places if (count := _count(place, name)) is not None]
    found = Usage(input=counts[0] if counts else None, search_units=_count(billed, "search_units"))
    return None if found == Usage() else found


def from_transcription(usage: Any, duration: Any) -> Usage | None:
    """Return the `usage` (tokens or seconds) or `duration` of a transcription; None without counts."""
    told = usage if isinstance(usage, dict) else {}
    tokens = from_media(told) or Usage()
    given = [each for each in (told.get("seconds"), duration) if isinstance(each, float) or type(each) is int]
    found = msgspec.structs.replace(tokens, audio_seconds=next((each for each in given if each >= 0), None))
    return None if found == Usage() else found


def from_media(found: Any) -> Usage | None:
    """Return the `usage` of Images, Speech and Transcriptions, media tokens included; None without counts."""
    usage = from_responses(found)
    if usage is None:
        return None
    asked = _object(found, "input_tokens_details") or _object(found, "input_token_details")
    answered = _object(found, "output_tokens_details")
    counts = (_count(part, name) or 0 for part in (asked, answered) for name in ("image_tokens", "audio_tokens"))
    image_input, audio_input, image_output, audio_output = counts
    media = Media(image_input, image_output, audio_input, audio_output)
    return usage if media == Media() else msgspec.structs.replace(usage, media=media)


def total(counts: Sequence[Usage]) -> Usage:
    """Return what several answers used together; what one of them does not tell is not known of all."""
    names = ("input", "output", "cached_input", "cache_write", "reasoning", "images", "audio_seconds", "search_units")
    sums = {name: [getattr(each, name) for each in counts] for name in names}
    found = {name: None if None in values else sum(values) for name, values in sums.items()}
    media = [each.media for each in counts if each.media]
    return Usage(**found, media=_joined(media) if media else None)  # type: ignore[arg-type]


def _joined(media: Sequence[Media]) -> Media:
    names = ("image_input", "image_output", "audio_input", "audio_output", "characters")
    sums = {name: sum(getattr(each, name) for each in media) for name in names}
    return Media(**sums, image_kind=media[0].image_kind)


def _inclusive(found: Any, prompt: str, answer: str) -> Usage | None:
    """Read OpenAI's two shapes, whose prompt totals include what the cache read."""
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
    """Return a whole number that may be a count; None where something else stands there, `true` and "12" too."""
    value = found.get(name)
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else None


def _part(part: int | None, whole: int | None) -> int | None:
    """Return a part that does not exceed its whole, as some upstreams report it; None where the whole is not known."""
    return None if part is None or whole is None else min(part, whole)


class Most(msgspec.Struct, frozen=True):
    """The most tokens that prompt and answer of a request can have. A count beyond is none."""

    input: int
    output: int


def credible(usage: Usage, most: Most) -> Usage:
    """Return `usage` without the counts that cannot be, and what was part of them."""
    if usage.measured and max(usage.images or 0, usage.search_units or 0, usage.audio_seconds or 0) > MOST_MEASURED:
        usage = msgspec.structs.replace(usage, images=None, search_units=None, audio_seconds=None)
    if (usage.input or 0) <= most.input and (usage.output or 0) <= most.output:
        return usage
    if (usage.input or 0) > most.input:
        usage = msgspec.structs.replace(usage, input=None, cached_input=None, cache_write=None)
    if (usage.output or 0) > most.output:
        usage = msgspec.structs.replace(usage, output=None, reasoning=None)
    return usage
