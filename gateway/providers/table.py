"""OpenAI-compatible vendors: a row each. A vendor gets a file only where its protocol needs code."""

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
    user_field: str | None = None
    """The body field that takes our pseudonym of the person; None = it gets none."""
    prefix_cache: bool = False
    """Is fast on prompts whose beginning it has seen, so the same beginning goes to the same server."""
    stream_usage: bool = True
    """Understands `stream_options.include_usage`."""


_ROWS = (
    Provider("openai", base_url="https://api.openai.com/v1", needs_base_url=False, user_field="safety_identifier"),
    Provider("openai-compatible"),
    Provider("vllm", prefix_cache=True),
    Provider("llama.cpp"),
    Provider("bedrock", needs_base_url=False, dialects=("converse",)),
    Provider("azure", dialects=("chat", "completions", "embeddings"), auth_header="api-key", auth_prefix=""),
    Provider("vertex", needs_base_url=False, dialects=("gemini",)),
)

PROVIDERS: dict[str, Provider] = {row.name: row for row in _ROWS}
