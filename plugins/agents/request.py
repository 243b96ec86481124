"""The request to the agent."""

from collections.abc import Callable
from typing import Any

from plugins.agents.attachments import file_parts
from plugins.agents.manifest import Agent
from plugins.agents.pieces import Piece
from plugins.agents.turn import Turn
from plugins.shared.json_values import dict_of, dicts, items, words
from plugins.shared.types import Json

PASSED_ON = (
    *("temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed", "presence_penalty"),
    *("frequency_penalty", "reasoning_effort", "response_format"),
)
USAGE_TOO = {"stream_options": {"include_usage": True}}


def conversation(messages: list[Any]) -> list[Json]:
    """Return who said what: without tool calls, which only show the agent's own earlier steps; an answer's halves
    join."""
    kept: list[Json] = []
    for message in map(dict_of, messages):
        role, content = message.get("role"), message.get("content")
        if role not in ("system", "developer", "user", "assistant") or not content:
            continue
        if role == "assistant" and kept and kept[-1]["role"] == role:
            kept[-1] = {"role": role, "content": f"{words(kept[-1]['content'])}\n{words(content)}"}
        else:
            kept.append({"role": role, "content": content})
    return kept


def with_parts(messages: list[Json], parts: list[Json]) -> list[Json]:
    """Put the files before the last question."""
    last = next((at for at in reversed(range(len(messages))) if messages[at]["role"] == "user"), None)
    if not parts or last is None:
        return messages
    content = messages[last]["content"]
    asked = content if isinstance(content, list) else [{"type": "text", "text": content}]
    return [*messages[:last], {"role": "user", "content": [*parts, *asked]}, *messages[last + 1 :]]


def response_parts(role: str, content: Any) -> list[Json]:
    if role == "assistant":
        return [{"type": "output_text", "text": words(content)}]
    if isinstance(content, str):
        return [{"type": "input_text", "text": content}]
    translated: dict[str, Callable[[Json], Json]] = {
        "text": lambda part: {"type": "input_text", "text": words(part)},
        "image_url": lambda part: {"type": "input_image", "image_url": dict_of(part.get("image_url")).get("url")},
        "file": lambda part: {"type": "input_file", **dict_of(part.get("file"))},
    }
    return [translated[part["type"]](part) for part in dicts(content) if part.get("type") in translated]


def as_responses(messages: list[Json]) -> Json:
    instructions = [words(message["content"]) for message in messages if message["role"] in ("system", "developer")]
    spoken = [message for message in messages if message["role"] in ("user", "assistant")]
    inputs = [{"role": one["role"], "content": response_parts(one["role"], one["content"])} for one in spoken]
    return {"input": inputs, **({"instructions": "\n\n".join(instructions)} if instructions else {})}


async def request_of(turn: Turn, agent: Agent) -> tuple[str, Json, list[Piece]]:
    """Return the path, the body, and what is to be said about files."""
    parts, notes = await file_parts(turn, agent)
    messages = with_parts(conversation(items(turn.body.get("messages"))), parts)
    settings = {key: turn.body[key] for key in PASSED_ON if turn.body.get(key) is not None}
    common = {"model": agent.model or agent.id, "stream": True}
    if agent.dialect == "chat":
        return "/chat/completions", {**common, **settings, "messages": messages, **USAGE_TOO}, notes
    limit = settings.get("max_completion_tokens") or settings.get("max_tokens")
    settings = {key: value for key, value in settings.items() if key in ("temperature", "top_p")}
    bounded = {"max_output_tokens": limit} if limit else {}
    return "/responses", {**common, **settings, **bounded, **as_responses(messages)}, notes
