"""JSON-RPC messages as they stand on the wire."""

from typing import Any

import msgspec
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, PARSE_ERROR

from gateway.mcp.protocol import Params, Result
from gateway.mcp.upstream.channel import Sink

Message = dict[str, Any]

encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_LONGEST_ERROR = 4000
"""Characters of an error's message that are passed on."""


def request(id_: int | str, method: str, params: Params) -> bytes:
    return encode({"jsonrpc": "2.0", "id": id_, "method": method, "params": params})


def notification(method: str, params: Params | None) -> bytes:
    named = {} if params is None else {"params": params}
    return encode({"jsonrpc": "2.0", "method": method, **named})


def response(id_: Any, result: Result) -> bytes:
    return encode({"jsonrpc": "2.0", "id": id_, "result": result})


def failure(id_: Any, error: MCPError) -> bytes:
    return encode({"jsonrpc": "2.0", "id": id_, "error": error.error.model_dump(mode="json", exclude_none=True)})


def decode(text: bytes) -> list[Message]:
    """Return the messages of a body: one, or a batch of older servers. Raises `MCPError`."""
    try:
        found = _decode(text)
    except (ValueError, OverflowError, RecursionError):
        raise MCPError(PARSE_ERROR, "The tool server sent something that is not JSON.") from None
    each = found if isinstance(found, list) else [found]
    if not all(isinstance(message, dict) for message in each):
        raise MCPError(PARSE_ERROR, "The tool server sent something that is not JSON-RPC.")
    return each


def is_whole(text: bytes) -> bool:
    """Return whether a text is JSON to its end."""
    try:
        decode(text)
    except MCPError:
        return False
    return True


def result_of(message: Message) -> Result:
    """Return the result of a response. Raises the `MCPError` that it carries, or one where it is neither."""
    if isinstance(error := message.get("error"), dict):
        raise error_of(error)
    if isinstance(result := message.get("result"), dict):
        return result
    raise MCPError(INTERNAL_ERROR, "The tool server sent an answer that holds no result.")


def error_of(error: Message) -> MCPError:
    """Return the error of a message; what is not an error's own type is put right."""
    code, message = error.get("code"), error.get("message")
    number = code if isinstance(code, int) and not isinstance(code, bool) else INTERNAL_ERROR
    return MCPError(number, message[:_LONGEST_ERROR] if isinstance(message, str) else "", error.get("data"))


def is_response(message: Message) -> bool:
    return "method" not in message and ("result" in message or "error" in message)


async def report(sink: Sink, params: Params) -> None:
    """Pass progress on, where it is some."""
    progress, total, words = params.get("progress"), params.get("total"), params.get("message")
    if isinstance(progress, int | float) and not isinstance(progress, bool):
        known = float(total) if isinstance(total, int | float) and not isinstance(total, bool) else None
        await sink.progress(float(progress), known, words if isinstance(words, str) else None)
