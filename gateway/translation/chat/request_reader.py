"""A client's request for Chat Completions as a conversation."""

from typing import Any

from gateway.translation import checks
from gateway.translation.chat.message_reader import MessageReader
from gateway.translation.chat.names import CHAT, cache_of
from gateway.translation.chat.tool_reader import read_choice, read_tools
from gateway.translation.conversation import Conversation, OutputFormat, Reasoning, Sampling

Fields = dict[str, Any]

_READ = frozenset(
    (
        "model",
        "messages",
        "tools",
        "functions",
        "tool_choice",
        "function_call",
        "parallel_tool_calls",
        "reasoning_effort",
        "verbosity",
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "stream",
        "temperature",
        "top_p",
        "top_k",
        "frequency_penalty",
        "presence_penalty",
        "seed",
        "logprobs",
        "top_logprobs",
        "metadata",
        "user",
        "safety_identifier",
        "service_tier",
        "prompt_cache_key",
        "cache_control",
    )
)
"""Members with a canonical place; the others are kept as they came."""
IGNORABLE = frozenset(
    (
        "stream_options",
        "store",
        "prediction",
        "modalities",
        "prompt_cache_retention",
        "prompt_cache_options",
        "reasoning",
        "thinking",
        "enable_thinking",
        "chat_template_kwargs",
    )
)
"""Of the others those that change no answer elsewhere, or were read, too; audio is asked for by `audio`."""


def read_request(fields: Fields) -> Conversation:
    """Return what a client asks. Raises `InvalidRequest` that names the member at fault."""
    messages = checks.objects(fields, "messages")
    if not messages:
        raise checks.missing("messages", "an array with at least one message")
    reader = MessageReader()
    output = _output(fields)
    own = {name: found for name, found in fields.items() if name not in _READ and found is not None}
    if output is not None or own.get("response_format") == {"type": "text"}:
        own.pop("response_format", None)
    return Conversation(
        model=checks.required_text(fields, "model"),
        turns=tuple(reader.read(each, f"messages[{number}]", number) for number, each in enumerate(messages)),
        tools=read_tools(fields),
        tool_choice=read_choice(fields),
        parallel_calls=checks.flag(fields, "parallel_tool_calls"),
        output=output,
        sampling=_sampling(fields),
        reasoning=_reasoning(fields),
        verbosity=checks.text(fields, "verbosity"),
        max_tokens=_limit(fields),
        stop=checks.texts(fields.get("stop"), "stop"),
        stream=checks.flag(fields, "stream") or False,
        logprobs=_logprobs(fields),
        metadata=checks.object_(fields, "metadata"),
        person=checks.text(fields, "safety_identifier") or checks.text(fields, "user"),
        service_tier=checks.text(fields, "service_tier"),
        cache_key=checks.text(fields, "prompt_cache_key"),
        cache=cache_of(fields),
        own={CHAT: own},
    )


def _sampling(fields: Fields) -> Sampling:
    return Sampling(
        temperature=checks.number(fields, "temperature"),
        top_p=checks.number(fields, "top_p"),
        top_k=checks.integer(fields, "top_k"),
        frequency_penalty=checks.number(fields, "frequency_penalty"),
        presence_penalty=checks.number(fields, "presence_penalty"),
        seed=checks.integer(fields, "seed"),
    )


def _limit(fields: Fields) -> int | None:
    newer = checks.integer(fields, "max_completion_tokens")
    older = checks.integer(fields, "max_tokens")
    return older if newer is None else newer


def _logprobs(fields: Fields) -> int | None:
    wanted, most = checks.flag(fields, "logprobs"), checks.integer(fields, "top_logprobs")
    return (most or 0) if wanted else None


def _output(fields: Fields) -> OutputFormat | None:
    """Return the form of the answer; types that only some servers know are kept as they came."""
    found, where = checks.object_(fields, "response_format"), "response_format"
    if found is None:
        return None
    kind = checks.required_text(found, "type", where)
    if kind == "json_object":  # llama.cpp and Together take a schema here
        return OutputFormat(schema=checks.object_(found, "schema", where))
    if kind != "json_schema":
        return None
    schema, at = checks.required_object(found, "json_schema", where), f"{where}.json_schema"
    return OutputFormat(
        schema=checks.object_(schema, "schema", at) or {},
        name=checks.text(schema, "name", at),
        description=checks.text(schema, "description", at),
        strict=checks.flag(schema, "strict", at),
    )


def _reasoning(fields: Fields) -> Reasoning:
    """Read OpenAI's effort, OpenRouter's `reasoning`, and the switches of other servers, which are kept, too."""
    asked, thinking = fields.get("reasoning"), fields.get("thinking")
    asked = asked if isinstance(asked, dict) else {}
    effort = checks.text(fields, "reasoning_effort") or checks.text(asked, "effort", "reasoning")
    budget = checks.integer(asked, "max_tokens", "reasoning")
    mode = _SWITCHES.get(asked.get("enabled")) if isinstance(asked.get("enabled"), bool) else None
    if isinstance(thinking, dict):  # Anthropic's, DeepSeek's and Z.ai's
        budget = budget or checks.integer(thinking, "budget_tokens", "thinking")
        kind = thinking.get("type")
        mode = mode or (_TYPES.get(kind) if isinstance(kind, str) else None)
    return Reasoning(mode=mode or _switched(fields), effort=effort, budget=budget)


_SWITCHES: dict[Any, Any] = {True: "on", False: "off"}
_TYPES: dict[str, Any] = {"enabled": "on", "disabled": "off", "adaptive": "adaptive"}


def _switched(fields: Fields) -> Any:
    """Return how the switch of Qwen's chat templates stands."""
    template = fields.get("chat_template_kwargs")
    for holder in (fields, template if isinstance(template, dict) else {}):
        if isinstance(switch := holder.get("enable_thinking"), bool):
            return _SWITCHES[switch]
    return None
