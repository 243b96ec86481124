"""opencode's configuration for the models of a gateway; Kilo Code reads the same."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.presets.model import CONVERSING, Model

SCHEMA = "https://opencode.ai/config.json"
PROVIDER, TITLE = "sekisho", "Sekisho"
_MOST_MODELS = 200


def configuration(
    base_url: str, key: str, headers: Mapping[str, str], models: Sequence[Model], main: Model, small: Model
) -> dict[str, Any]:
    """Return provider and models. `key` is the key itself, or a reference such as `{env:NAME}`."""
    chat = [each for each in models if each.mode in CONVERSING][:_MOST_MODELS]
    options = {"baseURL": base_url, "apiKey": key, "headers": dict(headers)}
    listed = {each.id: _model(each) for each in (*chat, small, main)}
    provider = {"npm": "@ai-sdk/openai-compatible", "name": TITLE, "options": options, "models": listed}
    return {
        "model": f"{PROVIDER}/{main.id}",
        "small_model": f"{PROVIDER}/{small.id}",
        "provider": {PROVIDER: provider},
    }


def _model(model: Model) -> dict[str, Any]:
    """Return a model; its limits, which opencode takes only together, where both are known."""
    known = model.window and model.output
    return {"name": model.id, **({"limit": {"context": model.window, "output": model.output}} if known else {})}
