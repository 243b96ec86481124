"""Addresses of models at Google, and what is wrong with a deployment there."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.commands.config import app
from gateway.config.models import Deployment
from gateway.dialects.endpoints import ENDPOINTS
from gateway.providers.rows import PROVIDERS

VERTEX = {"provider": "vertex", "project": "p-1", "model": "gemini-3.5-flash"}
HOST = "https://aiplatform.googleapis.com/v1/projects/p-1/locations/global"
GEMINI = "https://generativelanguage.googleapis.com/v1beta"


@pytest.mark.parametrize(
    ("deployment", "path", "urls"),
    [
        (
            {"provider": "gemini", "model": "gemini-3.5-flash"},
            "/generateContent",
            (
                f"{GEMINI}/models/gemini-3.5-flash:generateContent",
                f"{GEMINI}/models/gemini-3.5-flash:streamGenerateContent?alt=sse",
            ),
        ),
        (
            {"provider": "gemini", "model": "tunedModels/x y?", "base_url": "http://h:1/?k=v"},
            "/generateContent",
            (
                "http://h:1/v1beta/tunedModels/x%20y%3F:generateContent?k=v",
                "http://h:1/v1beta/tunedModels/x%20y%3F:streamGenerateContent?k=v&alt=sse",
            ),
        ),
        (
            {"provider": "gemini", "model": "g", "base_url": "http://h:1/proxy/v1"},
            "/chat/completions",
            ("http://h:1/proxy/v1/openai/chat/completions",) * 2,
        ),
        (
            VERTEX,
            "/generateContent",
            (
                f"{HOST}/publishers/google/models/gemini-3.5-flash:generateContent",
                f"{HOST}/publishers/google/models/gemini-3.5-flash:streamGenerateContent?alt=sse",
            ),
        ),
        (
            {**VERTEX, "model": "claude-opus-4-6@20260204"},
            "/messages",
            (
                f"{HOST}/publishers/anthropic/models/claude-opus-4-6@20260204:rawPredict",
                f"{HOST}/publishers/anthropic/models/claude-opus-4-6@20260204:streamRawPredict",
            ),
        ),
        (
            {**VERTEX, "model": "claude-opus-4-6"},
            "/messages/count_tokens",
            (f"{HOST}/publishers/anthropic/models/count-tokens:rawPredict",) * 2,
        ),
        (
            {**VERTEX, "model": "mistral-medium-3"},
            "/chat/completions",
            (
                f"{HOST}/publishers/mistralai/models/mistral-medium-3:rawPredict",
                f"{HOST}/publishers/mistralai/models/mistral-medium-3:streamRawPredict",
            ),
        ),
        (
            {**VERTEX, "model": "meta/llama-4-maverick-17b-128e-instruct-maas"},
            "/chat/completions",
            (f"{HOST}/endpoints/openapi/chat/completions",) * 2,
        ),
        (
            {"provider": "vertex", "model": "gemini-3.5-flash", "api_key": "AIza"},
            "/generateContent",
            (
                "https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-3.5-flash:generateContent",
                "https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-3.5-flash"
                ":streamGenerateContent?alt=sse",
            ),
        ),
    ],
)
def test_addresses(deployment: dict[str, Any], path: str, urls: Sequence[str]) -> None:
    row, found = PROVIDERS[deployment["provider"]], Deployment(**deployment)
    assert [row.url(row, found, path, stream) for stream in (False, True)] == list(urls)


@pytest.mark.parametrize(
    ("location", "host"),
    [
        (None, "aiplatform.googleapis.com/v1/projects/p-1/locations/global/"),
        ("global", "aiplatform.googleapis.com/v1/projects/p-1/locations/global/"),
        ("asia-northeast1", "asia-northeast1-aiplatform.googleapis.com/v1/projects/p-1/locations/asia-northeast1/"),
        ("us", "aiplatform.us.rep.googleapis.com/v1/projects/p-1/locations/us/"),
        ("eu", "aiplatform.eu.rep.googleapis.com/v1/projects/p-1/locations/eu/"),
    ],
)
def test_hosts(location: str | None, host: str) -> None:
    row = PROVIDERS["vertex"]
    assert row.url(row, Deployment(**VERTEX, location=location), "/generateContent", False).startswith(
        f"https://{host}"
    )


def test_a_base_url_may_hold_the_project() -> None:
    row, base = PROVIDERS["vertex"], "http://h:1/v1beta1/projects/other/locations/us"
    found = row.url(row, Deployment(**{**VERTEX, "base_url": base}), "/generateContent", False)
    assert found == f"{base}/publishers/google/models/gemini-3.5-flash:generateContent"


@pytest.mark.parametrize(
    ("model", "dialects"),
    [
        ("gemini-3.5-flash", ("gemini",)),
        ("claude-opus-4-6", ("messages",)),
        ("mistral-medium-3", ("chat",)),
        ("meta/llama-4-maverick-17b-128e-instruct-maas", ("chat",)),
        ("qwen/qwen3-coder-480b-a35b-instruct-maas", ("chat",)),
    ],
)
def test_dialects(model: str, dialects: tuple[str, ...]) -> None:
    choose = PROVIDERS["vertex"].dialects_of
    assert choose
    assert choose(Deployment(provider="vertex", model=model)) == dialects


@pytest.mark.parametrize(
    ("deployment", "words"),
    [
        ({"provider": "vertex", "model": "gemini-3.5-flash"}, "project: missing"),
        (
            {"provider": "gemini", "model": "gemini-3.5-flash", "location": "us"},
            "location: means nothing to",
        ),
        ({**VERTEX, "project": "a/../b"}, "project: "),
        ({**VERTEX, "location": "evil.example/"}, "location: "),
        ({**VERTEX, "credentials_file": "/absent/account.json"}, "credentials_file /absent/account.json"),
        ({**VERTEX, "access_token": "ya29.x"}, ""),
    ],
)
def test_the_check_finds_it(tmp_path: Path, deployment: dict[str, Any], words: str) -> None:
    file = tmp_path / "sekisho.yaml"
    file.write_text(json.dumps({"models": [{"name": "m", "deployments": [deployment]}]}))
    done = CliRunner().invoke(app, ["check", "--config", str(file)])
    assert (done.exit_code != 0) is bool(words)
    assert words in str(done.exception) + done.output


def test_every_endpoint_has_an_address_on_vertex() -> None:
    row = PROVIDERS["vertex"]
    for endpoint in ENDPOINTS:
        for model in ("gemini-3.5-flash", "claude-opus-4-6", "mistral-medium-3", "unknown"):
            assert row.url(row, Deployment(**{**VERTEX, "model": model}), endpoint.path, True).startswith(HOST)
