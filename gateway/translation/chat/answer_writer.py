"""A whole answer for a client of Chat Completions."""

import time
from collections.abc import Sequence
from typing import Any

from gateway.dialects.usage import Usage
from gateway.translation.answer import Answer
from gateway.translation.chat.call_reader import made_id
from gateway.translation.chat.call_writer import write_call
from gateway.translation.chat.ends import write_end
from gateway.translation.chat.names import chat_own
from gateway.translation.chat.thinking import write_details
from gateway.translation.data_urls import url_of
from gateway.translation.parts import Audio, Citation, Image, Part, Refusal, Text, Thinking, ToolCall
from gateway.translation.tiers import openai_tier

Fields = dict[str, Any]


def write_answer(answer: Answer, request: Fields) -> Fields:
    """Return the answer to a client's request."""
    legacy = wants_functions(request)
    refused = any(isinstance(part, Refusal) for part in answer.parts)
    choice = {
        "index": 0,
        "message": _message(answer.parts, legacy=legacy),
        "logprobs": answer.logprobs,
        "finish_reason": finish_reason(write_end(answer.end, refused=refused), legacy=legacy),
    }
    fields = {
        "id": answer.id or made_answer_id(answer.created),
        "object": "chat.completion",
        "created": answer.created or int(time.time()),
        "model": answer.model,
        "choices": [choice],
        "usage": None if answer.usage is None else write_usage(answer.usage),
        "service_tier": openai_tier(answer.service_tier),
    }
    if answer.usage is None:
        del fields["usage"]
    return {**fields, **chat_own(answer.own)}


def wants_functions(request: Fields) -> bool:
    """Return whether a client knows only the older `functions`, and so the older `function_call`."""
    return bool(request.get("functions")) and not request.get("tools")


def finish_reason(reason: str, *, legacy: bool) -> str:
    """Return the reason as a client of `tools` or of the older `functions` knows it."""
    return "function_call" if legacy and reason == "tool_calls" else reason


def made_answer_id(seed: object) -> str:
    """Return an id for an answer that has none."""
    return f"chatcmpl-{made_id(seed).removeprefix('call_')}"


def write_usage(usage: Usage) -> Fields:
    """Return the token counts; what is not known counts 0 where a number is demanded."""
    asked, answered = usage.input or 0, usage.output or 0
    prompt = {"cached_tokens": usage.cached_input, "cache_write_tokens": usage.cache_write}
    fields: Fields = {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}
    if known := {name: count for name, count in prompt.items() if count is not None}:
        fields["prompt_tokens_details"] = known
    if usage.reasoning is not None:
        fields["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return fields


def write_citation(citation: Citation, offset: int, length: int) -> Fields | None:
    """Return a source as `annotations` name it; None where it has neither address nor title.

    `offset` is where the part begins in the message's text, `length` is its own.
    """
    address = citation.address
    if address is None:
        return None
    start = citation.start or 0
    end = length if citation.end is None else citation.end
    found = {
        "end_index": offset + max(start, end),
        "start_index": offset + start,
        "title": citation.title or address,
        "url": address,
    }
    if citation.cited_text is not None:
        found["content"] = citation.cited_text
    return {"type": "url_citation", "url_citation": found}


def write_image(image: Image, index: int) -> Fields | None:
    """Return an image that the model made, as OpenRouter's clients read it."""
    url = url_of(image.source, "image/png")
    return None if url is None else {"type": "image_url", "index": index, "image_url": {"url": url}}


def write_audio(audio: Audio) -> Fields:
    """Return what the model spoke."""
    data, transcript = audio.source.data or "", audio.transcript or ""
    return {"id": "", "data": data, "expires_at": 0, "transcript": transcript, **chat_own(audio.own)}


def _message(parts: Sequence[Part], *, legacy: bool) -> Fields:
    texts = [part for part in parts if isinstance(part, Text)]
    refusals = [part.text for part in parts if isinstance(part, Refusal)]
    message: Fields = {
        "role": "assistant",
        "content": "".join(part.text for part in texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    message.update(_reasoning([part for part in parts if isinstance(part, Thinking)]))
    found = {
        "annotations": _annotations(texts),
        "images": [image for at, each in enumerate(_of(parts, Image)) if (image := write_image(each, at))],
        "tool_calls": [write_call(part) for part in parts if isinstance(part, ToolCall)],
    }
    message.update({name: content for name, content in found.items() if content})
    for audio in _of(parts, Audio):
        message["audio"] = write_audio(audio)
    if legacy and "tool_calls" in message:
        message["function_call"] = message.pop("tool_calls")[0].get("function")
    return message


def _of(parts: Sequence[Part], kind: type[Any]) -> list[Any]:
    return [part for part in parts if isinstance(part, kind)]


def _reasoning(thinking: list[Thinking]) -> Fields:
    found = {
        "reasoning_content": "".join(part.text for part in thinking),
        "reasoning_details": write_details(thinking),
    }
    return {name: content for name, content in found.items() if content}


def _annotations(texts: list[Text]) -> list[Fields]:
    found, offset = [], 0
    for text in texts:
        for citation in text.citations:
            if written := write_citation(citation, offset, len(text.text)):
                found.append(written)
        offset += len(text.text)
    return found
