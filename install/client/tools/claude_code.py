"""What Claude Code has to find in its files."""

import shlex
from collections.abc import Sequence
from typing import Any

from install.client.documents.changes import ABSENT
from install.client.setup import PROVIDER, Model, Setup
from install.client.tool import File
from install.client.tools.bearer import bearer


def claude_code(setup: Setup) -> Sequence[File]:
    return [File(setup.places.claude / "settings.json", "json", _claude_code(setup))]


def claude_code_managed(setup: Setup) -> Sequence[File]:
    path = setup.places.machine / "etc/claude-code/managed-settings.json"
    return [File(path, "json", _claude_code(setup))]


def _claude_code(setup: Setup) -> dict[str, Any]:
    model, small = setup.model, setup.small
    env: dict[str, Any] = {
        "ANTHROPIC_BASE_URL": setup.root,
        "ANTHROPIC_DEFAULT_OPUS_MODEL": model.id,
        "ANTHROPIC_DEFAULT_SONNET_MODEL": model.id,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": small.id,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",
        "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1",
        "ANTHROPIC_API_KEY": ABSENT,
        "ANTHROPIC_AUTH_TOKEN": ABSENT,
        **_unknown_to_claude_code(model),
    }
    helper: Any = ABSENT
    if setup.command:
        helper = shlex.join(setup.command)
    else:
        env["ANTHROPIC_AUTH_TOKEN"] = setup.secret()
    return {"model": model.id, "apiKeyHelper": helper, "env": env}


def _unknown_to_claude_code(model: Model) -> dict[str, Any]:
    """Return what a model that is not Anthropic's needs: its window, no deferred tools, no trial features."""
    window = str(model.window) if model.window and not model.is_claude else ABSENT
    switches = {"ENABLE_TOOL_SEARCH": "false", "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1"}
    return {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": window, **({} if model.is_claude else switches)}


def claude_code_mcp(setup: Setup) -> Sequence[File]:
    server: dict[str, Any] = {"type": "http", "url": setup.mcp_url}
    if setup.command:
        server["headersHelper"] = f'printf \'{{"Authorization":"Bearer %s"}}\' "$({shlex.join(setup.command)})"'
        server["headers"] = ABSENT
    else:
        server |= {"headers": bearer(setup), "headersHelper": ABSENT}
    config = setup.places.home if setup.places.claude == setup.places.home / ".claude" else setup.places.claude
    return [File(config / ".claude.json", "json", {"mcpServers": {PROVIDER: server}})]
