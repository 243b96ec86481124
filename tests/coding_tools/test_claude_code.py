"""Claude Code holds a conversation through the gateway: a tool call, an answer, and a second turn that remembers."""

import json

import pytest

from tests.coding_tools.agents import NOTE
from tests.coding_tools.tools import Workplace, installed
from tests.fakes.replaying import Replaying
from tests.fixtures.gateway import GatewayProcess

pytestmark = pytest.mark.timeout(400)


def test_a_conversation(gateway: GatewayProcess, key: str, workplace: Workplace, claude: tuple[Replaying, str]) -> None:
    program = installed("claude")
    environment = {
        "ANTHROPIC_BASE_URL": gateway.url,
        "ANTHROPIC_AUTH_TOKEN": key,
        "ANTHROPIC_MODEL": "claude-sonnet",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "claude-sonnet",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    asked = f"Read {workplace.project / NOTE} and tell me what it says."
    first = workplace.run(program, "-p", asked, "--allowedTools", "Read", environment=environment)
    assert first.strip() == "The note says 4711."
    second = workplace.run(program, "--continue", "-p", "What did it say?", environment=environment)
    assert second.strip() == "The note says 4711."

    records = [record for record in gateway.records() if record.client == "claude-code"]
    assert len(records) >= 3, "tool call, answer, second turn"
    assert {(record.api, record.task, record.outcome, record.stream) for record in records} == {
        ("messages", "chat", "ok", True)
    }
    assert {(record.user_id, record.key_alias, record.team) for record in records} == {
        ("alice@example.com", "alice-laptop", "research")
    }
    assert {(record.input_tokens, record.cached_input_tokens, record.output_tokens) for record in records} == {
        (4320, 4000, 12)
    }
    _check_upstream(claude[0])


def _check_upstream(server: Replaying) -> None:
    """What Claude Code needs to reach its model, and what must not."""
    for seen in server.seen:
        assert seen.query == "beta=true"
        assert "claude-code-" in seen.headers["anthropic-beta"]
        assert seen.headers["anthropic-version"]
        assert seen.body["system"][0]["text"].startswith("x-anthropic-billing-header:")
        assert "device_id" not in json.dumps(seen.body["metadata"])
        assert seen.body["metadata"]["user_id"].startswith("u_")
        assert not [name for name in seen.headers if name.startswith(("x-claude-code", "x-stainless", "x-app"))]
