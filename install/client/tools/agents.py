"""Other agents of the command line: what each has to find in its files."""

from collections.abc import Sequence
from typing import Any

from gateway.presets.opencode import SCHEMA, configuration
from install.client.documents.changes import Default, Keyed
from install.client.setup import CLIENT_HEADER, OWN_KEY, PROVIDER, TITLE, VARIABLE, Model, Setup
from install.client.tool import File
from install.client.tools.bearer import bearer
from install.wording import say

_MOST_MODELS = 200
_SETTLED = "2026-01-01T00:00:00.000Z"
"""A date that Cline wants beside a provider and does not use."""


def opencode(setup: Setup) -> Sequence[File]:
    folder = setup.places.config / "opencode"
    commented = folder / "opencode.jsonc"
    path = commented if commented.exists() else folder / "opencode.json"
    return [File(path, "json", _opencode(setup, "opencode", SCHEMA))]


def opencode_managed(setup: Setup) -> Sequence[File]:
    path = setup.places.machine / "etc/opencode/opencode.json"
    return [File(path, "json", _opencode(setup, "opencode", SCHEMA))]


def kilo_code(setup: Setup) -> Sequence[File]:
    path = setup.places.config / "kilo" / "kilo.json"
    return [File(path, "json", _opencode(setup, "kilo-code", "https://app.kilo.ai/config.json"))]


def _opencode(setup: Setup, client: str, schema: str) -> dict[str, Any]:
    key = setup.secret(f"{{env:{VARIABLE}}}")
    headers = {CLIENT_HEADER: client}
    known = configuration(setup.v1, key, headers, setup.models, setup.model, setup.small)
    return {"$schema": Default(schema), **known}


def opencode_mcp(setup: Setup) -> Sequence[File]:
    headers = {"Authorization": f"Bearer {setup.secret(f'{{env:{VARIABLE}}}')}"}
    server = {"type": "remote", "url": setup.mcp_url, "enabled": True, "oauth": False, "headers": headers}
    return [File(opencode(setup)[0].path, "json", {"mcp": {PROVIDER: server}})]


def cline(setup: Setup) -> Sequence[File]:
    settings = {
        "provider": "openai-compatible",
        "apiKey": setup.secret(),
        "model": setup.model.id,
        "baseUrl": setup.v1,
        "headers": {CLIENT_HEADER: "cline"},
    }
    provider = {"settings": settings, "updatedAt": Default(_SETTLED), "tokenSource": Default("manual")}
    content = {
        "version": Default(1),
        "modes": Default({}),
        "lastUsedProvider": "openai-compatible",
        "providers": {"openai-compatible": provider},
    }
    return [File(setup.places.home / ".cline/data/settings/providers.json", "json", content)]


def cline_mcp(setup: Setup) -> Sequence[File]:
    server = {"type": "streamableHttp", "url": setup.mcp_url, "headers": bearer(setup)}
    path = setup.places.home / ".cline/data/settings/cline_mcp_settings.json"
    return [File(path, "json", {"mcpServers": {PROVIDER: server}})]


def continue_dev(setup: Setup) -> Sequence[File]:
    options = {"headers": {CLIENT_HEADER: "continue"}}
    key = setup.secret(f"${{{{ secrets.{VARIABLE} }}}}")
    models: list[dict[str, Any]] = [
        {
            "name": f"{TITLE} {setup.model.id}",
            "provider": "openai",
            "model": setup.model.id,
            "apiBase": setup.v1,
            "apiKey": key,
            "roles": ["chat", "edit", "apply"],
            "capabilities": ["tool_use"],
            "requestOptions": options,
        }
    ]
    if setup.completion:
        completing = {"name": f"{TITLE} {setup.completion.id}", "provider": "mistral", "model": setup.completion.id}
        roles = {"roles": ["autocomplete"], "requestOptions": options}
        models.append({**completing, "apiBase": setup.v1, "apiKey": key, **roles})
    named = {"name": Default(TITLE), "version": Default("1.0.0"), "schema": Default("v1")}
    return [File(setup.places.home / ".continue/config.yaml", "yaml", {**named, "models": Keyed("name", models)})]


def continue_mcp(setup: Setup) -> Sequence[File]:
    key = setup.secret(f"${{{{ secrets.{VARIABLE} }}}}")
    headers = {"headers": {"Authorization": f"Bearer {key}"}}
    server = {"name": TITLE, "type": "streamable-http", "url": setup.mcp_url, "requestOptions": headers}
    content = {"mcpServers": Keyed("name", [server])}
    return [File(setup.places.home / ".continue/config.yaml", "yaml", content)]


def qwen_code(setup: Setup) -> Sequence[File]:
    return [File(setup.places.home / ".qwen/settings.json", "json", _qwen_code(setup))]


def qwen_code_managed(setup: Setup) -> Sequence[File]:
    return [File(setup.places.machine / "etc/qwen-code/settings.json", "json", _qwen_code(setup))]


def _qwen_code(setup: Setup) -> dict[str, Any]:
    models = list({each.id: each for each in (setup.model, setup.small)}.values())
    key = {"env": {VARIABLE: setup.key.reveal()}} if setup.key else {}
    return {
        **key,
        "modelProviders": {"openai": Keyed("id", [_qwen_model(each, setup) for each in models])},
        "security": {"auth": {"selectedType": "openai"}},
        "model": {"name": setup.model.id},
        "fastModel": setup.small.id,
    }


def _qwen_model(model: Model, setup: Setup) -> dict[str, Any]:
    window = {"generationConfig": {"contextWindowSize": model.window}} if model.window else {}
    return {"id": model.id, "name": model.id, "baseUrl": setup.v1, "envKey": VARIABLE, **window}


def qwen_code_mcp(setup: Setup) -> Sequence[File]:
    server = {"httpUrl": setup.mcp_url, "headers": bearer(setup)}
    return [File(setup.places.home / ".qwen/settings.json", "json", {"mcpServers": {PROVIDER: server}})]


def gemini_cli(setup: Setup) -> Sequence[File]:
    variables = {
        "GEMINI_API_KEY": setup.secret(),
        "GOOGLE_GEMINI_BASE_URL": setup.root,
        "GEMINI_MODEL": setup.model.id,
    }
    folder = setup.places.home / ".gemini"
    return [File(folder / "settings.json", "json", _gemini_auth()), File(folder / ".env", "env", variables)]


def gemini_cli_steps(setup: Setup) -> Sequence[str]:
    return [say("Gemini CLI reads .env in folders that you trust: answer yes when it asks.")]


def gemini_cli_managed(setup: Setup) -> Sequence[File]:
    content = {**_gemini_auth(), "model": {"name": setup.model.id}}
    return [File(setup.places.machine / "etc/gemini-cli/settings.json", "json", content)]


def gemini_cli_variables(setup: Setup) -> dict[str, str]:
    return {"GOOGLE_GEMINI_BASE_URL": setup.root, "GEMINI_API_KEY": OWN_KEY}


def _gemini_auth() -> dict[str, Any]:
    return {"security": {"auth": {"selectedType": "gemini-api-key"}}}


def aider(setup: Setup) -> Sequence[File]:
    content = {
        "model": f"openai/{setup.model.id}",
        "weak-model": f"openai/{setup.small.id}",
        "editor-model": f"openai/{setup.model.id}",
        "openai-api-base": setup.v1,
        "openai-api-key": setup.secret(),
    }
    extra = {"extra_params": {"extra_headers": {CLIENT_HEADER: "aider"}}}
    names = dict.fromkeys((f"openai/{setup.model.id}", f"openai/{setup.small.id}"))
    settings = Keyed("name", [{"name": name, **extra} for name in names])
    home = setup.places.home
    return [
        File(home / ".aider.conf.yml", "yaml", content),
        File(home / ".aider.model.settings.yml", "yaml", settings),
    ]
