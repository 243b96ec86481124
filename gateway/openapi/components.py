"""Schemas of structs as components of an OpenAPI document, with the docstrings of their attributes."""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args, get_type_hints

import msgspec

from gateway.attribute_docs import attribute_docs

REF = "#/components/schemas/{name}"
Schema = dict[str, Any]
_JSON = {"None": "null", "True": "true", "False": "false"}
_PYTHON = re.compile(r"\b(None|True|False)\b")


def components(answers: Iterable[Any], requests: Iterable[Any]) -> dict[str, Schema]:
    """Return the schemas of both by name. What is answered has every member and no others; a request may be shorter."""
    answered, asked = _schemas(answers), _schemas(requests)
    for schema in answered.values():
        if members := schema.get("properties"):
            schema.update(required=list(members), additionalProperties=False)
            for member in members.values():
                member.pop("default", None)
    assert not answered.keys() & asked.keys(), "a struct is of requests or of answers"
    return dict(sorted({**answered, **asked}.items()))


def reference(type_: Any) -> Schema:
    """Return the schema that refers to a type's component."""
    return {"$ref": REF.format(name=type_.__name__)}


def parameters(query: Any) -> list[Schema]:
    """Return the members of a struct as parameters of a query."""
    _, found = msgspec.json.schema_components([query], ref_template=REF)
    [schema] = found.values()
    docs, needed = _described(query), schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": one, **_about(docs.get(name))}
        for name, one in schema["properties"].items()
    ]


def _schemas(types: Iterable[Any]) -> dict[str, Schema]:
    wanted = list(dict.fromkeys(types))
    _, found = msgspec.json.schema_components(wanted, ref_template=REF)
    for type_ in _reached(wanted):
        schema, docs = found.get(type_.__name__, {}), _described(type_)
        for name, one in schema.get("properties", {}).items():
            if name in docs:
                schema["properties"][name] = _with_description(one, docs[name])
        if "description" in schema:
            schema["description"] = " ".join(schema["description"].split())
    return dict(found)


def _with_description(schema: Schema, text: str) -> Schema:
    """Return a schema with a sentence of its own before that of its type."""
    known = next((one["description"] for one in (schema, *schema.get("anyOf", ())) if "description" in one), "")
    return {**schema, "description": f"{text} {known}".strip()}


def _described(type_: Any) -> Mapping[str, str]:
    """Return the docstrings of a struct's attributes by the names that they have in JSON."""
    docs = {name: _PYTHON.sub(lambda word: _JSON[word[0]], text) for name, text in attribute_docs(type_).items()}
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return {each.encode_name: docs[each.name] for each in msgspec.structs.fields(type_) if each.name in docs}
    return docs


def _about(text: str | None) -> dict[str, str]:
    return {"description": text} if text else {}


def _reached(types: Iterable[Any]) -> Iterator[Any]:
    """Yield structs and dataclasses, and those that their attributes hold, each once."""
    seen: dict[Any, None] = {}
    waiting = list(types)
    while waiting:
        each = waiting.pop()
        if each in seen:
            continue
        if isinstance(each, type) and (issubclass(each, msgspec.Struct) or dataclasses.is_dataclass(each)):
            seen[each] = None
            waiting.extend(get_type_hints(each).values())
        waiting.extend(part for part in get_args(each) if not isinstance(part, str))
    yield from seen
