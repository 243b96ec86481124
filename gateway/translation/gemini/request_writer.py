"""A conversation into a generateContent request, always the same bytes for the same conversation.

Source: ai.google.dev/api/generate-content; cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference.
"""

from typing import Any

from gateway.errors import InvalidRequest
from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.conversation import Conversation
from gateway.translation.gemini.contents_writer import write_turns
from gateway.translation.gemini.own import kept, without
from gateway.translation.gemini.thinking import write_reasoning
from gateway.translation.gemini.tools_writer import write_choice, write_tools

MOST_STOPS = 5
HIGHEST_TEMPERATURE = 2
_LARGEST_SEED = 2**31 - 1
_JSON = "application/json"
_INNER = ("toolConfig", "generationConfig")


def write_request(conversation: Conversation, writing: Writing) -> Fields:
    """Return the members of a request; `writing` notes what could not be carried. The model stands in its address.

    Raises `InvalidRequest` for what the model does not do.
    """
    own = kept(conversation.own)
    system, contents = write_turns(conversation.turns, writing)
    tools = write_tools(conversation, writing)
    functions = any("functionDeclarations" in tool for tool in tools)
    if functions and conversation.output is not None and not writing.profile.structured_output_with_tools:
        raise InvalidRequest(
            "The model cannot answer in JSON while it has tools. Leave out 'response_format' or 'tools', or choose "
            "another model.",
            code="unsupported_parameter",
            param="response_format",
        )
    fields: Fields = {
        "systemInstruction": system,
        "tools": tools,
        "toolConfig": write_choice(conversation, functions, own.get("toolConfig", {})),
        "contents": contents,
        "generationConfig": _generation(conversation, writing, own.get("generationConfig", {})),
        **without(own, _INNER),
    }
    _note_others(conversation, writing)
    return {name: value for name, value in fields.items() if value or name == "contents"}


def _generation(conversation: Conversation, writing: Writing, own: Any) -> Fields:
    sampling, logprobs = conversation.sampling, conversation.logprobs
    fields: Fields = {
        "temperature": _at_most(sampling.temperature, HIGHEST_TEMPERATURE, "temperature", writing),
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "maxOutputTokens": conversation.max_tokens,
        "stopSequences": _stop(conversation, writing),
        "seed": _seed(sampling.seed, writing),
        "frequencyPenalty": sampling.frequency_penalty or None,
        "presencePenalty": sampling.presence_penalty or None,
        "responseLogprobs": None if logprobs is None else True,
        "logprobs": logprobs or None,
        **_output(conversation, own),
        "thinkingConfig": write_reasoning(conversation.reasoning, writing),
    }
    return {name: value for name, value in fields.items() if value is not None} | dict(own)


def _output(conversation: Conversation, own: Any) -> Fields:
    output = conversation.output
    if output is None:
        return {}
    schema = None if "responseSchema" in own else output.schema
    return {"responseMimeType": _JSON, "responseJsonSchema": schema}


def _at_most(found: float | None, most: float, name: str, writing: Writing) -> float | None:
    if found is None or found <= most:
        return found
    writing.drop(name)
    return most


def _seed(seed: int | None, writing: Writing) -> int | None:
    """Return a seed of 32 bits; others are refused."""
    if seed is None or -_LARGEST_SEED <= seed <= _LARGEST_SEED:
        return seed
    writing.drop("seed")
    return None


def _stop(conversation: Conversation, writing: Writing) -> list[str] | None:
    found = [each for each in conversation.stop if each]
    if len(found) > MOST_STOPS or len(found) < len(conversation.stop):
        writing.drop("stop")
    return found[:MOST_STOPS] or None


def _note_others(conversation: Conversation, writing: Writing) -> None:
    for name in ("metadata", "verbosity"):
        if getattr(conversation, name) is not None:
            writing.drop(name)
    if conversation.service_tier not in (None, "auto", "default"):
        writing.drop("service_tier")
    if conversation.parallel_calls is False and conversation.tools:
        writing.drop("parallel_tool_calls")
