"""Arguments against a tool's schema, as far as a look at the first level tells: it costs nothing and cannot be abused.

A server checks the rest itself; a whole validator would follow references and patterns that a server chose.
"""

from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
    "number": (int, float),
    "integer": (int, float),
}
_SHOWN = 80
_MOST_SHOWN = 20


def wrong_argument(schema: dict[str, Any], arguments: dict[str, Any]) -> str | None:
    """Return a sentence about the first argument that breaks a schema, or None."""
    required, properties = schema.get("required"), schema.get("properties")
    for name in required if isinstance(required, list) else ():
        if isinstance(name, str) and name not in arguments:
            return f"The argument '{name[:_SHOWN]}' is missing."
    known = properties if isinstance(properties, dict) else {}
    for name, value in arguments.items():
        if value is None and not _is_required(name, required):
            continue  # models write null for what they leave out
        if name in known:
            if wrong := _wrong_value(known[name], value):
                return f"The argument '{name[:_SHOWN]}' {wrong}."
        elif schema.get("additionalProperties") is False and "patternProperties" not in schema:
            allowed = ", ".join(list(known)[:_MOST_SHOWN]) or "none"
            return f"There is no argument '{name[:_SHOWN]}'; allowed: {allowed}."
    return None


def _is_required(name: str, required: Any) -> bool:
    return isinstance(required, list) and name in required


def _wrong_value(schema: Any, value: Any) -> str | None:
    if not isinstance(schema, dict):
        return None
    kinds = schema.get("type")
    names = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
    known = all(isinstance(name, str) and name in _TYPES for name in names)
    if names and known and not any(_is(name, value) for name in names):
        return f"must be of type {' or '.join(names)}"
    allowed = schema.get("enum")
    if isinstance(allowed, list) and not any(_equal(each, value) for each in allowed):
        return f"must be one of {', '.join(str(each)[:_SHOWN] for each in allowed[:_MOST_SHOWN])}"
    return None


def _is(name: str, value: Any) -> bool:
    if isinstance(value, bool) and name != "boolean":
        return False
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])


def _equal(one: Any, other: Any) -> bool:
    """Return whether two values are equal in JSON, which tells true and 1 apart."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
