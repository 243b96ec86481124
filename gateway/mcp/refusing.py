"""Refusals before the protocol: an HTTP status, and a body that a client of the protocol can read."""

import logging
from collections.abc import Mapping

from gateway import wire
from gateway.api.client import Answer
from gateway.errors import ApiError
from gateway.wording.languages import languages
from gateway.wording.reader import Reader, told

log = logging.getLogger("sekisho.requests")

_INVALID_REQUEST, _INTERNAL_ERROR = -32600, -32603
"""Of JSON-RPC; the SDK, which has names for them, is not there in every process."""


async def refuse(answer: Answer, error: ApiError, asked: Mapping[str, str], id_: str) -> None:
    """Answer a request that never reached a tool server. `asked`: its headers; `id_`: ours."""
    log.info("request %s: %s: %s", id_, error.code, error.message)
    words = told(error, Reader(languages(None, asked.get("accept-language"))), id_)
    code = _INTERNAL_ERROR if error.status in (429, 500, 503) else _INVALID_REQUEST
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": words, "data": {"reason": error.code}}}
    headers = [(b"x-sekisho-request-id", id_.encode())]
    if error.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="sekisho"'))
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(1, round(error.retry_after))))
    await answer.whole(error.status, headers, wire.encode(body))
