"""What Claude Code has to find in its files."""

import shlex
from collections.abc import Sequence
from typing import Any

from gateway.presets.claude_code import environment
from install.client.documents.changes import ABSENT
from install.client.setup import PROVIDER, Setup
from install.client.tool import File
from install.client.tools.bearer import bearer


def claude_code(setup: Setup) -> Sequence[File]:
    return [File(setup.places.claude / "settings.json", "json", _claude_code(setup))]


def claude_code_managed(setup: Setup) -> Sequence[File]:
    path = setup.places.machine / "etc/claude-code/managed-settings.json"
    return [File(path, "json", _claude_code(setup))]


def _claude_code(setup: Setup) -> dict[str, Any]:
    known = environment(setup.model, setup.small)
    env: dict[str, Any] = {
        "ANTHROPIC_BASE_URL": setup.root,
        "ANTHROPIC_API_KEY": ABSENT,
        "ANTHROPIC_AUTH_TOKEN": ABSENT,
        **{name: ABSENT if value is None else value for name, value in known.items()},
    }
    helper: Any = ABSENT
    if setup.command:
        helper = shlex.join(setup.command)
    else:
        env["ANTHROPIC_AUTH_TOKEN"] = setup.secret()
    return {"model": setup.model.id, "apiKeyHelper": helper, "env": env}


def claude_code_mcp(setup: Setup) -> Sequence[File]:
    server: dict[str, Any] = {"type": "http", "url": setup.mcp_url}
    if setup.command:
        server["headersHelper"] = f'printf \'{{"Authorization":"Bearer %s"}}\' "$({shlex.join(setup.command)})"'
        server["headers"] = ABSENT
    else:
        server |= {"headers": bearer(setup), "headersHelper": ABSENT}
    config = setup.places.home if setup.places.claude == setup.places.home / ".claude" else setup.places.claude
    return [File(config / ".claude.json", "json", {"mcpServers": {PROVIDER: server}})]
