"""Mend schemas that vendors of models refuse, without a change of what they mean. Pure.

One refused schema fails a whole request to a model, with every other tool in it.
"""

from typing import Any

Schema = dict[str, Any]

_MAPS = ("properties", "patternProperties", "$defs", "definitions")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")


def mend(schema: Schema) -> Schema:
    """Return a schema in which each keyword is what JSON Schema says it is; one that is right stays as it is."""
    mended = {name: value for name, value in schema.items() if not _is_wrong(name, value)}
    for name in _MAPS:
        if name in mended:
            mended[name] = {key: _inner(value) for key, value in mended[name].items()}
    for name in _LISTS:
        if name in mended:
            mended[name] = [_inner(value) for value in mended[name]]
    for name in _SINGLE:
        if name in mended:
            mended[name] = _inner(mended[name])
    if mended.get("type") == "array" and "items" not in mended and "prefixItems" not in mended:
        mended["items"] = {}  # OpenAI's API wants it said
    return mended


def _inner(value: Any) -> Any:
    return mend(value) if isinstance(value, dict) else value


def _is_wrong(name: str, value: Any) -> bool:
    """Return whether a keyword has a value that it cannot have; those that hold a literal are left alone."""
    if name in _MAPS:
        return not isinstance(value, dict)
    if name in _LISTS:
        return not isinstance(value, list) or not value
    if name == "required":
        return not isinstance(value, list) or not all(isinstance(each, str) for each in value)
    if name == "enum":
        return not isinstance(value, list) or not value
    return name in ("type", "description", "title") and value is None
