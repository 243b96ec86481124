"""What an upstream's error answer means for our client.

| upstream      | client gets                                     | another deployment? |
|---------------|-------------------------------------------------|---------------------|
| 401, 403      | 502: our credentials                            | yes                 |
| 404           | 502: not served there                           | yes                 |
| 404, optional | 404: an endpoint that upstreams may lack        | no                  |
| 408, 504      | 504                                             | yes                 |
| 429           | 429 with Retry-After                            | yes                 |
| 503, 529      | 503 with Retry-After                            | yes                 |
| other 4xx     | the same, untouched; reworded in another's form | no                  |
| other 5xx     | 502                                             | yes                 |

Clients act on the words of a 4xx: Claude Code tries again without what the upstream did not like.
"""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import msgspec

from gateway import wire
from gateway.dialects.family import Family
from gateway.errors import InvalidRequest, UpstreamRefused
from gateway.wire import Members

_ADMIN_FAULTS = {
    401: "did not accept the gateway's credentials. The administrator must check its api_key.",
    403: "did not allow the gateway's credentials to use the model. The administrator must check its rights.",
    404: "does not serve the configured model. The administrator must check 'model:' and 'base_url:'.",
}
_STATUS = {408: 504, 429: 429, 503: 503, 504: 504, 529: 503}
_WORDS = {
    429: "is over its rate limit. Try again later.",
    503: "is overloaded. Try again later.",
    504: "did not answer in time. Try again later.",
    502: "failed. Try again; the administrator sees why in the log.",
}
_LONGEST_WORDS = 2000


def refused(
    deployment_id: str, family: Family, status: int, headers: Mapping[str, str], body: bytes
) -> UpstreamRefused:
    """An error answer as the error that our client gets."""
    who = f"Deployment '{deployment_id}'"
    if status == 404 and family.optional:
        return _kept(f"{who} has no '{family.path}'.", 404, "endpoint_not_supported")
    if status in _ADMIN_FAULTS:
        return UpstreamRefused(
            f"{who} {_ADMIN_FAULTS[status]}", status=502, upstream_status=status, code="upstream_misconfigured"
        )
    if 400 <= status < 500 and status not in _STATUS:
        words = f"{who} refused the request with status {status}."
        return _kept(words, status, "upstream_refused", _shown(family, words, body))
    answer = _STATUS.get(status, 502)
    return UpstreamRefused(
        f"{who} {_WORDS[answer]}",
        status=answer,
        upstream_status=status,
        code="upstream_rate_limited" if answer == 429 else "upstream_error",
        retry_after=retry_after(headers),
    )


def _kept(message: str, status: int, code: str, body: bytes | None = None) -> UpstreamRefused:
    """An error that any deployment would give."""
    return UpstreamRefused(message, status=status, upstream_status=status, body=body, code=code, retryable=False)


def _shown(family: Family, words: str, body: bytes) -> bytes | None:
    """The upstream's own error where it is in the client's dialect, else what it said in that dialect."""
    try:
        answer = wire.members(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if family.dialect.is_error(answer):
        return body
    said = _said(answer)
    if said is None:
        return None
    return family.dialect.error_body(InvalidRequest(f"{words} It says: {said}", code="upstream_refused"), None)


def _said(answer: Members) -> str | None:
    """The words of an error in one of the shapes that servers use."""
    inner = wire.value(answer, "error")
    found = inner.get("message") if isinstance(inner, dict) else inner
    for words in (found, wire.value(answer, "message"), wire.value(answer, "detail")):
        if isinstance(words, str) and words:
            return words[:_LONGEST_WORDS]
    return None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from `retry-after-ms`, or `retry-after` as seconds or as a date."""
    if milliseconds := _number(headers.get("retry-after-ms")):
        return milliseconds / 1000
    text = headers.get("retry-after")
    if text is None or (seconds := _number(text)) is not None:
        return seconds if text else None
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def _number(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None
