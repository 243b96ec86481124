"""What an upstream's error means for our client, be it an HTTP status, a whole answer or an event of a stream.

| upstream      | client gets                                     | another deployment? |
|---------------|-------------------------------------------------|---------------------|
| 401, 403, 407 | 502: our credentials; 503 where they expired    | yes                 |
| 402           | 502: our account there                          | yes                 |
| 404, 405      | 502: not served there                           | yes                 |
| 404, 410      | 404: the model has ended, with its successor    | yes                 |
| 404, optional | 404: an endpoint that upstreams may lack        | no                  |
| 501           | 400, of code completion: the model has no gaps  | no                  |
| 408, 504      | 504                                             | yes                 |
| 424, 499      | 502: the model failed behind the server         | yes                 |
| 498           | 400: Cohere's, for words that it does not allow | no                  |
| 429           | 429 with Retry-After, and its words             | yes                 |
| 503, 529      | 503 with Retry-After                            | yes                 |
| other 4xx     | the same, untouched; reworded in another's form | no                  |
| anything else | 502                                             | yes                 |

Clients act on the words of a 4xx: Claude Code tries again without what the upstream did not like.
"""

import math
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

import msgspec

from gateway import lenient
from gateway.dialects.contract import TOO_LONG, ClientDialect
from gateway.dialects.faults import Fault, fault_of, status_named
from gateway.errors import CredentialsMissing, InvalidRequest, ModelEnded, UpstreamRefused
from gateway.redaction import redacted
from gateway.routing.ending import has_ended
from gateway.routing.serving import Serving
from gateway.routing.target import Target

MOST_ERROR_BYTES = 64 * 1024
"""Read of an error response; what is larger has no words for people."""
_LONGEST_LOGGED = 300
_LONGEST_UNTOUCHED_BYTES = 8 * 1024
_LONGEST_RETRY_SECONDS = 3600.0

CONTENT_FILTER = "content_filter"
"""The code of what a provider's filter refused."""
_WHO = "The model's server"
_CREDENTIALS = "did not accept the gateway's credentials. The administrator must check its api_key."
_EXPIRED = "says that the gateway's credentials have expired. The administrator sees in the log which."
_NOT_SERVED = "does not serve the configured model. The administrator must check 'model:' and 'base_url:'."
_ADMIN_FAULTS = {
    401: _CREDENTIALS,
    402: "has no credit left. The administrator must check the account there.",
    403: "did not allow the gateway's credentials to use the model. The administrator must check its rights.",
    404: _NOT_SERVED,
    405: _NOT_SERVED,
    407: _CREDENTIALS,
}
_STATUS = {408: 504, 424: 502, 425: 503, 429: 429, 499: 502, 503: 503, 504: 504, 529: 503}
_NO_STANDARD = {498: 400}
"""Statuses of one vendor, with those that clients know."""
_AMAZON_EXPIRED = "ExpiredToken"
_AMAZON_TYPE = "x-amzn-errortype"
"""In which Amazon names an error, under status 400 where its own would be another."""
_UNDER_400 = frozenset((401, 429))
"""What servers say under status 400, too, by the name of the error."""
_WORDS = {
    429: "is over its rate limit. Try again later.",
    503: "is overloaded. Try again later.",
    504: "did not answer in time. Try again later.",
    502: "failed. Try again; the administrator sees why in the log.",
}


def refused(
    serving: Serving, client: ClientDialect, status: int, headers: Mapping[str, str], body: bytes
) -> UpstreamRefused:
    """Return an error response of an upstream as the error that our client gets, without our secrets."""
    target, endpoint = serving.target, serving.endpoint
    body = redacted(body, target.secrets)
    if status == 404 and endpoint.optional:
        return UpstreamRefused(
            f"{_WHO} has no '{endpoint.path}'.",
            status=404,
            upstream_status=404,
            code="endpoint_not_supported",
            retryable=False,
        )
    if status == 501 and endpoint.task == "completion":
        return UpstreamRefused(
            f"{_WHO} cannot fill in the middle with this model. Choose a model for code completion.",
            status=400,
            upstream_status=501,
            code="fim_not_supported",
            retryable=False,
        )
    fault = fault_of(body)
    kind = headers.get(_AMAZON_TYPE, "")
    if status == 400 and (named := status_named(kind)):
        status = named
    if kind.startswith(_AMAZON_EXPIRED):
        fault = msgspec.structs.replace(fault, expired=True)
    error = _refused(serving, client, status, fault, headers, body)
    error.upstream_words = fault.words[:_LONGEST_LOGGED]
    return error


def _refused(
    serving: Serving, client: ClientDialect, status: int, fault: Fault, headers: Mapping[str, str], body: bytes
) -> UpstreamRefused:
    if fault.status == 402 or (status == 400 and fault.status in _UNDER_400):
        status = fault.status
    if _is_end(serving.target, status, fault):
        return _ended(serving.target, status)
    if fault.expired and status < 500:
        return UpstreamRefused(
            f"{_WHO} {_EXPIRED}", status=503, upstream_status=status, code=CredentialsMissing.default_code
        )
    if status in _ADMIN_FAULTS:
        return UpstreamRefused(
            f"{_WHO} {_ADMIN_FAULTS[status]}", status=502, upstream_status=status, code="upstream_misconfigured"
        )
    if 400 <= status < 500 and status not in _STATUS:
        return _kept(serving, client, status, fault, body)
    answer = _STATUS.get(status, 502)
    return UpstreamRefused(
        f"{_WHO} {_WORDS[answer]}{_said(fault) if answer == 429 else ''}",
        status=answer,
        upstream_status=status,
        code="upstream_rate_limited" if answer == 429 else "upstream_error",
        retry_after=_waits(headers, fault),
    )


def _is_end(target: Target, status: int, fault: Fault) -> bool:
    """Return whether an error says that the model has ended, in its words or as its day has come."""
    return status == 410 or (status in (400, 404) and fault.ended) or (status == 404 and has_ended(target.life))


def _ended(target: Target, status: int) -> ModelEnded:
    life = target.life
    successor = life.successor if life else target.model.successor
    when = f" on {life.ends}" if life and has_ended(life) else ""
    instead = f"Use '{successor}' instead." if successor else "See GET /v1/models for what is served."
    return ModelEnded(
        f"The model '{target.model.name}' ended{when} where it runs and is no longer served. {instead}",
        upstream_status=status,
        successor=successor,
    )


def _waits(headers: Mapping[str, str], fault: Fault) -> float | None:
    """Return the seconds that an upstream asks for, in its headers or in its error."""
    asked = retry_after(headers)
    return (
        asked
        if asked is not None or fault.retry_after is None
        else min(math.ceil(fault.retry_after), _LONGEST_RETRY_SECONDS)
    )


def failed(serving: Serving, client: ClientDialect, payload: bytes) -> UpstreamRefused:
    """Return an error that stands in an answer with status 200; its own code counts."""
    return refused(serving, client, fault_of(payload).status or 502, {}, payload)


def _kept(serving: Serving, client: ClientDialect, status: int, fault: Fault, body: bytes) -> UpstreamRefused:
    """Return an error that any deployment would answer with, in the upstream's own words."""
    words = f"{_WHO} refused the request with status {status}.{_said(fault)}"
    code = TOO_LONG if fault.too_long else CONTENT_FILTER if fault.filtered else "upstream_refused"
    own = len(body) <= _LONGEST_UNTOUCHED_BYTES and _is_own(serving, body)
    told = words
    if fault.too_long and own:
        said = body.decode(errors="replace").lower()
        own, told = any(mark in said for mark in client.too_long), fault.words or words
    return UpstreamRefused(
        words,
        status=_NO_STANDARD.get(status, status),
        upstream_status=status,
        body=body if own else client.error_body(InvalidRequest(told, code=code), None),
        code=code,
        retryable=False,
        too_long=fault.too_long and status in (400, 413, 422),
    )


def _said(fault: Fault) -> str:
    return f" It says: {fault.words}" if fault.words else ""


def _is_own(serving: Serving, body: bytes) -> bool:
    """Return whether an error has the shape of our client's dialect, so that it may be passed on untouched."""
    try:
        return serving.translation is None and serving.endpoint.upstream.is_error(lenient.members(body))
    except lenient.UNREADABLE:
        return False


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return seconds from `retry-after-ms`, or from `retry-after` as seconds or as a date; at most an hour."""
    if milliseconds := _number(headers.get("retry-after-ms")):
        return min(milliseconds / 1000, _LONGEST_RETRY_SECONDS)
    text = headers.get("retry-after", "")[:64]
    seconds = _number(text)
    if seconds is None:
        seconds = _seconds_until(text)
    return None if seconds is None else min(max(seconds, 0.0), _LONGEST_RETRY_SECONDS)


def _number(text: str | None) -> float | None:
    try:
        number = float((text or "")[:64])
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _seconds_until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - time.time()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
