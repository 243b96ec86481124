"""Lines of JSON into the SDK's messages: one pass, and tolerant of what careless servers write."""

from collections.abc import Iterator
from typing import Any

import msgspec
from mcp_types import (
    INTERNAL_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

from gateway.lenient import UNREADABLE, readable

_decode = msgspec.json.Decoder().decode
_VERSION: Any = "2.0"
_BEGINNINGS = b"{[ \t\xef"
"""First bytes of lines that may be JSON; the last one begins a byte order mark, which servers in .NET write."""
_LONGEST_BATCH = 1024 * 1024


def messages(line: bytes | bytearray) -> Iterator[JSONRPCMessage]:
    """Yield the messages of a line: one, several if it is a batch, none if it is no JSON-RPC."""
    parsed = _parsed(line) if line[:1] in _BEGINNINGS else None
    for each in parsed if isinstance(parsed, list) else (parsed,):
        message = _message(each) if isinstance(each, dict) else None
        if message is not None:
            yield message


def _parsed(line: bytes | bytearray) -> Any:
    if line[:1] == b"[" and len(line) > _LONGEST_BATCH:
        return None
    try:
        return _decode(line)
    except UNREADABLE:
        return _repaired(line)


def _repaired(line: bytes | bytearray) -> Any:
    """Read what only Python's reader takes: NaN, half a surrogate pair, bytes that are no UTF-8."""
    try:
        return _decode(readable(line.decode("utf-8-sig", "replace").encode()))
    except UNREADABLE:
        return None


def _message(fields: dict[str, Any]) -> JSONRPCMessage | None:
    method, params, request_id = fields.get("method"), fields.get("params"), _id(fields.get("id"))
    if isinstance(method, str):
        more: Any = {"params": params} if isinstance(params, dict) else {}
        if request_id is None:
            return JSONRPCNotification.model_construct(jsonrpc=_VERSION, method=method, **more)
        return JSONRPCRequest.model_construct(jsonrpc=_VERSION, id=request_id, method=method, **more)
    if "error" in fields and fields["error"] is not None:
        return JSONRPCError.model_construct(jsonrpc=_VERSION, id=request_id, error=_error(fields["error"]))
    if request_id is None or "result" not in fields:
        return None
    result = fields["result"]
    if not isinstance(result, dict):
        error = ErrorData(code=INTERNAL_ERROR, message="The server's result is not a JSON object.")
        return JSONRPCError.model_construct(jsonrpc=_VERSION, id=request_id, error=error)
    return JSONRPCResponse.model_construct(jsonrpc=_VERSION, id=request_id, result=result)


def _id(given: Any) -> int | str | None:
    """Return a request id; some servers write the number they got as a float."""
    if isinstance(given, float) and given.is_integer():
        return int(given)
    return given if isinstance(given, int | str) and not isinstance(given, bool) else None


def _error(given: Any) -> ErrorData:
    fields = given if isinstance(given, dict) else {"message": given}
    code, message = fields.get("code"), fields.get("message")
    return ErrorData(
        code=code if isinstance(code, int) else INTERNAL_ERROR,
        message=message if isinstance(message, str) else "The server answered with an error.",
        data=fields.get("data"),
    )
