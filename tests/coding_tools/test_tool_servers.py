"""Claude Code and Codex call a tool of a tool server through the gateway, which is their model's gateway as well."""

import json
from collections.abc import Iterator

import pytest

from tests.coding_tools.agents import TOOL_SAYS
from tests.coding_tools.tools import Workplace, installed
from tests.fakes.mcp_everything import everything_app
from tests.fakes.replaying import Replaying
from tests.fakes.serving import serving
from tests.fixtures.gateway import GatewayProcess, deployment, model

pytestmark = pytest.mark.timeout(400)
CONFIG = """\
model = "coder"
model_provider = "sekisho"
check_for_update_on_startup = false

[model_providers.sekisho]
name = "Sekisho"
base_url = "{url}/v1"
env_key = "SEKISHO_API_KEY"
wire_api = "responses"
supports_websockets = false

[mcp_servers.hub]
url = "{url}/mcp/everything"
bearer_token_env_var = "SEKISHO_API_KEY"

[analytics]
enabled = false

[features]
plugins = false
"""


@pytest.fixture(scope="module")
def hub(
    claude: tuple[Replaying, str], gpt: tuple[Replaying, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    models = [
        model("claude-sonnet", deployment(claude[1], "caller", provider="anthropic")),
        model("coder", deployment(gpt[1], "caller", provider="openai")),
    ]
    with serving(everything_app(), lifespan="on") as url:
        config = {"models": models, "mcp": {"servers": {"everything": {"url": f"{url}/mcp"}}}}
        process = GatewayProcess(tmp_path_factory.mktemp("hub"), config).start()
        yield process
        assert process.stop() == 0, process.log


@pytest.fixture(scope="module")
def hub_key(hub: GatewayProcess) -> str:
    return hub.key("alice-laptop", "--owner", "alice@example.com")


def test_claude_code(hub: GatewayProcess, hub_key: str, workplace: Workplace) -> None:
    program = installed("claude")
    server = {
        "type": "http",
        "url": f"{hub.url}/mcp/everything",
        "headers": {"Authorization": f"Bearer {hub_key}"},
    }
    config = workplace.home / "servers.json"
    config.write_text(json.dumps({"mcpServers": {"hub": server}}))
    environment = {
        "ANTHROPIC_BASE_URL": hub.url,
        "ANTHROPIC_AUTH_TOKEN": hub_key,
        "ANTHROPIC_MODEL": "claude-sonnet",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "claude-sonnet",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    options = ("--mcp-config", str(config), "--strict-mcp-config", "--allowedTools", "mcp__hub__test_simple_text")
    printed = workplace.run(program, "-p", "Ask the tool.", *options, environment=environment)
    assert printed.strip() == f"The tool says: {TOOL_SAYS}"
    _check_record(hub)


def test_codex(hub: GatewayProcess, hub_key: str, workplace: Workplace) -> None:
    program = installed("codex")
    folder = workplace.home / ".codex"
    folder.mkdir()
    (folder / "config.toml").write_text(CONFIG.format(url=hub.url))
    freely = ("--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
    printed = workplace.run(program, "exec", *freely, "Ask the tool.", environment={"SEKISHO_API_KEY": hub_key})
    assert printed.strip() == f"The tool says: {TOOL_SAYS}"
    _check_record(hub)


def _check_record(hub: GatewayProcess) -> None:
    found = [record for record in hub.records() if record.api == "mcp"]
    assert found
    last = found[-1]
    assert (last.model, last.upstream_model, last.outcome) == ("everything", "test_simple_text", "ok")
    assert (last.user_id, last.key_alias) == ("alice@example.com", "alice-laptop")
