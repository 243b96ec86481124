"""A client's request for Responses as a conversation."""

from typing import Any

from gateway.translation import checks
from gateway.translation.conversation import Conversation, OutputFormat, Reasoning, Sampling, Turn
from gateway.translation.parts import Text
from gateway.translation.responses.item_reader import read_items
from gateway.translation.responses.names import RESPONSES
from gateway.translation.responses.tool_reader import read_choice, read_tools

Fields = dict[str, Any]

_READ = frozenset(
    (
        "model",
        "input",
        "instructions",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "max_output_tokens",
        "stream",
        "temperature",
        "top_p",
        "top_logprobs",
        "metadata",
        "user",
        "safety_identifier",
        "service_tier",
        "prompt_cache_key",
        "previous_response_id",
    )
)
"""Members with a canonical place; the others are kept as they came."""
LOGPROBS = "message.output_text.logprobs"
"""Asked for in `include`."""


def read_request(fields: Fields) -> Conversation:
    """Return what a client asks. Raises `InvalidRequest` that names the member at fault."""
    asked = checks.object_(fields, "reasoning") or {}
    form = checks.object_(fields, "text") or {}
    own = {name: found for name, found in fields.items() if name not in _READ and found is not None}
    return Conversation(
        model=checks.required_text(fields, "model"),
        turns=(*_instructions(fields), *read_items(fields.get("input"))),
        tools=read_tools(fields),
        tool_choice=read_choice(fields),
        parallel_calls=checks.flag(fields, "parallel_tool_calls"),
        output=_output(form),
        sampling=Sampling(temperature=checks.number(fields, "temperature"), top_p=checks.number(fields, "top_p")),
        reasoning=Reasoning(
            effort=checks.text(asked, "effort", "reasoning"),
            summary=checks.text(asked, "summary", "reasoning") or checks.text(asked, "generate_summary", "reasoning"),
        ),
        verbosity=checks.text(form, "verbosity", "text"),
        max_tokens=checks.integer(fields, "max_output_tokens"),
        stream=checks.flag(fields, "stream") or False,
        logprobs=_logprobs(fields),
        metadata=checks.object_(fields, "metadata"),
        person=checks.text(fields, "safety_identifier") or checks.text(fields, "user"),
        service_tier=checks.text(fields, "service_tier"),
        cache_key=checks.text(fields, "prompt_cache_key"),
        own={RESPONSES: own},
    )


def _instructions(fields: Fields) -> tuple[Turn, ...]:
    """Return the instructions as the first turn; it alone has no members of Responses."""
    found = fields.get("instructions")
    if isinstance(found, list):
        return read_items(found, "instructions")
    said = checks.text(fields, "instructions")
    return (Turn(role="system", parts=(Text(text=said),)),) if said else ()


def _logprobs(fields: Fields) -> int | None:
    most = checks.integer(fields, "top_logprobs")
    include = fields.get("include")
    wanted = isinstance(include, list) and LOGPROBS in include
    return (most or 0) if wanted or most else None


def _output(form: Fields) -> OutputFormat | None:
    found = checks.object_(form, "format", "text")
    kind = found and checks.required_text(found, "type", "text.format")
    if found is None or kind == "text":
        return None
    if kind == "json_object":
        return OutputFormat()
    if kind != "json_schema":
        raise checks.unknown("text.format.type", kind, "text, json_object, json_schema")
    return OutputFormat(
        schema=checks.object_(found, "schema", "text.format") or {},
        name=checks.text(found, "name", "text.format"),
        description=checks.text(found, "description", "text.format"),
        strict=checks.flag(found, "strict", "text.format"),
    )
