"""A request in the canonical form: turns, tools and settings of every dialect that the gateway translates.

A reader a dialect makes it from the client's members, a writer a dialect makes the upstream's members of it. Order is
kept everywhere, so that the same conversation is always written as the same bytes and its beginning as their beginning.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from gateway.translation.parts import NOTHING_OWN, CacheMark, Own, Part

Role = Literal["system", "developer", "user", "assistant", "tool"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `tool` turns hold only `ToolResult`; system and developer turns stand where they were."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    """Of the participant, where the dialect has one."""
    own: Own = NOTHING_OWN


class FunctionTool(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    description: str | None = None
    schema: Mapping[str, Any] | None = None
    """JSON Schema of the arguments; None = no arguments."""
    strict: bool | None = None
    cache: CacheMark | None = None
    own: Own = NOTHING_OWN


class CustomTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that takes free text, perhaps after a grammar."""

    name: str
    description: str | None = None
    grammar: Mapping[str, Any] | None = None
    """`{"syntax": "lark" | "regex", "definition": …}`; None = any text."""
    cache: CacheMark | None = None
    own: Own = NOTHING_OWN


class ServerTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that the upstream itself runs; only its own dialect knows it."""

    dialect: str
    content: Mapping[str, Any]


Tool = FunctionTool | CustomTool | ServerTool


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    mode: Literal["auto", "none", "required", "named"] = "auto"
    name: str | None = None
    """Of the tool where `mode` is `named`."""
    allowed: tuple[str, ...] | None = None
    """The only tools that may be called, of those that are defined; None = all."""


class OutputFormat(msgspec.Struct, frozen=True, kw_only=True):
    """Structured output."""

    schema: Mapping[str, Any] | None = None
    """JSON Schema; None = any JSON object."""
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    mode: Literal["on", "off", "adaptive"] | None = None
    """As Messages says it; None = not said."""
    effort: str | None = None
    """One of `Effort`, or what a newer upstream may know."""
    budget: int | None = None
    """Tokens of thinking."""
    summary: str | None = None
    """How much of it is to be shown, as Responses says it: `auto`, `concise`, `detailed`."""


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A request for an answer."""

    model: str
    """The upstream's."""
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_calls: bool | None = None
    output: OutputFormat | None = None
    sampling: Sampling = Sampling()
    reasoning: Reasoning = Reasoning()
    verbosity: str | None = None
    max_tokens: int | None = None
    """Of the answer, its reasoning included."""
    stop: tuple[str, ...] = ()
    stream: bool = False
    logprobs: int | None = None
    """Number of likely tokens to report for each token; 0 = the token's own probability; None = none."""
    metadata: Mapping[str, Any] | None = None
    person: str | None = None
    """The pseudonym of whoever asks."""
    service_tier: str | None = None
    cache_key: str | None = None
    """Groups requests that begin alike."""
    cache: CacheMark | None = None
    """Of the whole request, where the dialect has one."""
    own: Own = NOTHING_OWN
    """Members of the request that only one dialect knows."""
