"""Which program is calling, from its user agent."""

from functools import lru_cache

_AGENTS = (
    ("claude-cli", "claude-code"),
    ("claude-code", "claude-code"),
    ("codex", "codex"),
    ("cline", "cline"),
    ("roocode", "roo-code"),
    ("roo-code", "roo-code"),
    ("continue", "continue"),
    ("opencode", "opencode"),
    ("openai/python", "openai-python"),
    ("openai/js", "openai-js"),
    ("anthropic/", "anthropic-sdk"),
    ("open-webui", "open-webui"),
    ("curl/", "curl"),
)


@lru_cache(1024)
def client_name(user_agent: str) -> str:
    """A short name such as `claude-code`; `other` where the agent is not known."""
    lowered = user_agent.lower()
    return next((name for mark, name in _AGENTS if mark in lowered), "other")
