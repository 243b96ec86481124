"""Which program is calling: by the name it is given, its user agent, or what else it says of itself."""

import re
from collections.abc import Mapping
from functools import lru_cache

CLIENT_HEADER = "x-sekisho-client"
"""Names a program of the table below that does not name itself; any other name is ignored."""

_USER_AGENTS = (
    (r"claude-cli|claude-code", "claude-code"),
    (r"codex", "codex"),
    (r"roo-?code", "roo-code"),
    (r"\bcline\b", "cline"),
    (r"qwen-?code", "qwen-code"),
    (r"gemini-?cli", "gemini-cli"),
    (r"kilo-?code", "kilo-code"),
    (r"opencode", "opencode"),
    # Continue's command line has OpenAI's client bundled and minified; the class name is all that is left.
    (r"\bcontinue\b|^ls/js ", "continue"),
    # Cline's command line is the one known program of the Vercel AI SDK on Bun that does not name itself.
    (r"^ai-sdk/.*\bruntime/bun/", "cline"),
    (r"\baider\b", "aider"),
    (r"llama\W?vscode", "llama-vscode"),
    (r"llama\W?vim", "llama-vim"),
    (r"\btwinny\b", "twinny"),
    (r"\btabby\b", "tabby"),
    (r"^zed/", "zed"),
    (r"openai/python", "openai-python"),
    (r"openai/js", "openai-js"),
    (r"anthropic/", "anthropic-sdk"),
    (r"^ai-sdk/", "ai-sdk"),
    (r"open-webui", "open-webui"),
    (r"librechat", "librechat"),
    (r"\bn8n\b", "n8n"),
    (r"curl/", "curl"),
)
"""Patterns of user agents, first match first; what each program sends was read off the wire."""
_PATTERNS = tuple((re.compile(pattern), name) for pattern, name in _USER_AGENTS)
_NAMES = frozenset(name for _, name in _USER_AGENTS)

AGENTS = (
    *("claude-code", "codex", "cline", "roo-code", "kilo-code", "opencode", "continue", "qwen-code", "gemini-cli"),
    "aider",
)
"""Programs that work on their own between two sentences of a person."""

_LONGEST = 256


def calling_client(headers: Mapping[str, str]) -> str:
    """Return a short name such as `claude-code`; `other` where the program is not known."""
    given = headers.get(CLIENT_HEADER)
    if given is not None and (name := given.strip().lower()[:_LONGEST]) in _NAMES:
        return name
    name = client_name(headers.get("user-agent", "")[:_LONGEST])
    return client_name(headers.get("originator", "")[:_LONGEST]) if name == "other" else name


@lru_cache(1024)
def client_name(user_agent: str) -> str:
    """Return the name of the program with a user agent; `other` where it is not known."""
    lowered = user_agent.lower()
    return next((name for pattern, name in _PATTERNS if pattern.search(lowered)), "other")
