"""A gateway before servers that speak Messages and Responses, and the vendors' clients as judges."""

from collections.abc import Iterator

import anthropic
import httpx2
import openai
import pytest

from tests.fakes import messages, responses
from tests.fakes.recordings import require_recordings
from tests.fakes.replaying import Replaying
from tests.fakes.serving import serving
from tests.fixtures.gateway import GatewayProcess, deployment, model

OWNER = "alice@example.com"
PRICE = {"input": 3.0, "output": 15.0, "cached_input": 0.3, "cache_write": 3.75}


@pytest.fixture(scope="session", autouse=True)
def _recordings() -> None:
    require_recordings()


@pytest.fixture(scope="session")
def claude() -> Iterator[tuple[Replaying, str]]:
    """The server that speaks Messages, and its address."""
    fake = messages.fake_messages()
    with serving(fake) as address:
        yield fake, address


@pytest.fixture(scope="session")
def gpt() -> Iterator[tuple[Replaying, str]]:
    """The server that speaks Responses, and its address."""
    fake = responses.fake_responses()
    with serving(fake) as address:
        yield fake, address


@pytest.fixture(scope="session")
def gateway(
    claude: tuple[Replaying, str], gpt: tuple[Replaying, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """Models named after what their server does: `m-…` speak Messages, `r-…` Responses."""
    models = [
        model(f"m-{name}", deployment(claude[1], name, dialects=["messages"], idle_timeout=2), price=PRICE)
        for name in messages.BEHAVIOURS
    ]
    models += [
        model(f"r-{name}", deployment(gpt[1], name, dialects=["responses"], idle_timeout=2), price=PRICE)
        for name in responses.BEHAVIOURS
    ]
    models += [
        model("completions-only", deployment(gpt[1], "text", dialects=["completions"])),
        model("anthropic", deployment(claude[1], "text", provider="anthropic")),
        model("openai", deployment(gpt[1], "text", provider="openai")),
        model(
            "m-second-place", *(deployment(claude[1], name, dialects=["messages"]) for name in ("error-first", "text"))
        ),
    ]
    config = {"server": {"keepalive_seconds": 5, "max_body_bytes": 1024 * 1024}, "models": models}
    process = GatewayProcess(tmp_path_factory.mktemp("dialects"), config).start()
    yield process
    assert process.stop() == 0, process.log


@pytest.fixture(scope="session")
def key(gateway: GatewayProcess) -> str:
    return gateway.key("alice-laptop", "--owner", OWNER, "--team", "research")


@pytest.fixture
def messages_client(gateway: GatewayProcess, key: str) -> Iterator[anthropic.Anthropic]:
    """The official client, which refuses any answer that is not Anthropic's to the letter."""
    made = anthropic.Anthropic(
        base_url=gateway.url, auth_token=key, api_key=None, max_retries=0, timeout=20, _strict_response_validation=True
    )
    with made:
        yield made


@pytest.fixture
def responses_client(gateway: GatewayProcess, key: str) -> Iterator[openai.OpenAI]:
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
