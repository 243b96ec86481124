"""Settings."""

from typing import Any

from pydantic import Field

from plugins.shared.declarations import I18N


def valve(default: Any, key: str, **rules: Any) -> Any:
    """Return a pydantic field whose English title and description are those of I18N."""
    english = I18N["en-US"]
    return Field(default, title=english[f"{key}.title"], description=english[f"{key}.description"], **rules)
