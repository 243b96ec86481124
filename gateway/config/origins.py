"""Every value of a configuration with where it comes from: file and line, environment variable, or default."""

import json
from typing import Any

from gateway.config.document import Document
from gateway.config.load import Loaded


def origins(loaded: Loaded) -> list[tuple[str, str, str]]:
    """Every value as (dotted key, JSON, where it comes from)."""
    leaves = _leaves(loaded.config.model_dump(mode="json", by_alias=True), ())
    return [(".".join(map(str, key)), value, _origin(key, loaded.document)) for key, value in leaves]


def _leaves(node: Any, key: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], str]]:
    children: list[tuple[str | int, Any]] = []
    if isinstance(node, dict):
        children = list(node.items())
    elif isinstance(node, list):
        children = list(enumerate(node))
    if not children:
        return [(key, json.dumps(node, ensure_ascii=False))]
    return [leaf for name, value in children for leaf in _leaves(value, (*key, name))]


def _origin(key: tuple[str | int, ...], document: Document) -> str:
    if filled := document.filled.get(key[:3]):
        return filled
    place = document.places.get(key)
    if place is None:
        return "default"
    variables = ", ".join(f"${{{name}}}" for name in place.variables)
    return f"{place.file.name}:{place.line}" + (f" from {variables}" if variables else "")
