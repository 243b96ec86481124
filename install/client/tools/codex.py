"""What Codex has to find in its files."""

import shlex
from collections.abc import Sequence
from typing import Any

from install.client.documents.changes import ABSENT
from install.client.setup import PROVIDER, TITLE, VARIABLE, Setup
from install.client.tool import File
from install.client.tools.bearer import bearer


def codex(setup: Setup) -> Sequence[File]:
    return [File(setup.places.codex / "config.toml", "toml", _codex(setup))]


def codex_managed(setup: Setup) -> Sequence[File]:
    return [File(setup.places.machine / "etc/codex/managed_config.toml", "toml", _codex(setup))]


def _codex(setup: Setup) -> dict[str, Any]:
    provider: dict[str, Any] = {
        "name": TITLE,
        "base_url": setup.v1,
        "wire_api": "responses",
        "supports_websockets": False,
        "env_key": ABSENT,
        "experimental_bearer_token": ABSENT,
        "auth": ABSENT,
    }
    if setup.command:
        program, *arguments = setup.command
        provider["auth"] = {"command": program, "args": arguments}
    elif setup.key:
        provider["experimental_bearer_token"] = setup.key.reveal()
    else:
        provider["env_key"] = VARIABLE
    window = {"model_context_window": setup.model.window} if setup.model.window else {}
    return {"model": setup.model.id, "model_provider": PROVIDER, **window, "model_providers": {PROVIDER: provider}}


def codex_mcp(setup: Setup) -> Sequence[File]:
    server: dict[str, Any] = {"url": setup.mcp_url, "http_headers": ABSENT, "bearer_token_env_var": ABSENT}
    if setup.key and not setup.command:
        server["http_headers"] = bearer(setup)
    else:
        # Codex runs its key command for models alone.
        server["bearer_token_env_var"] = VARIABLE
    return [File(setup.places.codex / "config.toml", "toml", {"mcp_servers": {PROVIDER: server}})]


def codex_mcp_variables(setup: Setup) -> dict[str, str]:
    return {VARIABLE: f"$({shlex.join(setup.command)})"} if setup.command else {}
