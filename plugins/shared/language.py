"""The person's language."""

from typing import Any, Literal

LONGEST_VARIABLE = 64  # characters


def user_language(metadata: dict[str, Any] | None, request: Any) -> Literal["en", "ja"]:
    """Return the language of the person's Open WebUI, or for an API client that of Accept-Language."""
    variables = (metadata or {}).get("variables")
    chosen = variables.get("{{USER_LANGUAGE}}") if isinstance(variables, dict) else None
    chosen = chosen or getattr(request, "headers", {}).get("accept-language")
    return "ja" if str(chosen or "").lower().startswith("ja") else "en"


def variable(metadata: dict[str, Any] | None, name: str) -> str:
    """Return what the person's page tells under a name such as USER_LANGUAGE; empty where no page asks."""
    variables = (metadata or {}).get("variables")
    told = variables.get(f"{{{{{name}}}}}") if isinstance(variables, dict) else None
    return told[:LONGEST_VARIABLE] if isinstance(told, str) else ""
