"""Cohere's Chat (v2), which only upstreams speak: what answers tell.

Source: docs.cohere.com/reference/chat, docs.cohere.com/reference/errors.
"""

from collections.abc import Mapping
from typing import Any

from gateway import lenient, wire
from gateway.dialects.chat import CLIENT
from gateway.dialects.contract import UpstreamDialect
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.messages import relay
from gateway.dialects.usage import Usage, from_cohere
from gateway.wire import Members

PATH = "/v2/chat"
_BROKEN = {"ERROR": "modelerrorexception", "TIMEOUT": "timeout", "USER_CANCEL": "timeout", "ERROR_LIMIT": "modelerrorexception"}  # fmt: skip  # noqa: E501
"""Finish reasons of answers that are none, with the kinds of error that they are."""
_NOTHING = "The model's answer broke off."


def is_broken(reason: Any) -> bool:
    """Return whether a finish reason says that the answer is none."""
    return isinstance(reason, str) and reason in _BROKEN


def error_of(end: Mapping[str, Any]) -> bytes:
    """Return the error that the end of a broken answer is."""
    words = end.get("error")
    kind = _BROKEN[end["finish_reason"]]
    return wire.encode({"error": {"code": kind, "message": words if isinstance(words, str) else _NOTHING}})


def usage_of(answer: Members) -> Usage | None:
    """Return the token counts of a whole answer."""
    return from_cohere(lenient.peek(answer, "usage"))


def failure(answer: Members) -> bool:
    """Return whether a whole answer with status 200 is an error: its `message` is a text then, or it broke off."""
    return wire.kind(answer, "message") is not dict or is_broken(lenient.peek(answer, "finish_reason"))


def _is_error(answer: Members) -> bool:
    """Return False: no client speaks this dialect, so none gets its errors untouched."""
    return False


def _check(fields: Members) -> None:
    """Accept anything: requests are written by the gateway alone."""


UPSTREAM = UpstreamDialect(is_error=_is_error, failure=failure, usage=usage_of, relay=relay)
COHERE = Endpoint("cohere", PATH, ("chat", "agent"), _check, CLIENT, UPSTREAM, prompt=())
