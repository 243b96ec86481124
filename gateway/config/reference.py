"""`docs/configuration.md`: every key of the schema, with type, default, meaning and an example.

`python -m gateway.config.reference docs/configuration.md` writes it; a test holds the two together.
"""

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

from gateway.attribute_docs import attribute_docs
from gateway.config import schema
from gateway.secret import Secret

_HEAD = """\
# Configuration

One YAML file, with `include: [other.yaml]` for parts. `${NAME}` is an environment variable; a missing one is an error
that names it. `sekisho config check` checks a file, `sekisho config explain` says where each value comes from. A
changed file is picked up while the gateway runs; what is wrong with it is logged, and the old one stays. Written from
the schema by `python -m gateway.config.reference`.
"""
_EXAMPLES = {
    "server.allowed_networks": "[10.0.0.0/8]",
    "server.trusted_proxies": "[10.1.2.3/32]",
    "server.public_url": "https://ai.example.com",
    "server.outbound_proxy": "http://proxy.example.com:3128",
    "server.no_proxy": "[.corp.example.com]",
    "server.custom_ca": "/etc/ssl/company.pem",
    "server.fetch.allowed_networks": "[10.20.0.0/16]",
    "server.fetch.allowed_hosts": "[wiki.corp.example.com]",
    "database": '"${SEKISHO_DATABASE}"  # postgresql+asyncpg://…',
    "shared_state": '"${SEKISHO_REDIS}"  # redis://…',
    "admin_key": '"${SEKISHO_ADMIN_KEY}"',
    "key_secret": '"${SEKISHO_KEY_SECRET}"',
    "console.oidc.issuer": "https://login.example.com/realms/company",
    "console.oidc.client_id": "sekisho",
    "console.oidc.client_secret": '"${SEKISHO_OIDC_SECRET}"',
    "console.oidc.name": "Example Corp",
    "console.oidc.email_claim": "preferred_username",
    "console.oidc.email_domains": "[example.com]",
    "console.oidc.groups_claim": "groups",
    "open_webui.identity_secret": '"${SEKISHO_IDENTITY_SECRET}"',
    "open_webui.teams": '{Research: research, 営業部: sales, "*": everybody}',
    "teams.NAME.models": '["gemma-*", gpt-6.1-sol]',
    "teams.NAME.requests_per_minute": "600",
    "teams.NAME.tokens_per_minute": "2000000",
    "teams.NAME.parallel_requests": "40",
    "teams.NAME.traffic_class": "batch",
    "teams.NAME.contact": '"research-ai@example.com"',
    "contact": '"it-help@example.com"',
    "own_keys": "{most: 5, longest_days: 90}",
    "own_keys.models": '["claude-*", coder]',
    "own_keys.networks": "[10.0.0.0/8]",
    "own_keys.requests_per_minute": "60",
    "own_keys.tokens_per_minute": "200000",
    "own_keys.parallel_requests": "8",
    "clients.claude_code.settings": '{env: {OTEL_METRICS_EXPORTER: otlp}, permissions: {deny: ["Read(./.env)"]}}',
    "admission.max_running": "200",
    "ledger.destination": "s3://company-logs/sekisho",
    "ledger.store_options": '{aws_endpoint: "http://minio:9000"}',
    "ledger.retention_days": "400",
    "ledger.content.keys": "[support-bot]",
    "ledger.content.encryption_key": '"${SEKISHO_CONTENT_KEY}"',
    "ledger.litellm.destination": "s3://company-logs/litellm",
    "mcp.servers.NAME.command": "[mcp-server-git, --repository, /srv/repo]",
    "mcp.servers.NAME.url": "https://wiki.example.com/mcp",
    "mcp.servers.NAME.title": "The company's wiki",
    "mcp.servers.NAME.description": "Pages of the company's wiki",
    "mcp.servers.NAME.allow": '["read_*", search]',
    "mcp.servers.NAME.deny": '["delete_*"]',
    "mcp.servers.NAME.process": "shared",
    "mcp.servers.NAME.env": '{WIKI_KEY: "${WIKI_KEY}"}',
    "mcp.servers.NAME.user_token_env": "GITHUB_TOKEN",
    "mcp.servers.NAME.cwd": "/srv/repo",
    "mcp.servers.NAME.memory_bytes": "2147483648",
    "mcp.servers.NAME.open_files": "256",
    "mcp.servers.NAME.cpu_seconds": "3600",
    "mcp.servers.NAME.max_life_seconds": "86400",
    "mcp.servers.NAME.sampling.model": "gemma-3-27b",
    "mcp.servers.NAME.headers": '{x-api-key: "${WIKI_KEY}"}',
    "mcp.servers.NAME.auth.token": '"${WIKI_TOKEN}"',
    "mcp.servers.NAME.auth.user_tokens": '{alice@example.com: "${ALICE_TOKEN}"}',
    "mcp.servers.NAME.auth.identity": "id_and_email",
    "mcp.servers.NAME.auth.oauth": "{}",
    "mcp.servers.NAME.auth.oauth.client_id": "sekisho",
    "mcp.servers.NAME.auth.oauth.client_secret": '"${WIKI_CLIENT_SECRET}"',
    "mcp.servers.NAME.auth.oauth.client_auth": "client_secret_post",
    "mcp.servers.NAME.auth.oauth.issuer": "https://login.example.com",
    "mcp.servers.NAME.auth.oauth.scopes": "[pages:read]",
    "mcp.servers.NAME.auth.oauth.audience": "wiki",
    "mcp.servers.NAME.auth.oauth.allowed_hosts": "[login.corp.example.com]",
    "mcp.servers.NAME.roots": "false",
    "mcp.servers.NAME.max_connections": "4",
    "mcp.views.NAME.servers": "[git, wiki]",
    "mcp.views.NAME.tools": '["git/*", wiki/search]',
    "mcp.views.NAME.description": "For developers",
    "mcp.views.NAME.search_above": "60",
    "mcp.search_above": "60",
    "mcp.allowed_hosts": "[sekisho.example.com]",
    "mcp.allowed_origins": '["https://chat.example.com"]',
    "console.administrators": "[admin@example.com]",
    "console.team_leads": "{research: [lead@example.com]}",
    "telemetry.endpoint": "http://collector:4318",
    "telemetry.headers": '{authorization: "${COLLECTOR_KEY}"}',
    "models[].name": "gemma-3-27b",
    "models[].description": "Coding and long documents",
    "models[].context_window": "131072",
    "models[].max_output_tokens": "8192",
    "models[].capabilities": "[tools, images]",
    "models[].end_of_life": "2027-04-01",
    "models[].successor": "gemma-4-31b",
    "models[].price": "{input: 3.00, output: 15.00, cached_input: 0.30}",
    "models[].price.cached_input": "0.30",
    "models[].price.cache_write": "3.75",
    "models[].price.reasoning": "15.00",
    "models[].price.image_input": "10.00",
    "models[].price.image_output": "40.00",
    "models[].price.audio_input": "6.00",
    "models[].price.audio_output": "12.00",
    "models[].price.image": "0.04",
    "models[].price.images": '{"1024x1024": 0.04, "1024x1536/high": 0.25}',
    "models[].fim": "qwen",
    "models[].completion.max_tokens": "256",
    "models[].completion.deadline_seconds": "10",
    "models[].available.from": "2026-04-01",
    "models[].available.until": "2027-04-01",
    "models[].fallback": "[gemma-3-12b]",
    "models[].deployments[].provider": "vllm",
    "models[].deployments[].model": "google/gemma-3-27b-it",
    "models[].deployments[].base_url": "http://gpu1:8000/v1",
    "models[].deployments[].api_key": '"${VLLM_KEY}"',
    "models[].deployments[].region": "ap-northeast-1",
    "models[].deployments[].profile": "company-ai",
    "models[].deployments[].role_arn": "arn:aws:iam::123456789012:role/sekisho",
    "models[].deployments[].project": "our-project",
    "models[].deployments[].location": "europe-west1",
    "models[].deployments[].credentials_file": "/etc/sekisho/google.json",
    "models[].deployments[].access_token": '"${GOOGLE_TOKEN}"',
    "models[].deployments[].base_model": "gpt-6.1-sol",
    "models[].deployments[].guardrail": '{id: gr-a1b2c3, version: "2"}',
    "models[].deployments[].guardrail.id": "gr-a1b2c3",
    "models[].deployments[].guardrail.version": '"2"',
    "models[].deployments[].api_version": '"2024-10-21"',
    "models[].deployments[].entra": "true",
    "models[].deployments[].dialects": "[chat, responses]",
    "models[].deployments[].betas": "[interleaved-thinking-2025-05-14]",
    "models[].deployments[].identity": "id_and_email",
    "models[].deployments[].max_concurrency": "32",
    "models[].deployments[].max_batch": "32",
}
"""Of keys whose default says nothing."""


class Key(msgspec.Struct, frozen=True):
    """A key of the configuration as people read of it."""

    path: str
    type: str
    default: str
    meaning: str
    example: str


def keys(model: type[BaseModel] = schema.Config, above: str = "") -> Iterator[Key]:
    """Yield every key below a section, in the order of the schema."""
    meanings = _docstrings(model)
    for name, field in model.model_fields.items():
        path = above + (field.alias or name)
        inner, suffix = _section(field.annotation)
        if inner:
            yield from keys(inner, f"{path}{suffix}.")
            continue
        example = _EXAMPLES.get(path) or _shown(field.default)
        yield Key(path, _type(field.annotation), _shown(field.default), meanings.get(name, ""), example)


def page() -> str:
    """Return the page."""
    rows = [
        f"| `{key.path}` | {key.type} | {_code(key.default)} | {key.meaning} | {_code(key.example)} |" for key in keys()
    ]
    return "\n".join([_HEAD, "| key | type | default | meaning | example |", "|---|---|---|---|---|", *rows, ""])


def _cells(key: Key) -> tuple[str, ...]:
    return f"`{key.path}`", key.type, _code(key.default), key.meaning, _code(key.example)


def _section(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """Return the section in which a key's own keys stand, `[]` where it is a list of them, `.NAME` a mapping."""
    for each in _alternatives(annotation):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each, ""
        if get_origin(each) is tuple and (found := _section(get_args(each)[0])[0]):
            return found, "[]"
        if get_origin(each) is dict and (found := _section(get_args(each)[1])[0]):
            return found, ".NAME"
    return None, ""


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


_NAMES: dict[Any, str] = {str: "text", int: "whole number", float: "number", bool: "true or false", Secret: "secret"}


def _type(annotation: Any) -> str:
    """Return a type in words."""
    words = [_word(each) for each in _alternatives(annotation) if each is not type(None)]
    return " or ".join(dict.fromkeys(words))


def _word(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _type(annotation)
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in get_args(annotation))
    if origin is tuple:
        return f"list of: {_type(get_args(annotation)[0])}"
    if origin is dict:
        return "mapping"
    return _NAMES.get(annotation) or {"Path": "path", "Decimal": "USD", "datetime": "moment"}.get(
        annotation.__name__, "network" if "Network" in annotation.__name__ else "address"
    )


def _shown(default: Any) -> str:
    """Return a default as YAML has it; `required` where there is none."""
    if default is PydanticUndefined:
        return "required"
    if default is None:
        return "null"
    plain = to_jsonable_python(default, fallback=str)
    return f"{plain:g}" if isinstance(plain, float) else msgspec.json.encode(plain).decode().strip('"') or '""'


def _code(text: str) -> str:
    return text if text == "required" else f"`{text}`"


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the sentences that stand below the keys in the source, as cells of a table."""
    return {name: text.replace("|", "\\|") for name, text in attribute_docs(model).items()}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
