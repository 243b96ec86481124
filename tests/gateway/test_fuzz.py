"""Whatever is sent to whatever route: an answer below 500, in JSON, with one record."""

import json
from typing import Any

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.dialects.endpoints import ENDPOINTS
from tests.fixtures.gateway import ADMIN_KEY, GatewayProcess

PATHS = [f"/v1{endpoint.path}" for endpoint in ENDPOINTS]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))
NAMES = st.sampled_from(
    [
        "model",
        "messages",
        "input",
        "prompt",
        "stream",
        "stream_options",
        "max_tokens",
        "user",
        "metadata",
        "sekisho_identity",
        "tools",
        "previous_response_id",
        "safety_identifier",
        "temperature",
        "suffix",
        "stop",
        "n",
        "input_prefix",
        "input_suffix",
        "input_extra",
        "n_predict",
        "response_fields",
    ]
)
BODIES = st.dictionaries(NAMES | st.text(max_size=8), VALUES, max_size=6)
MODELS = st.sampled_from(["mine", "embed", "fim", "nope", "elsewhere"])


def _answers_well(answer: httpx2.Response) -> None:
    assert answer.status_code < 500, answer.text
    if answer.headers["content-type"].startswith("application/json") and answer.status_code >= 400:
        assert answer.json()["error"]["message"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(PATHS), body=BODIES, name=MODELS, known=st.booleans())
def test_bodies(http: httpx2.Client, path: str, body: dict[str, Any], name: str, known: bool) -> None:
    if known:
        body = {
            "messages": [{"role": "user", "content": "hi"}],
            "input": "x",
            "prompt": "x",
            "suffix": "y",
            **body,
            "model": name,
        }
    _answers_well(http.post(path, content=json.dumps(body).encode()))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from([*PATHS, "/v1/models", "/admin/keys", "/admin/explain", "/x"]), raw=st.binary(max_size=200))
def test_bytes(http: httpx2.Client, path: str, raw: bytes) -> None:
    _answers_well(http.post(path, content=raw))


HEADERS = st.dictionaries(
    st.sampled_from(
        ["x-forwarded-for", "x-openwebui-user-id", "x-openwebui-user-jwt", "x-sekisho-class", "user-agent"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40).map(str.strip),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(headers=HEADERS)
def test_headers(gateway: GatewayProcess, open_webui_key: str, headers: dict[str, str]) -> None:
    sent = {**headers, "authorization": f"Bearer {open_webui_key}"}
    body = {"model": "mine", "messages": [{"role": "user", "content": "hi"}]}
    _answers_well(httpx2.post(f"{gateway.url}/v1/chat/completions", json=body, headers=sent, trust_env=False))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.sampled_from(["alias", "models", "networks", "budget_nano_usd", "expires_at"]), VALUES))
def test_admin_bodies(gateway: GatewayProcess, body: dict[str, Any]) -> None:
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    content = json.dumps(body).encode()
    answer = httpx2.post(f"{gateway.url}/admin/keys", content=content, headers=headers, trust_env=False)
    _answers_well(answer)
