"""What an upstream's error answer means for our client.

| upstream       | client gets              | another deployment? |
|----------------|--------------------------|---------------------|
| 400, 404*, 422 | the same, body untouched | no                  |
| 401, 403       | 502: our credentials     | yes                 |
| 404            | 502: not served there    | yes                 |
| 408, 504       | 504                      | yes                 |
| 429            | 429 with Retry-After     | yes                 |
| 503, 529       | 503 with Retry-After     | yes                 |
| other 5xx      | 502                      | yes                 |
"""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import msgspec

from gateway import wire
from gateway.errors import UpstreamRefused

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


def refused(deployment_id: str, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
    """An error answer as the error that our client gets."""
    who = f"Deployment '{deployment_id}'"
    if status in _ADMIN_FAULTS:
        return UpstreamRefused(
            f"{who} {_ADMIN_FAULTS[status]}", status=502, upstream_status=status, code="upstream_misconfigured"
        )
    if 400 <= status < 500 and status not in _STATUS:
        shown = body if _is_object(body) else None
        return UpstreamRefused(
            f"{who} refused the request with status {status}.",
            status=status,
            upstream_status=status,
            body=shown,
            code="upstream_refused",
            retryable=False,
        )
    answer = _STATUS.get(status, 502)
    return UpstreamRefused(
        f"{who} {_WORDS[answer]}",
        status=answer,
        upstream_status=status,
        code="upstream_rate_limited" if answer == 429 else "upstream_error",
        retry_after=retry_after(headers),
    )


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


def _is_object(body: bytes) -> bool:
    try:
        return "error" in wire.members(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
