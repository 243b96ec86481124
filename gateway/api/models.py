"""GET /v1/models: what the caller may ask for now, as OpenAI, Anthropic, Google or Codex lists models.

They share an address; who sends `anthropic-version` gets Anthropic's list, who sends `x-goog-api-key` Google's, who
asks with `client_version` Codex' catalogue, anybody else OpenAI's list. Google's has an address of its own, too.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from starlette.types import Receive, Scope, Send

from gateway import wire
from gateway.api.authenticate import authenticate_reader
from gateway.api.catalogue import catalogue
from gateway.api.client import Answer, Headers, headers_of
from gateway.api.telling import refuse
from gateway.config.models import Model
from gateway.dialects import chat, gemini, messages
from gateway.dialects.contract import ClientDialect
from gateway.errors import ApiError
from gateway.identity.keys import Key
from gateway.identity.person import NOBODY
from gateway.identity.policy import Policy
from gateway.profiles.known import Life
from gateway.routing.ending import deprecated_on, ending_headers, has_ended, is_announced
from gateway.routing.routes import Routes
from gateway.runtime import Runtime

CODEX_QUERY = b"client_version"
"""The member of the query by which Codex asks for its catalogue."""


class Models:
    """The list, or one model where the path names it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send)
        listing = _listing(scope)
        try:
            key = await authenticate_reader(self._runtime, scope)
            name, policy = scope["path_params"].get("name"), self._policy(key)
            if name is None and _is_codex(scope):
                routes = self._runtime.current.routes
                found = catalogue(routes.available(policy), routes)
            else:
                found = self._found(name, policy, listing)
            await answer.whole(200, self._headers(name), wire.encode(found))
        except ApiError as error:
            await refuse(answer, error, scope, listing.dialect)

    def _policy(self, key: Key) -> Policy:
        """Return what a key may ask for. Open WebUI keeps one list for all its people, so that no group narrows it."""
        return self._runtime.current.caller(self._runtime.keys, key, NOBODY).policy

    def _headers(self, name: str | None) -> Headers:
        """Return what tells the end of a model that is asked for by name."""
        routes = self._runtime.current.routes
        return list(ending_headers(routes.life(routes.models[name]))) if name else []

    def _found(self, name: str | None, policy: Policy, listing: "_Listing") -> dict[str, Any]:
        routes = self._runtime.current.routes
        if name:
            return listing.described(routes.model(name, policy), routes)
        return listing.page([listing.described(model, routes) for model in routes.available(policy)])


def _is_codex(scope: Scope) -> bool:
    parts = scope.get("query_string", b"").split(b"&")
    return any(part.partition(b"=")[0] == CODEX_QUERY for part in parts)


def _as_openai(model: Model, routes: Routes) -> dict[str, Any]:
    """Return OpenAI's four fields and what a person choosing wants to know."""
    optional = {
        "display_name": model.name,
        "mode": model.mode,
        "description": model.description or None,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "capabilities": model.capabilities,
        **_ending(routes.life(model)),
    }
    required = {"id": model.name, "object": "model", "created": routes.created, "owned_by": "sekisho"}
    return required | {name: value for name, value in optional.items() if value is not None}


def _ending(life: Life | None) -> dict[str, Any]:
    """Return OpenAI's member for the day of a model's end, and what else is known of it."""
    if life is None:
        return {}
    told = {
        "end_of_life": f"{life.ends}",
        "certain": life.certain,
        "deprecated": f"{life.deprecated}" if life.deprecated else None,
        "successor": life.successor,
        "source": life.source,
        "looked_up": f"{life.looked_up}" if life.looked_up else None,
    }
    sure = {"shutdown_date": f"{life.ends}"} if is_announced(life) else {}
    return {**sure, "deprecation": {name: value for name, value in told.items() if value is not None}}


def _lifecycle(life: Life | None) -> dict[str, Any]:
    """Return Anthropic's members for a model's end; `retired` is one whose source is sure."""
    if life is None or not is_announced(life):
        return {"lifecycle": "active", "deprecated_at": None, "retires_at": None}
    return {
        "lifecycle": "retired" if life.certain and has_ended(life) else "deprecated",
        "deprecated_at": f"{deprecated_on(life)}T00:00:00Z",
        "retires_at": f"{life.ends}T00:00:00Z",
    }


def _as_anthropic(model: Model, routes: Routes) -> dict[str, Any]:
    created = datetime.fromtimestamp(routes.created, UTC)
    return {
        "type": "model",
        "id": model.name,
        "display_name": model.name,
        "created_at": f"{created:%Y-%m-%dT%H:%M:%SZ}",
        **_lifecycle(routes.life(model)),
        "max_input_tokens": model.context_window,
        "max_tokens": model.max_output_tokens,
    }


def _as_google(model: Model, routes: Routes) -> dict[str, Any]:
    """Return a resource of Google's API; a number of tokens that is not known is left out."""
    limits = {"inputTokenLimit": model.context_window, "outputTokenLimit": model.max_output_tokens}
    required = {
        "name": f"models/{model.name}",
        "baseModelId": model.name,
        "version": "001",
        "displayName": model.name,
        "description": model.description,
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
    }
    return required | {name: value for name, value in limits.items() if value is not None}


def _openai_page(listed: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": listed}


def _google_page(listed: list[dict[str, Any]]) -> dict[str, Any]:
    return {"models": listed}


def _anthropic_page(listed: list[dict[str, Any]]) -> dict[str, Any]:
    """Return all models on one page."""
    first, last = (listed[0]["id"], listed[-1]["id"]) if listed else (None, None)
    return {"data": listed, "has_more": False, "first_id": first, "last_id": last}


class _Listing(NamedTuple):
    """How one vendor lists models."""

    dialect: ClientDialect
    described: Callable[[Model, Routes], dict[str, Any]]
    page: Callable[[list[dict[str, Any]]], dict[str, Any]]


_OPENAI = _Listing(chat.CLIENT, _as_openai, _openai_page)
_GOOGLE = _Listing(gemini.CLIENT, _as_google, _google_page)
_BY_HEADER = {"anthropic-version": _Listing(messages.CLIENT, _as_anthropic, _anthropic_page), "x-goog-api-key": _GOOGLE}


def _listing(scope: Scope) -> _Listing:
    if scope["path"].startswith(gemini.BASE):
        return _GOOGLE
    headers = headers_of(scope)
    return next((listing for header, listing in _BY_HEADER.items() if header in headers), _OPENAI)
