"""The person's language."""

from typing import Any, Literal


def user_language(metadata: dict[str, Any] | None, request: Any) -> Literal["en", "ja"]:
    """Return the language of the person's Open WebUI, or for an API client that of Accept-Language."""
    variables = (metadata or {}).get("variables")
    chosen = variables.get("{{USER_LANGUAGE}}") if isinstance(variables, dict) else None
    chosen = chosen or getattr(request, "headers", {}).get("accept-language")
    return "ja" if str(chosen or "").lower().startswith("ja") else "en"
