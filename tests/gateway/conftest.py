"""Clients for the gateway under test."""

from collections.abc import Iterator

import httpx2
import openai
import pytest

from tests.fixtures.gateway import GatewayProcess


@pytest.fixture
def client(gateway: GatewayProcess, key: str) -> Iterator[openai.OpenAI]:
    """The official client, which refuses any answer that is not OpenAI's to the letter."""
    made = openai.OpenAI(
        base_url=f"{gateway.url}/v1", api_key=key, max_retries=0, timeout=20, _strict_response_validation=True
    )
    with made:
        yield made


@pytest.fixture
def http(gateway: GatewayProcess, key: str) -> Iterator[httpx2.Client]:
    """A plain client with the key."""
    headers = {"authorization": f"Bearer {key}"}
    with httpx2.Client(base_url=gateway.url, headers=headers, timeout=20, trust_env=False) as made:
        yield made
