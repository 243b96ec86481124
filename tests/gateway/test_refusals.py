"""What an upstream's error means for our client, and when it may be asked again."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from gateway.config.schema import Config
from gateway.dialects.chat import CHAT
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.messages import MESSAGES
from gateway.dialects.responses import RESPONSES
from gateway.refusals import failed, refused, retry_after
from gateway.routing.routes import build_routes
from gateway.routing.serving import Serving

SECRET = "sk-provider-canary-5f2d"


def _serving(endpoint: Endpoint = CHAT) -> Serving:
    row = {"provider": "vllm", "base_url": "http://gpu/v1", "model": "x", "api_key": SECRET}
    routes = build_routes(Config.model_validate({"models": [{"name": "m", "deployments": [row]}]}), {})
    return Serving(routes.targets["m"][0], endpoint)


STATUSES = {
    **dict.fromkeys((400, 409, 413, 422), (None, False)),
    **dict.fromkeys((401, 402, 403, 404, 405, 407, 302, 500), (502, True)),
    **dict.fromkeys((425, 503, 529), (503, True)),
    **dict.fromkeys((408, 504), (504, True)),
    429: (429, True),
}
"""What our client gets, None = the same, and whether somebody else is asked."""


@pytest.mark.parametrize("status", STATUSES)
def test_statuses(status: int) -> None:
    ours, retryable = STATUSES[status][0] or status, STATUSES[status][1]
    error = refused(_serving(), CHAT.client, status, {}, b'{"error":{"message":"because of x"}}')
    assert (error.status, error.retryable, error.upstream_status) == (ours, retryable, status)
    assert ("because of x" in error.message) is (ours in (400, 409, 413, 422, 429))
    assert (error.body is None) is retryable
    inside = failed(
        _serving(), CHAT.client, json.dumps({"error": {"message": "because of x", "code": status}}).encode()
    )
    assert (inside.status, inside.retryable) == ((ours, retryable) if status >= 400 else (502, True))


@pytest.mark.parametrize("endpoint", [CHAT, MESSAGES, RESPONSES])
def test_words_have_the_clients_shape_and_no_secret(endpoint: Endpoint) -> None:
    body = json.dumps({"detail": [{"loc": ["body", "x"], "msg": f"no {SECRET}"}]}).encode()
    error = refused(_serving(endpoint), endpoint.client, 422, {}, body)
    assert error.body
    told = json.loads(error.body)
    assert "body.x: no ***" in told["error"]["message"]
    assert ("type" in told) is (endpoint is MESSAGES)
    assert SECRET not in error.message


def test_an_own_error_is_passed_on_untouched_but_for_secrets() -> None:
    body = b'{"error" : {"message":"no","x":1.50}}'
    assert refused(_serving(), CHAT.client, 400, {}, body).body == body
    with_key = body.replace(b"no", SECRET.encode())
    assert SECRET.encode() not in (refused(_serving(), CHAT.client, 400, {}, with_key).body or b"")


def test_only_a_large_one_is_reworded() -> None:
    error = refused(_serving(), CHAT.client, 400, {}, json.dumps({"error": {"message": "x" * 60_000}}).encode())
    assert error.body
    assert 2000 < len(error.body) < 3000


AN_HOUR = 3600.0
RETRIES = [
    ("77", 77.0),
    ("1.5", 1.5),
    ("0", 0.0),
    ("-5", 0.0),
    ("inf", None),
    ("-inf", None),
    ("nan", None),
    ("1e300", AN_HOUR),
    ("9" * 300, AN_HOUR),
    ("9" * 100_000, AN_HOUR),
    ("31536000", AN_HOUR),
    ("", None),
    ("soon", None),
    ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ("Wed, 21 Oct 9999 07:28:00 GMT", AN_HOUR),
    ("Wed, 21 Oct 99999 07:28:00 GMT", None),
    ("Wed, 99999999999999999999 Oct 2026 07:28:00 GMT", None),
    (",", None),
]


@pytest.mark.parametrize(("text", "seconds"), RETRIES, ids=[row[0][:20] for row in RETRIES])
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}) == seconds
    if seconds is not None and text[0].isdigit() and seconds < AN_HOUR:
        assert retry_after({"retry-after-ms": f"{seconds * 1000}"}) == (seconds or None)


def test_retry_after_as_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert retry_after({"retry-after": date}) == pytest.approx(90, abs=3)
    assert retry_after({"retry-after": date.replace("GMT", "-0000")}) == pytest.approx(90, abs=3)
    assert retry_after({"retry-after-ms": "inf", "retry-after": "5"}) == 5
