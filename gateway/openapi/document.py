"""The whole document: OpenAPI 3.1, as `/openapi.json` answers it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

import gateway
from gateway.openapi.components import components, parameters, reference
from gateway.openapi.operation import Operation
from gateway.openapi.operations import OPERATIONS
from gateway.openapi.shapes.common import Error

COMMON_CODES: Mapping[int, tuple[str, ...]] = {
    400: ("invalid_value", "invalid_json"),
    401: ("invalid_api_key",),
    403: ("forbidden",),
    503: ("overloaded", "keys_unavailable"),
}
_BODY_CODES: Mapping[int, tuple[str, ...]] = {413: ("request_too_large",), 415: ("unsupported_encoding",)}
_ABOUT = """\
What the console and the command line do, over HTTP: `/v1/me/…` is for people about themselves, `/admin/…` for
administrators. Errors have a status, a `code` for programs, and a `message` that names the remedy. The model routes are
those of OpenAI, Anthropic and Google, and are described by them.
"""
_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "A key of one's own (`sk-…`)."},
    "admin_key": {"type": "http", "scheme": "bearer", "description": "`admin_key` of the configuration."},
    "open_webui_person": {
        "type": "apiKey",
        "in": "header",
        "name": "X-OpenWebUI-User-Jwt",
        "description": "Beside Open WebUI's key: the person, signed with `open_webui.identity_secret`.",
    },
}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PATH_ABOUT = {
    "server": "Name of the tool server in the configuration.",
    "id": "Of one of one's own keys.",
    "name": "Of a key its id or alias; of a budget its scope.",
}


def document(operations: Sequence[Operation] = OPERATIONS) -> dict[str, Any]:
    """Return the document, as it is read from JSON."""
    made = {
        "openapi": "3.1.0",
        "info": {"title": "Sekisho", "version": gateway.__version__, "description": _ABOUT, "license": {"name": "MIT"}},
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "me", "description": "What people may ask about themselves."},
            {"name": "admin", "description": "Keys, budgets, usage, under the admin key."},
        ],
        "paths": _paths(operations),
        "components": {
            "schemas": components(
                [Error, *(each.answer for each in operations)], [each.body for each in operations if each.body]
            ),
            "securitySchemes": _SCHEMES,
        },
    }
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(made))
    return decoded


def statuses(operation: Operation) -> dict[int, tuple[str, ...]]:
    """Return the error codes of an operation by status."""
    has_body = operation.body or operation.any_body
    tables: Iterable[Mapping[int, tuple[str, ...]]] = (COMMON_CODES, _BODY_CODES if has_body else {}, operation.codes)
    merged: dict[int, tuple[str, ...]] = {}
    for table in tables:
        for status, codes in table.items():
            merged[status] = tuple(dict.fromkeys((*merged.get(status, ()), *codes)))
    return dict(sorted(merged.items()))


def _paths(operations: Sequence[Operation]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return paths


def _operation(operation: Operation) -> dict[str, Any]:
    person: list[dict[str, list[str]]] = [{"key": []}, {"key": [], "open_webui_person": []}]
    return {
        "operationId": operation.name,
        "tags": ["admin" if operation.is_admin else "me"],
        "summary": operation.summary,
        **({"description": operation.about} if operation.about else {}),
        "security": [{"admin_key": []}] if operation.is_admin else person,
        "parameters": [*_of_path(operation), *_of_query(operation)],
        **_body(operation),
        "responses": {"200": _answer(operation), **_errors(operation)},
    }


def _of_path(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "description": _PATH_ABOUT[name]}
        for name in _PLACEHOLDER.findall(operation.path)
    ]


def _of_query(operation: Operation) -> list[dict[str, Any]]:
    several = {"type": "array", "items": {"type": "string"}}
    found = parameters(operation.query) if operation.query else []
    return [*found, *({"name": name, "in": "query", "schema": several} for name in operation.open_query)]


def _body(operation: Operation) -> dict[str, Any]:
    if not (operation.body or operation.any_body):
        return {}
    schema = reference(operation.body) if operation.body else {"type": "object"}
    content = {"schema": schema, **({"example": operation.example} if operation.example else {})}
    return {"requestBody": {"content": {"application/json": content}}}


def _answer(operation: Operation) -> dict[str, Any]:
    example = {"example": operation.answered} if operation.answered else {}
    content = {"application/json": {"schema": reference(operation.answer), **example}}
    return {"description": operation.answer.__doc__.strip().split("\n")[0], "content": content}


def _errors(operation: Operation) -> dict[str, Any]:
    content = {"application/json": {"schema": reference(Error)}}
    return {
        str(status): {"description": f"{HTTPStatus(status).phrase}: {', '.join(codes)}.", "content": content}
        for status, codes in statuses(operation).items()
    }
