"""Fill in what a configuration leaves open of its models and the model table knows."""

from collections.abc import Iterator
from typing import Any

from gateway.config.document import Document
from gateway.config.models import Model
from gateway.config.schema import Config
from gateway.profiles.known import Known, known_of

_TALKING = ("chat", "completion")
_OF_MODES = {
    "context_window": (*_TALKING, "embedding"),
    "max_output_tokens": _TALKING,
    "capabilities": ("chat",),
}
"""Values of a model, by the modes in which they say something."""


def fill(config: Config, document: Document) -> Config:
    """Return a configuration with the values of its models that only the table knows; `document` is told of them."""
    models = tuple(_filled(model, number, document) for number, model in enumerate(config.models))
    return config.model_copy(update={"models": models})


def _filled(model: Model, number: int, document: Document) -> Model:
    known = [known_of(each.provider, each.known_model) for each in model.deployments]
    values = dict(_values(model, known))
    for name in values:
        document.filled["models", number, name] = f"from the model table ({known[0].source})"
    return model.filled(**values) if values else model


def _values(model: Model, known: list[Known]) -> Iterator[tuple[str, Any]]:
    """Yield what all of a model's deployments can do: the smallest numbers, the common capabilities."""
    for name, modes in _OF_MODES.items():
        told = [getattr(each, name) for each in known]
        if model.mode not in modes or getattr(model, name) is not None or not all(told):
            continue
        yield name, min(told) if name != "capabilities" else _common(told)


def _common(told: list[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(each for each in told[0] if all(each in other for other in told))
