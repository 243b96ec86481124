"""`docs/api.md`: the same as `/openapi.json`, for readers. `python -m gateway.openapi.page docs/api.md` writes it."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.openapi.document import document

_HEAD = """\
# The API of people and administrators

Written by `python -m gateway.openapi.page` from the rows and structs that `GET /openapi.json` (OpenAPI 3.1) is made of;
tests compare every answer with it. `/v1/me/…` takes a key of one's own (`Authorization: Bearer sk-…`), or Open WebUI's
key with the header `X-OpenWebUI-User-Jwt` ([me.md](me.md)); `/admin/…` takes `admin_key` of the configuration. Times
are UTC microseconds unless they are written as text. An error is `{"error": {"message", "type", "param", "code"}}`.
"""


def page() -> str:
    """Return the page."""
    made = document()
    schemas = made["components"]["schemas"]
    parts = [_HEAD]
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            parts.extend(_operation(f"{method.upper()} {path}", operation))
    parts.append("# Objects\n")
    for name, schema in schemas.items():
        parts.extend(_object(name, schema))
    return "\n".join(parts)


def _operation(title: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"## `{title}`\n\n{operation['summary']}. {operation.get('description', '')}".rstrip() + "\n"
    listed = [
        each for each in operation["parameters"] if each["in"] == "query" and "description" in each | each["schema"]
    ]
    plain = [each["name"] for each in operation["parameters"] if each["in"] == "query" and each not in listed]
    if plain:
        yield f"Query: {', '.join(f'`{name}`' for name in plain)}.\n"
    for each in listed:
        yield f"- `{each['name']}`: {each.get('description', '')}"
    if listed:
        yield ""
    if body := operation.get("requestBody"):
        content = body["content"]["application/json"]
        yield f"Body: {_type(content['schema'])}" + _example(content)
    answer = operation["responses"]["200"]["content"]["application/json"]
    yield f"Answer: {_type(answer['schema'])}" + _example(answer)
    errors = [(code, each["description"]) for code, each in operation["responses"].items() if code != "200"]
    yield "Errors: " + "; ".join(f"{code} {_codes(text)}" for code, text in errors) + ".\n"


def _codes(description: str) -> str:
    _, _, codes = description.rstrip(".").partition(": ")
    return ", ".join(f"`{code}`" for code in codes.split(", "))


def _example(content: dict[str, Any]) -> str:
    if "example" not in content:
        return ".\n"
    return f", such as\n\n```json\n{json.dumps(content['example'], indent=1, ensure_ascii=False)}\n```\n"


def _object(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"## {name}\n\n{schema.get('description', '')}".rstrip() + "\n"
    yield "| member | type | meaning |\n|---|---|---|"
    needed = schema.get("required", [])
    for member, one in schema["properties"].items():
        optional = "" if member in needed else " (may be left out)"
        yield f"| `{member}` | {_type(one)}{optional} | {one.get('description', '')} |"
    yield ""


def _type(schema: dict[str, Any]) -> str:
    """Return a schema in words."""
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        return f"mapping to {_type(values)}"
    return str(schema.get("type", "anything"))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
