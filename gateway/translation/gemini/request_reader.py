"""A generateContent request into a conversation. Its model and whether it streams stand in its address.

Source: ai.google.dev/api/generate-content.
"""

from collections.abc import Iterator
from typing import Any

from gateway.errors import InvalidRequest
from gateway.translation import checks as read
from gateway.translation.checks import Fields
from gateway.translation.conversation import (
    Conversation,
    FunctionTool,
    OutputFormat,
    Reasoning,
    Sampling,
    ServerTool,
    Tool,
    ToolChoice,
)
from gateway.translation.gemini.contents_reader import read_turns
from gateway.translation.gemini.names import DIALECT
from gateway.translation.gemini.own import own_of, without
from gateway.translation.gemini.schemas import json_schema
from gateway.translation.gemini.spelling import inner, plain
from gateway.translation.parts import Own

_KNOWN = ("model", "stream", "systemInstruction", "contents", "tools", "toolConfig", "generationConfig")
_FUNCTION = ("name", "description", "parametersJsonSchema")
_GENERATION = (
    "temperature",
    "topP",
    "topK",
    "maxOutputTokens",
    "stopSequences",
    "seed",
    "frequencyPenalty",
    "presencePenalty",
    "responseLogprobs",
    "logprobs",
    "responseJsonSchema",
)
_CHOICES: dict[object, Any] = {"AUTO": "auto", "NONE": "none", "ANY": "required", "VALIDATED": "auto"}
_JSON = "application/json"


def read_request(fields: Fields) -> Conversation:
    """Read a request. Raises `InvalidRequest` naming the member at fault."""
    fields = plain(fields)
    config, at = inner(fields, "generationConfig")
    if (read.integer(config, "candidateCount", at) or 1) > 1:
        raise InvalidRequest(
            "The field 'generationConfig.candidateCount' must be 1: the model answers once.",
            code="unsupported_parameter",
            param="generationConfig.candidateCount",
        )
    choice, left = _tool_choice(fields)
    return Conversation(
        model=read.required_text(fields, "model"),
        turns=tuple(read_turns(fields)),
        tools=tuple(_tools(fields)),
        tool_choice=choice,
        output=_output(config, at),
        sampling=_sampling(config, at),
        reasoning=_reasoning(config, at),
        max_tokens=read.integer(config, "maxOutputTokens", at),
        stop=read.texts(config.get("stopSequences"), f"{at}.stopSequences"),
        stream=bool(read.flag(fields, "stream")),
        logprobs=_logprobs(config, at),
        own=_own(fields, config, left),
    )


def _own(fields: Fields, config: Fields, choice: Fields) -> Own:
    leftovers = without(config, _GENERATION)
    if leftovers.get("responseMimeType") == _JSON:
        del leftovers["responseMimeType"]
    return own_of(fields, _KNOWN, generationConfig=leftovers, toolConfig=choice)


def _sampling(config: Fields, at: str) -> Sampling:
    return Sampling(
        temperature=read.number(config, "temperature", at),
        top_p=read.number(config, "topP", at),
        top_k=read.integer(config, "topK", at),
        frequency_penalty=read.number(config, "frequencyPenalty", at),
        presence_penalty=read.number(config, "presencePenalty", at),
        seed=read.integer(config, "seed", at),
    )


def _logprobs(config: Fields, at: str) -> int | None:
    wanted, most = read.flag(config, "responseLogprobs", at), read.integer(config, "logprobs", at)
    return (most or 0) if wanted else None


def _output(config: Fields, at: str) -> OutputFormat | None:
    if read.text(config, "responseMimeType", at) != _JSON:
        return None
    schema = read.object_(config, "responseJsonSchema", at)
    if schema is None and (old := read.object_(config, "responseSchema", at)) is not None:
        schema = json_schema(old)
    return OutputFormat(schema=schema)


def _reasoning(config: Fields, at: str) -> Reasoning:
    found, at = inner(config, "thinkingConfig", at)
    budget, level = read.integer(found, "thinkingBudget", at), read.text(found, "thinkingLevel", at)
    shown = read.flag(found, "includeThoughts", at)
    return Reasoning(
        mode="off" if budget == 0 else "on" if budget and budget > 0 else "adaptive" if budget or shown else None,
        effort=level.lower() if level else None,
        budget=budget if budget and budget > 0 else None,
        summary="auto" if shown else None,
    )


def _tools(fields: Fields) -> Iterator[Tool]:
    if isinstance(fields.get("tools"), dict):
        fields = {"tools": [fields["tools"]]}
    for number, tool in enumerate(read.objects(fields, "tools")):
        at = f"tools[{number}]"
        for place, function in enumerate(read.objects(tool, "functionDeclarations", at)):
            yield _function(function, f"{at}.functionDeclarations[{place}]")
        for name, value in tool.items():
            if name != "functionDeclarations" and value is not None:
                yield ServerTool(dialect=DIALECT, content={"type": name, name: value})


def _function(found: Fields, at: str) -> FunctionTool:
    schema = read.object_(found, "parametersJsonSchema", at)
    if schema is None and (old := read.object_(found, "parameters", at)) is not None:
        schema = json_schema(old)
    return FunctionTool(
        name=read.name_of(found, "name", at),
        description=read.text(found, "description", at),
        schema=schema,
        own=own_of(found, _FUNCTION),
    )


def _tool_choice(fields: Fields) -> tuple[ToolChoice | None, Fields]:
    """Return the choice, and what of `toolConfig` only Gemini knows."""
    config, at = inner(fields, "toolConfig")
    rest = without(config, ("functionCallingConfig",))
    calling, at = inner(config, "functionCallingConfig", at)
    mode = read.text(calling, "mode", at)
    if mode is None:
        return None, rest
    if mode not in _CHOICES:
        raise read.unknown(f"{at}.mode", mode, ", ".join(map(str, _CHOICES)))
    left = without(calling, ("mode", "allowedFunctionNames"))
    if mode == "VALIDATED":
        left["mode"] = mode
    names = read.texts(calling.get("allowedFunctionNames"), f"{at}.allowedFunctionNames")
    choice = ToolChoice(mode=_CHOICES[mode], allowed=names or None)
    if mode == "ANY" and len(names) == 1:
        choice = ToolChoice(mode="named", name=names[0])
    return choice, rest | ({"functionCallingConfig": left} if left else {})
