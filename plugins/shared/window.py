"""The context window of a model."""

from typing import Any

WINDOW_KEYS = ("context_window", "context_length", "max_model_len")


def base_model(model: dict[str, Any]) -> str:
    return str((model.get("info") or {}).get("base_model_id") or model.get("id") or "")


def context_window(model: dict[str, Any], request: Any) -> int:
    """Return the tokens the model takes, as its upstream lists them; 0 if it does not say."""
    base = getattr(request.app.state, "MODELS", {}).get(base_model(model)) or {}
    places = [model, model.get("openai") or {}, base, base.get("openai") or {}]
    return next((int(place[key]) for place in places for key in WINDOW_KEYS if place.get(key)), 0)
