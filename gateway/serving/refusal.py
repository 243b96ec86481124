"""Responses to unreadable requests, as constant bytes, in English and Japanese: nobody knows who asks."""

from enum import Enum

from gateway import wire
from gateway.wording.sentences import SENTENCES


def _answer(status: str, code: str, message: str) -> bytes:
    error = {
        "message": f"{message} {SENTENCES[code]['ja']}",
        "type": "invalid_request_error",
        "param": None,
        "code": code,
    }
    body = wire.encode({"error": error})
    fields = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close"
    return f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n".encode() + body


class Refusal(Enum):
    """Reason for refusing a request on the protocol level."""

    MALFORMED = ("400 Bad Request", "malformed_http", "This is not an HTTP/1.1 request. Use an HTTP client.")
    NO_HOST = ("400 Bad Request", "malformed_http", "An HTTP/1.1 request has exactly one 'Host' header.")
    UPGRADE = (
        "400 Bad Request",
        "malformed_http",
        "A request with a body cannot ask for another protocol. Send it without 'Upgrade'.",
    )
    HEAD_TOO_LARGE = (
        "431 Request Header Fields Too Large",
        "head_too_large",
        "The address and headers of the request are too long. Send less, or ask the administrator to raise "
        "'server.max_head_bytes'.",
    )
    TOO_MANY_FIELDS = (
        "431 Request Header Fields Too Large",
        "too_many_headers",
        "The request has too many headers. Send fewer, or ask the administrator to raise 'server.max_header_fields'.",
    )
    TOO_SLOW = (
        "408 Request Timeout",
        "request_timeout",
        "The request did not arrive in time. Send it again, or ask the administrator to raise 'server.head_seconds' "
        "or 'server.body_seconds'.",
    )

    @property
    def answer(self) -> bytes:
        """Return the whole response, after which the connection is closed."""
        return _ANSWERS[self]


_ANSWERS = {each: _answer(*each.value) for each in Refusal}
