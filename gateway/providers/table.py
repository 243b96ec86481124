"""Vendors that need no code of their own: a row each. A vendor gets a file only where its protocol needs code."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Provider:
    """A vendor's row. Defaults are the conservative ones; a row opts in."""

    name: str
    base_url: str | None = None
    """Without a trailing slash, including `/v1`."""
    needs_base_url: bool = True
    """Every deployment names its own address, as this row has none."""
    dialects: tuple[str, ...] = ("chat", "completions", "embeddings")
    """What it speaks, native first; a client of another dialect is told so."""
    auth_header: str = "authorization"
    auth_prefix: str = "Bearer "
    pseudonyms: bool = False
    """Wants to know one person from another, so each request gets our pseudonym of whoever asks."""
    prefix_cache: bool = False
    """Is fast on prompts whose beginning it has seen, so the same beginning goes to the same server."""
    stream_usage: bool = True
    """Understands `stream_options.include_usage`."""


_CHAT = ("chat", "completions", "embeddings")

_ROWS = (
    Provider(
        "openai",
        base_url="https://api.openai.com/v1",
        needs_base_url=False,
        dialects=(*_CHAT, "responses"),
        pseudonyms=True,
    ),
    Provider(
        "anthropic",
        base_url="https://api.anthropic.com/v1",
        needs_base_url=False,
        dialects=("messages",),
        auth_header="x-api-key",
        auth_prefix="",
        pseudonyms=True,
    ),
    Provider("openai-compatible"),
    Provider("vllm", dialects=(*_CHAT, "responses", "messages"), prefix_cache=True),
    Provider("llama.cpp", dialects=(*_CHAT, "responses", "messages")),
    Provider("bedrock", needs_base_url=False, dialects=("converse",)),
    Provider("azure", dialects=(*_CHAT, "responses"), auth_header="api-key", auth_prefix=""),
    # Claude in Azure AI Foundry: https://RESOURCE.services.ai.azure.com/anthropic/v1, `model` is the deployment's name.
    Provider("azure-anthropic", dialects=("messages",), auth_header="x-api-key", auth_prefix=""),
    Provider("vertex", needs_base_url=False, dialects=("gemini",)),
)

PROVIDERS: dict[str, Provider] = {row.name: row for row in _ROWS}
