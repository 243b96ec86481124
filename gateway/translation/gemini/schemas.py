"""Google's older schemas, a part of OpenAPI's with types in capitals, into JSON Schema."""

import re
from typing import Any

_WORD = re.compile(r"_([a-z])")
_INNER = frozenset(("items", "additionalProperties", "not"))
_LISTS = frozenset(("anyOf", "oneOf", "allOf", "prefixItems"))
_MAPS = frozenset(("properties", "$defs", "defs"))
_COUNTS = frozenset(("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"))
_LEFT_OUT = frozenset(("nullable", "propertyOrdering", "example"))
_DEEPEST = 100


def json_schema(found: Any, depth: int = _DEEPEST) -> Any:
    """Return the JSON Schema for a schema of either kind."""
    if not isinstance(found, dict) or not depth:
        return found
    schema: dict[str, Any] = {}
    for name, value in found.items():
        name = _WORD.sub(lambda match: match[1].upper(), name)
        if name not in _LEFT_OUT:
            schema[name] = _value(name, value, depth - 1)
    if found.get("nullable") is True and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    return schema


def _value(name: str, value: Any, depth: int) -> Any:
    if name == "type" and isinstance(value, str):
        return value.lower()
    if name in _INNER:
        return json_schema(value, depth)
    if name in _LISTS and isinstance(value, list):
        return [json_schema(each, depth) for each in value]
    if name in _MAPS and isinstance(value, dict):
        return {key: json_schema(each, depth) for key, each in value.items()}
    if name in _COUNTS and isinstance(value, str) and value.isdecimal() and len(value) < 10:
        return int(value)
    return value
