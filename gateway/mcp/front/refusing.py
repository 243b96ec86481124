"""Refusals before the protocol: an HTTP status, and a body that a client of the protocol can read."""

import logging

from mcp_types import INTERNAL_ERROR, INVALID_REQUEST

from gateway import wire
from gateway.api.client import Answer
from gateway.errors import ApiError
from gateway.mcp.front.exchange import McpExchange
from gateway.wording.languages import languages
from gateway.wording.reader import Reader, told

log = logging.getLogger("sekisho.requests")


async def refuse(answer: Answer, error: ApiError, exchange: McpExchange) -> None:
    """Answer a request that never reached a tool server."""
    id_ = exchange.recorder.request_id
    log.info("request %s: %s: %s", id_, error.code, error.message)
    words = told(error, Reader(languages(None, exchange.headers.get("accept-language"))), id_)
    code = INTERNAL_ERROR if error.status in (429, 500, 503) else INVALID_REQUEST
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": words, "data": {"reason": error.code}}}
    headers = [(b"x-sekisho-request-id", id_.encode())]
    if error.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="sekisho"'))
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(1, round(error.retry_after))))
    await answer.whole(error.status, headers, wire.encode(body))
