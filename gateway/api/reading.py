"""Checks of what an upstream sends, whatever its status says: an error is an error, wherever it stands."""

import contextlib

from gateway import lenient, wire
from gateway.dialects.contract import ClientDialect
from gateway.dialects.framing import FrameTooLong
from gateway.errors import UpstreamError, UpstreamUnreachable
from gateway.redaction import redacted
from gateway.refusals import MOST_ERROR_BYTES, failed, refused
from gateway.routing.serving import Serving
from gateway.upstream.answer import UpstreamAnswer
from gateway.wire import Members

_MOST_BLANK_BYTES = 64 * 1024
_BLANK = b"\xef\xbb\xbf \t\r\n"
_JSON = (b"{", b"[")
_EVENT_STREAM = (b"data:", b"event:", b":", b"id:", b"retry:")


async def check_status(response: UpstreamAnswer, serving: Serving, client: ClientDialect) -> None:
    """Raise `UpstreamRefused` for a status that is none of success."""
    if 200 <= response.status < 300:
        return
    body = b""
    with contextlib.suppress(UpstreamError):  # the status counts, whatever becomes of its words
        body = await response.read_beginning(MOST_ERROR_BYTES)
    raise refused(serving, client, response.status, response.headers, body)


async def beginning(response: UpstreamAnswer) -> bytes:
    """Read a body until it says something; empty where it never does."""
    data = b""
    while not data.strip(_BLANK) and len(data) < _MOST_BLANK_BYTES:
        part = await response.read()
        if not part:
            return b""
        data += part
    return data


def is_json(body: bytes) -> bool:
    """Return whether a body begins as JSON does; an event stream never does."""
    return body.lstrip(_BLANK)[:1] in _JSON


def is_html(body: bytes) -> bool:
    """Return whether a body begins as a page does."""
    return body.lstrip(_BLANK)[:1] == b"<"


def whole_answer(body: bytes, serving: Serving, client: ClientDialect) -> Members:
    """Return the members of an upstream's answer. Raises `UpstreamRefused` for an error, `UpstreamUnreachable`."""
    upstream, target = serving.endpoint.upstream, serving.target
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        answer = upstream.read(body)
    except lenient.UNREADABLE:
        raise _no_answer(body, serving, client) from None
    if not upstream.failure(answer):
        return answer
    error = failed(serving, client, body if len(body) <= MOST_ERROR_BYTES else b"")
    announced = "status" in answer and client.fails_with_answer and serving.translation is None
    if announced and error.code != "upstream_misconfigured":
        wire.put(answer, "model", target.model.name)
        error.answer = redacted(wire.encode(answer), target.secrets)
    raise error


def invalid(why: str) -> UpstreamUnreachable:
    """Return the error for an answer that cannot be one."""
    return UpstreamUnreachable(f"The model's server {why}.", code="upstream_invalid_answer")


def closed() -> UpstreamUnreachable:
    """Return the error for a stream that ended before its answer did."""
    return UpstreamUnreachable(
        "The model's server closed the stream before the answer was complete.", code="upstream_closed"
    )


def _no_answer(body: bytes, serving: Serving, client: ClientDialect) -> UpstreamError:
    """Return the error for a body that is no answer: an array with an error, an event stream, a page."""
    if body.lstrip(_BLANK)[:1] == b"[":
        return failed(serving, client, body[:MOST_ERROR_BYTES])
    if not body.lstrip(_BLANK).startswith(_EVENT_STREAM):
        return invalid("answered with something that is not JSON")
    relay = serving.endpoint.upstream.relay("", {})
    with contextlib.suppress(FrameTooLong):
        relay.feed(body)
        relay.end()
    if relay.error:
        return failed(serving, client, relay.error)
    return invalid("answered with a stream although none was asked for")
