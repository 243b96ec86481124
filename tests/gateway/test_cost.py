"""Open WebUI learns with each answer what it cost; nobody else's answers are touched."""

import json
from typing import Any

import httpx2
import pytest

from tests.fakes.upstream import USAGE
from tests.fixtures.gateway import GatewayProcess

COST_USD = (7 * 3000 + 4 * 300 + 7 * 15000) / 1e9
BODY = {"model": "mine", "messages": [{"role": "user", "content": "hi"}]}
ASKED = {"stream": True, "stream_options": {"include_usage": True}}


def _usages(gateway: GatewayProcess, key: str, **more: Any) -> list[dict[str, Any]]:
    """Every `usage` object of an answer, whole or streamed."""
    url, headers = f"{gateway.url}/v1/chat/completions", {"authorization": f"Bearer {key}"}
    answer = httpx2.post(url, json={**BODY, **more}, headers=headers, timeout=20, trust_env=False)
    assert answer.status_code == 200, answer.text
    if not more.get("stream"):
        return [answer.json()["usage"]]
    events = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
    return [chunk["usage"] for chunk in map(json.loads, events) if chunk.get("usage")]


@pytest.mark.parametrize("more", [{}, ASKED])
def test_open_webui_is_told_the_cost(gateway: GatewayProcess, open_webui_key: str, more: dict[str, Any]) -> None:
    (usage,) = _usages(gateway, open_webui_key, **more)
    assert usage == {**USAGE, "cost": COST_USD}


@pytest.mark.parametrize("more", [{}, ASKED])
def test_other_clients_get_the_upstreams_usage(gateway: GatewayProcess, key: str, more: dict[str, Any]) -> None:
    assert _usages(gateway, key, **more) == [USAGE]


def test_without_a_price_there_is_no_cost(gateway: GatewayProcess, open_webui_key: str) -> None:
    assert _usages(gateway, open_webui_key, model="echo") == [USAGE]


def test_usage_that_nobody_asked_for_stays_out(gateway: GatewayProcess, open_webui_key: str) -> None:
    assert _usages(gateway, open_webui_key, stream=True) == []
