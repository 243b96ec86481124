"""A gateway before models that act, and a machine to run the tools on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.coding_tools.agents import NOTE, messages_agent, responses_agent
from tests.coding_tools.tools import Workplace, refusing_proxy
from tests.fakes.replaying import Replaying
from tests.fakes.serving import serving
from tests.fixtures.gateway import GatewayProcess, deployment, model


@pytest.fixture(scope="module")
def claude() -> Iterator[tuple[Replaying, str]]:
    fake = messages_agent()
    with serving(fake) as address:
        yield fake, address


@pytest.fixture(scope="module")
def gpt() -> Iterator[tuple[Replaying, str]]:
    fake = responses_agent()
    with serving(fake) as address:
        yield fake, address


@pytest.fixture(scope="module")
def gateway(
    claude: tuple[Replaying, str], gpt: tuple[Replaying, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """Serves `claude-sonnet` and `coder`."""
    models = [
        model("claude-sonnet", deployment(claude[1], "agent", provider="anthropic")),
        model("coder", deployment(gpt[1], "agent", provider="openai")),
    ]
    process = GatewayProcess(tmp_path_factory.mktemp("coding"), {"models": models}).start()
    yield process
    assert process.stop() == 0, process.log


@pytest.fixture(scope="module")
def key(gateway: GatewayProcess) -> str:
    return gateway.key("alice-laptop", "--owner", "alice@example.com", "--team", "research")


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Workplace]:
    """With a note in the project. At the end, nothing may have tried to leave the machine."""
    with refusing_proxy() as (proxy, refused):
        made = Workplace(tmp_path, proxy, refused)
        (made.project / NOTE).write_text("The word is SEKISHO-4711.\n")
        yield made
        assert refused == [], "the tool wanted to reach something besides the gateway"
