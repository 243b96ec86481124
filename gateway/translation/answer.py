"""An answer in the canonical form: whole, or as the events of a stream."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from gateway.dialects.usage import Usage
from gateway.translation.parts import NOTHING_OWN, Citation, Own, Part

EndReason = Literal["stop", "stop_sequence", "length", "tool_calls", "refusal", "content_filter", "pause"]
"""`refusal`: the model declined; `content_filter`: the provider took the answer away; `pause`: it may be continued."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One whole answer."""

    id: str
    model: str
    """As the upstream names it."""
    parts: tuple[Part, ...]
    end: EndReason
    stop_sequence: str | None = None
    """The stop sequence that ended it."""
    usage: Usage | None = None
    created: int | None = None
    """Seconds since 1970."""
    logprobs: Mapping[str, Any] | None = None
    """As Chat Completions reports them."""
    service_tier: str | None = None
    own: Own = NOTHING_OWN


# A stream is a sequence of: one Started; for each part one Opened, any number of Deltas and one Closed; one Ended.
# Parts are numbered from 0 in the order of their Opened. Several may be open at the same time.


class Started(msgspec.Struct, frozen=True, gc=False):
    id: str
    model: str
    usage: Usage | None = None
    """Counts of the prompt, where the upstream knows them at the beginning."""
    created: int | None = None
    service_tier: str | None = None
    own: Own = NOTHING_OWN


class Opened(msgspec.Struct, frozen=True, gc=False):
    """A part begins: with its kind and what is known of it; its text and arguments follow as `Delta`."""

    index: int
    part: Part


class Delta(msgspec.Struct, frozen=True, gc=False):
    """More text of a part: of `Text`, `Refusal` and `Thinking` their text, of `ToolCall` its arguments.

    Of `Audio` it is the transcript; its data come with `Closed`.
    """

    index: int
    text: str
    logprobs: Any = None
    """The list of log probabilities of this piece's tokens, as Chat Completions reports it."""


class Cited(msgspec.Struct, frozen=True, gc=False):
    """A source of an open `Text`."""

    index: int
    citation: Citation


class Closed(msgspec.Struct, frozen=True, gc=False):
    """A part is complete. `part` is it whole, with all that came: text, arguments, citations, seal."""

    index: int
    part: Part


class Ended(msgspec.Struct, frozen=True, gc=False):
    """The answer is complete."""

    end: EndReason
    stop_sequence: str | None = None
    usage: Usage | None = None
    service_tier: str | None = None
    own: Own = NOTHING_OWN
    cost_usd: float | None = None
    """What the answer cost, for clients that are told."""


class Failed(msgspec.Struct, frozen=True, gc=False):
    """The upstream sent an error, which is its final event; `payload` is it, as JSON or text."""

    payload: bytes


Event = Started | Opened | Delta | Cited | Closed | Ended | Failed
