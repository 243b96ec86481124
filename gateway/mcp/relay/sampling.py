"""Questions of servers to a model, put to a model of the gateway where the client has none to ask. Pure."""

from typing import Any

import msgspec
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from gateway.config.mcp import McpSampling
from gateway.mcp.protocol import Params, Result

_MOST_MESSAGES = 256
_STOPPED = {"length": "maxTokens", "stop": "endTurn"}
_LONGEST_REASON = 500


def chat_request(params: Params, settings: McpSampling) -> bytes:
    """Return a `sampling/createMessage` as a chat completion. Raises `MCPError` for what a model is not asked here."""
    if params.get("tools"):
        raise MCPError(INVALID_PARAMS, "The gateway's model answers without tools; ask without 'tools'.")
    listed = params.get("messages")
    if not isinstance(listed, list) or not 0 < len(listed) <= _MOST_MESSAGES:
        raise MCPError(INVALID_PARAMS, f"'messages' must hold 1 to {_MOST_MESSAGES} messages.")
    system = params.get("systemPrompt")
    asked = [{"role": "system", "content": system}] if isinstance(system, str) and system else []
    most, temperature, stop = params.get("maxTokens"), params.get("temperature"), params.get("stopSequences")
    wanted = most if isinstance(most, int) and not isinstance(most, bool) and most > 0 else settings.max_tokens
    body: dict[str, Any] = {
        "model": settings.model,
        "messages": [*asked, *(_message(each) for each in listed)],
        "max_tokens": min(wanted, settings.max_tokens),
    }
    if isinstance(temperature, int | float) and not isinstance(temperature, bool):
        body["temperature"] = temperature
    if isinstance(stop, list) and stop:
        body["stop"] = [each for each in stop if isinstance(each, str)][:4]
    return msgspec.json.encode(body)


def sampled(status: int, body: bytes, model: str) -> Result:
    """Return a chat completion as the answer to a server. Raises `MCPError` where it is none."""
    try:
        found = msgspec.json.decode(body)
        if status >= 300:
            raise MCPError(INTERNAL_ERROR, f"The model was not asked: {found['error']['message'][:_LONGEST_REASON]}")
        choice = found["choices"][0]
        words, why = choice["message"]["content"] or "", choice.get("finish_reason")
    except (msgspec.DecodeError, KeyError, IndexError, TypeError) as error:
        raise MCPError(INTERNAL_ERROR, f"The model did not answer (HTTP {status}).") from error
    content = {"type": "text", "text": words}
    return {"role": "assistant", "content": content, "model": model, "stopReason": _STOPPED.get(why, "endTurn")}


def _message(message: Any) -> dict[str, Any]:
    """Return a message of a server as one of a chat. Raises `MCPError`."""
    role = message.get("role") if isinstance(message, dict) else None
    if role not in ("user", "assistant"):
        raise MCPError(INVALID_PARAMS, "A message needs the role 'user' or 'assistant'.")
    content = message.get("content")
    return {"role": role, "content": [_part(each) for each in (content if isinstance(content, list) else [content])]}


def _part(block: Any) -> dict[str, Any]:
    match block:
        case {"type": "text", "text": str(words)}:
            return {"type": "text", "text": words}
        case {"type": "image", "data": str(data), "mimeType": str(media_type)}:
            return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{data}"}}
        case {"type": "audio", "data": str(data), "mimeType": str(media_type)}:
            return {"type": "input_audio", "input_audio": {"data": data, "format": media_type.rpartition("/")[2]}}
    raise MCPError(INVALID_PARAMS, "The gateway's model is asked with text, images and audio only.")
