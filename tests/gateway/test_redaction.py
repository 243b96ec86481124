"""Errors of upstreams that quote our secrets, whole, cut, escaped, in any place."""

import json

import pytest

from gateway.config.addresses import secrets_in, without_secrets
from gateway.redaction import redacted

KEY = "provider-key/0123456789+abcdef"
SECRETS = (KEY,)

QUOTED = [
    json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}."}}),
    json.dumps({"error": {"message": f"Incorrect API key provided: {KEY[:16]}…"}}),
    json.dumps({"error": KEY.replace("/", "%2F").replace("+", "%2B")}),
    json.dumps({"detail": [{"msg": "bad", "input": {"headers": [["authorization", f"Bearer {KEY}"]]}}]}),
    json.dumps({KEY: 1}),
    '{"error": "' + KEY.replace("/", "\\/") + '"}',
    '{"error": "' + "".join(f"\\u{ord(each):04x}" for each in KEY) + '"}',
    f"<html>{KEY}{KEY}</html>",
    f'{{"broken": "{KEY}',
    "[" * 5000 + KEY + "]" * 5000,
]


@pytest.mark.parametrize("content", QUOTED)
def test_a_quoted_key_is_taken_out(content: str) -> None:
    clean = redacted(content.encode(), SECRETS)
    assert b"0123456789" not in clean
    assert KEY[:12].encode() not in clean
    assert b"***" in clean


@pytest.mark.parametrize(
    "token",
    [
        "sk-proj-abcDEF123456",
        "sk-abc***xyz12",
        "AIzaSyA1234567890abcdef",
        "Bearer abcdefgh.ijkl",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    ],
)
def test_what_looks_like_a_key_is_taken_out(token: str) -> None:
    clean = redacted(json.dumps({"error": {"message": f"key: {token}, again"}}).encode(), ())
    assert json.loads(clean)["error"]["message"] in ("key: ***, again", "key: Bearer ***, again")


@pytest.mark.parametrize(
    "content",
    [
        b'{"error": {"message": "max_tokens: 1e5 is more than 4096", "code":  1e400}}',
        '{"error":{"message":"この会話は長すぎます","param":"messages"}}'.encode(),
        b"\xff\xfe broken",
        b"",
        b'{"x": "task-force-one is a risk-averse disk-image"}',
    ],
)
def test_other_errors_stay_byte_for_byte(content: bytes) -> None:
    assert redacted(content, SECRETS) == content
    assert redacted(content, ("x", "EMPTY", "")) == content, "a key that is no secret tears no words apart"


def test_addresses_are_shown_without_their_secrets() -> None:
    address = "https://user:pw@host:8080/v1?api-version=2024-10-21&key=0123456789&sig=a%2Fb"
    assert without_secrets(address) == "https://***@host:8080/v1?api-version=2024-10-21&key=***&sig=***"
    assert secrets_in(address) == ("0123456789", "a/b")
