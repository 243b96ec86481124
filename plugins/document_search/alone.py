"""Whether the search is all that is left of the menu."""

from typing import Any

from plugins.document_search.turn import Turn
from plugins.shared.json_values import dict_of


def is_model(row: Any) -> bool:
    """Return whether a row of Open WebUI's menu answers by itself: no function, no comparison of others, no preset."""
    about = dict_of(row)
    return bool(about) and not (about.get("pipe") or about.get("arena") or about.get("preset"))


def is_alone(turn: Turn) -> bool:
    """Return whether a new chat opened with the search because no model is in the menu: the gateway is away."""
    if not turn.in_chat or len(turn.questions()) > 1:
        return False
    menu = getattr(getattr(getattr(turn.request, "app", None), "state", None), "MODELS", None)
    rows = list(menu.values()) if menu else []
    return bool(rows) and not any(is_model(row) for row in rows)
