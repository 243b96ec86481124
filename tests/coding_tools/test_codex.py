"""Codex holds a conversation through the gateway: a tool call, an answer, and a second turn that remembers."""

import json

import pytest

from gateway.api.catalogue import INSTRUCTIONS
from tests.coding_tools.tools import Workplace, installed
from tests.fakes.replaying import Replaying
from tests.fixtures.gateway import GatewayProcess

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
{more}

[analytics]
enabled = false

[features]
plugins = false
"""
FREELY = ("--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
"""The sandbox needs rights that a container does not have; the one command run is our own fake's `cat`."""


def test_a_conversation(gateway: GatewayProcess, key: str, workplace: Workplace, gpt: tuple[Replaying, str]) -> None:
    program = installed("codex")
    _configure(workplace, gateway)
    environment = {"SEKISHO_API_KEY": key}
    first = workplace.run(program, "exec", *FREELY, "Read the note.", environment=environment)
    assert first.strip() == "The note says 4711."
    asked = ("exec", "resume", "--last", *FREELY, "What did it say?")
    assert workplace.run(program, *asked, environment=environment).strip() == "The note says 4711."

    records = [record for record in gateway.records() if record.client == "codex"]
    assert len(records) == 3, "tool call, answer, second turn"
    assert {(record.api, record.task, record.outcome, record.stream) for record in records} == {
        ("responses", "chat", "ok", True)
    }
    assert {(record.user_id, record.key_alias, record.team) for record in records} == {
        ("alice@example.com", "alice-laptop", "research")
    }
    assert {
        (record.input_tokens, record.cached_input_tokens, record.output_tokens, record.reasoning_tokens)
        for record in records
    } == {(900, 700, 12, 4)}
    for seen in gpt[0].seen:
        assert seen.body["safety_identifier"].startswith("u_")
        assert seen.body["prompt_cache_key"]
        assert not [name for name in seen.headers if name.startswith(("x-codex", "session", "thread", "originator"))]


def test_a_websocket_costs_no_time(gateway: GatewayProcess, key: str, workplace: Workplace) -> None:
    """Codex falls back to HTTP in the same turn, without `Reconnecting… 1/5`."""
    program = installed("codex")
    _configure(workplace, gateway, more="supports_websockets = true")
    asked = ("exec", *FREELY, "--json", "The word is SEKISHO-1234. Say it.")
    printed = workplace.run(program, *asked, environment={"SEKISHO_API_KEY": key})
    assert "The note says 1234." in printed
    assert "Reconnecting" not in printed


def test_models_come_from_the_catalogue(
    gateway: GatewayProcess, key: str, workplace: Workplace, gpt: tuple[Replaying, str]
) -> None:
    """With a command for its key Codex asks for it, and works as it says: instructions, `apply_patch`, window."""
    program = installed("codex")
    _configure(workplace, gateway)
    config = workplace.home / ".codex" / "config.toml"
    (workplace.home / "key").write_text(key)
    command = f'[model_providers.sekisho.auth]\ncommand = "cat"\nargs = ["{workplace.home / "key"}"]\n\n[analytics]'
    by_command = config.read_text().replace('env_key = "SEKISHO_API_KEY"\n', "").replace("[analytics]", command)
    config.write_text(by_command)
    assert workplace.run(program, "exec", *FREELY, "Read the note.", environment={}).strip() == "The note says 4711."

    cached = json.loads((workplace.home / ".codex" / "models_cache.json").read_text())
    assert "coder" in [each["slug"] for each in cached["models"]]
    sent = gpt[0].seen[-1].body
    assert INSTRUCTIONS[:60] in json.dumps(sent, ensure_ascii=False)
    assert ("custom", "apply_patch") in [(tool["type"], tool.get("name")) for tool in sent["tools"]]


def _configure(workplace: Workplace, gateway: GatewayProcess, more: str = "supports_websockets = false") -> None:
    folder = workplace.home / ".codex"
    folder.mkdir()
    (folder / "config.toml").write_text(CONFIG.format(url=gateway.url, more=more))
