"""Names of members, which Google's JSON takes in two spellings: `maxOutputTokens` and `max_output_tokens`."""

import re
from typing import Any

from gateway.translation.checks import Fields, object_, path

_WORD = re.compile(r"_([a-z0-9])")
_OPEN = frozenset(
    (
        "args",
        "response",
        "labels",
        "parameters",
        "parametersJsonSchema",
        "responseSchema",
        "responseJsonSchema",
        "partMetadata",
    )
)
"""Members whose inner names are the client's own."""
_DEEPEST = 50


def plain(found: Any, depth: int = _DEEPEST) -> Any:
    """Return data with all names in the first spelling; what is the client's own stays as it is."""
    if isinstance(found, list) and depth:
        return [plain(each, depth - 1) for each in found]
    if not isinstance(found, dict) or not depth:
        return found
    renamed = {_name(name): value for name, value in found.items()}
    return {name: value if name in _OPEN else plain(value, depth - 1) for name, value in renamed.items()}


def _name(name: str) -> str:
    renamed = _WORD.sub(lambda match: match[1].upper(), name) if "_" in name else name
    return {"responseJsonschema": "responseJsonSchema"}.get(renamed, renamed)


def inner(fields: Fields, name: str, where: str = "") -> tuple[Fields, str]:
    """Return an object that may be absent, and its path. Raises `InvalidRequest`."""
    return object_(fields, name, where) or {}, path(where, name)
