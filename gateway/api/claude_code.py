"""What Claude Code asks of a gateway that it is signed in to: settings, the person's budget, a place for telemetry.

The contract is the client's own (2.1.195 and newer); errors are Anthropic's.
"""

import hashlib
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from gateway import wire
from gateway.api.authenticate import authenticate_reader
from gateway.api.client import Answer, ClientGone, Headers, headers_of, too_large
from gateway.api.holder import person_of
from gateway.api.own_budgets import budgets_of
from gateway.api.telling import refuse
from gateway.api.tool_models import tool_models
from gateway.dialects import messages
from gateway.errors import ApiError
from gateway.identity.caller import Caller
from gateway.identity.keys import Key
from gateway.presets import claude_code
from gateway.runtime import Runtime

_TELEMETRY = ("/v1/metrics", "/v1/logs", "/v1/traces")
_MOST_TELEMETRY_BYTES = 4 * 1024 * 1024
_PERIODS = {"day": "daily", "week": "weekly", "month": "monthly"}
_WARNING_PERCENT, _CRITICAL_PERCENT = 75, 95

Made = tuple[Headers, bytes | None]
"""Headers and body; no body where the client has it already."""
Handler = Callable[[Runtime, Key, Scope], Awaitable[Made]]


class ForClaudeCode:
    """The ASGI application of a route that answers JSON to a key."""

    def __init__(self, runtime: Runtime, handler: Handler) -> None:
        self._runtime, self._handler = runtime, handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send)
        try:
            key = await authenticate_reader(self._runtime, scope)
            headers, body = await self._handler(self._runtime, key, scope)
            await (answer.nothing(headers, 304) if body is None else answer.whole(200, headers, body))
        except ApiError as error:
            await refuse(answer, error, scope, messages.CLIENT, [(b"x-should-retry", b"false")])


class Discarding:
    """Takes telemetry and throws it away: a client that is refused fills its log."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send)
        try:
            await _discard(receive)
            # OTLP's answer that all was taken is an empty message, in JSON `{}`.
            is_json = "json" in headers_of(scope).get("content-type", "")
            media_type = b"application/json" if is_json else b"application/x-protobuf"
            await answer.whole(200, [], b"{}" if is_json else b"", media_type)
        except ApiError as error:
            await refuse(answer, error, scope)
        except ClientGone:
            return


async def _discard(receive: Receive) -> None:
    """Read a body without keeping any of it: nobody showed a key. Raises `TooLarge`, `ClientGone`."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        size += len(message.get("body", b""))
        if size > _MOST_TELEMETRY_BYTES:
            raise too_large(_MOST_TELEMETRY_BYTES)
        more = message.get("more_body", False)


def claude_code_routes(runtime: Runtime) -> list[BaseRoute]:
    """Return the routes of Claude Code's protocol for gateways that are not the API itself."""
    return [
        Route("/managed/settings", ForClaudeCode(runtime, _settings), methods=["GET"]),
        Route("/api/oauth/usage", ForClaudeCode(runtime, _usage), methods=["GET"]),
        *(Route(path, Discarding(), methods=["POST"]) for path in _TELEMETRY),
    ]


async def _settings(runtime: Runtime, key: Key, scope: Scope) -> Made:
    settings = managed_settings(runtime, key)
    checksum = checksum_of(settings)
    headers = [(b"etag", f'"{checksum}"'.encode()), (b"cache-control", b"private, no-cache")]
    if _matches(headers_of(scope).get("if-none-match", ""), checksum):
        return headers, None
    owner = uuid.uuid5(uuid.NAMESPACE_URL, f"sekisho:{key.owner or key.id}")
    return headers, wire.encode({"uuid": str(owner), "checksum": checksum, "settings": settings})


def managed_settings(runtime: Runtime, key: Key) -> dict[str, Any]:
    """Return a key's settings: what is known of its models, and over it what the configuration says."""
    current = runtime.current
    known: dict[str, Any] = {}
    if found := tool_models(current.routes, key.policy):
        environment = claude_code.environment(found.main, found.small)
        known = {"model": found.main.id, "env": {name: text for name, text in environment.items() if text is not None}}
    return merged(known, current.config.clients.claude_code.settings)


def merged(known: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with another put over it, null taking members away (RFC 7396)."""
    result = dict(known)
    for name, value in over.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            below = result.get(name)
            result[name] = merged(below if isinstance(below, Mapping) else {}, value)
        else:
            result[name] = value
    return result


def checksum_of(settings: Mapping[str, Any]) -> str:
    """Return the checksum as Claude Code computes it: of the JSON with sorted keys and without blanks."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _matches(asked: str, checksum: str) -> bool:
    """Return whether a client's `If-None-Match` names the checksum."""
    tags = (each.strip().removeprefix("W/").strip('"') for each in asked[:1000].split(","))
    return asked.strip() == "*" or checksum in tags


async def _usage(runtime: Runtime, key: Key, scope: Scope) -> Made:
    caller = Caller(key, person_of(runtime, key, headers_of(scope)))
    return [(b"cache-control", b"no-store")], wire.encode(spend(await budgets_of(runtime, caller)))


def spend(budgets: list[dict[str, Any]]) -> dict[str, Any]:
    """Return budgets as `/usage` shows them: money in cents, the fullest first."""
    limits = sorted((_limit(each) for each in budgets), key=lambda limit: -limit["percent"])
    fullest = max(budgets, key=_percent, default=None)
    return {"extra_usage": _extra(fullest), "limits": limits}


def _extra(budget: dict[str, Any] | None) -> dict[str, Any]:
    if budget is None:
        return {
            "is_enabled": False,
            "monthly_limit": None,
            "used_credits": None,
            "utilization": None,
            "currency": "USD",
        }
    return {
        "is_enabled": True,
        "monthly_limit": round(budget["usd"] * 100),
        "used_credits": round(budget["used_usd"] * 100, 2),
        "utilization": _percent(budget),
        "currency": "USD",
    }


def _limit(budget: dict[str, Any]) -> dict[str, Any]:
    percent = _percent(budget)
    severity = "critical" if percent >= _CRITICAL_PERCENT else "warning" if percent >= _WARNING_PERCENT else "normal"
    return {
        "kind": "spend",
        "group": _PERIODS[budget["window"]],
        "percent": percent,
        "resets_at": budget["resets_at"],
        "severity": severity,
        "is_active": True,
    }


def _percent(budget: dict[str, Any]) -> float:
    return 100.0 if not budget["usd"] else round(budget["used_usd"] * 100 / budget["usd"], 1)
