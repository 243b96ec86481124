"""An answer for a client of Responses, whole. Source: platform.openai.com/docs/api-reference/responses/object."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.dialects.usage import Usage
from gateway.translation.answer import Answer, EndReason
from gateway.translation.parts import Audio, Image, Part, Refusal, Text, Thinking, ToolCall
from gateway.translation.responses.names import SEPARATOR, dicts_in, responses_own
from gateway.translation.responses.part_writer import annotations_of, reasoning_item
from gateway.translation.tiers import openai_tier

Fields = dict[str, Any]

_ECHOED: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "store": True,
    "temperature": None,
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
"""Members of a request that its answer repeats, and what stands there where the client sent none."""
_TIERS = ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")
_INCOMPLETE: dict[EndReason, str] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}
"""A refusal without words of its own is told as a filter's, else nobody would see it."""


def write_answer(answer: Answer, request: Fields) -> Fields:
    """Return a whole answer."""
    output = [item for item in items_of(answer.parts, answer.id, request)]
    return response_of(answer, request, output)


def response_id(answer_id: str) -> str:
    """Return the id of an answer in this dialect; the same upstream's answer has the same one."""
    return answer_id if answer_id.startswith("resp_") else f"resp_{answer_id}"


def response_of(answer: Answer, request: Fields, output: list[Fields]) -> Fields:
    """Return the object of an answer that is over."""
    refused = any(part.get("type") == "refusal" for item in output for part in dicts_in(item.get("content")))
    reason = None if answer.end == "refusal" and refused else _INCOMPLETE.get(answer.end)
    return {
        **begun(answer.id, answer.model, answer.created, request),
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "output": output,
        "service_tier": openai_tier(answer.service_tier) or "default",
        "usage": usage_of(answer.usage),
    }


def begun(answer_id: str, model: str, created: int | None, request: Fields) -> Fields:
    """Return the object of an answer that has begun, with what it repeats of the request."""
    echoed = {name: default if request.get(name) is None else request[name] for name, default in _ECHOED.items()}
    text, reasoning = request.get("text"), request.get("reasoning")
    return {
        "id": response_id(answer_id),
        "object": "response",
        "created_at": created if created is not None else int(time.time()),
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        **echoed,
        "reasoning": {"effort": None, "summary": None} | (reasoning if isinstance(reasoning, dict) else {}),
        "text": {"format": {"type": "text"}} | (text if isinstance(text, dict) else {}),
        "service_tier": request["service_tier"] if request.get("service_tier") in _TIERS else "auto",
        "usage": None,
    }


def usage_of(usage: Usage | None) -> Fields | None:
    """Return token counts; those that nobody counted are zero."""
    if usage is None:
        return None
    given, made = usage.input or 0, usage.output or 0
    return {
        "input_tokens": given,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input or 0,
            "cache_write_tokens": usage.cache_write or 0,
        },
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
        "total_tokens": given + made,
    }


def items_of(parts: Sequence[Part], answer_id: str, request: Fields) -> Iterator[Fields]:
    """Yield the items of an output; texts that follow each other are one message."""
    spaces = namespaces(request)
    said: list[Fields] = []
    number = 0
    for part in map(spoken, parts):
        if content := content_of(part):
            said.append(content)
            continue
        item = item_of(part, answer_id, number + bool(said), spaces)
        if item is None:
            continue
        if said:
            yield message_of(said, item_id("msg", answer_id, number))
            said, number = [], number + 1
        yield item
        number += 1
    if said:
        yield message_of(said, item_id("msg", answer_id, number))


def item_id(kind: str, answer_id: str, number: int) -> str:
    """Return the id of an item: unique in its answer, the same however it is sent."""
    return f"{kind}_{answer_id.removeprefix('resp_')}_{number}"


def message_of(content: list[Fields], its_id: str, status: str = "completed") -> Fields:
    """Return what the model said as an item."""
    return {"id": its_id, "type": "message", "role": "assistant", "status": status, "content": content}


def spoken(part: Part) -> Part:
    """Return a part as this dialect has it: of sound only its words."""
    return Text(text=part.transcript or "") if isinstance(part, Audio) else part


def content_of(part: Part) -> Fields | None:
    """Return a part of a message; None where the part is an item of its own."""
    if isinstance(part, Text):
        logprobs = responses_own(part.own).get("logprobs") or []
        return {
            "type": "output_text",
            "text": part.text,
            "annotations": annotations_of(part.citations),
            "logprobs": logprobs,
        }
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    return None


def item_of(part: Part, answer_id: str, number: int, spaces: Mapping[str, tuple[str, str]]) -> Fields | None:
    """Return a part as an item of its own; None for those that the dialect does not know."""
    if isinstance(part, ToolCall):
        return _call(part, answer_id, number, spaces)
    if isinstance(part, Thinking):
        return {**reasoning_item(part), "id": part.id or item_id("rs", answer_id, number)}
    if isinstance(part, Image) and part.source.data:
        its_id = item_id("ig", answer_id, number)
        return {"id": its_id, "type": "image_generation_call", "status": "completed", "result": part.source.data}
    return None


def _call(part: ToolCall, answer_id: str, number: int, spaces: Mapping[str, tuple[str, str]]) -> Fields:
    if part.custom:
        its_id = item_id("ctc", answer_id, number)
        base = {"id": its_id, "type": "custom_tool_call", "status": "completed"}
        return base | {"call_id": part.id, "name": part.name, "input": part.arguments}
    space, name = spaces.get(part.name, (None, part.name))
    its_id = item_id("fc", answer_id, number)
    item = {"id": its_id, "type": "function_call", "status": "completed", "call_id": part.id, "name": name}
    return item | ({"namespace": space} if space else {}) | {"arguments": part.arguments or "{}"}


def namespaces(request: Fields) -> dict[str, tuple[str, str]]:
    """Return the namespace and the own name of the tools in one, by the name under which an upstream got them."""
    return {
        f"{space['name']}{SEPARATOR}{tool['name']}": (space["name"], tool["name"])
        for space in dicts_in(request.get("tools"))
        if space.get("type") == "namespace" and isinstance(space.get("name"), str)
        for tool in dicts_in(space.get("tools"))
        if isinstance(tool.get("name"), str)
    }
