"""GET /v1/models: what the caller may ask for now."""

from typing import Any

from starlette.types import Receive, Scope, Send

from gateway import wire
from gateway.api.ask import presented_key
from gateway.api.client import Answer
from gateway.config.schema import Model
from gateway.dialects.chat import error_body
from gateway.errors import ApiError, Unauthenticated
from gateway.identity.policy import Policy
from gateway.network import check_key, check_server, client_address
from gateway.routing import Routes
from gateway.runtime import Runtime


class Models:
    """The list, or one model where the path names it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send)
        try:
            policy = await self._authenticate(scope)
            routes = self._runtime.current.routes
            name = scope["path_params"].get("name")
            found = _described(routes.model(name, policy), routes) if name else _listed(routes, policy)
            await answer.whole(200, [], wire.encode(found))
        except ApiError as error:
            await answer.whole(error.status, [], error_body(error))

    async def _authenticate(self, scope: Scope) -> Policy:
        """What the caller may see. Raises `Unauthenticated`, `Forbidden`."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        server = self._runtime.current.config.server
        address = client_address(scope, headers, server)
        check_server(address, server)
        presented = presented_key(headers)
        key = await self._runtime.keys.find(presented) if presented else None
        if key is None:
            raise Unauthenticated("GET /v1/models needs an API key: 'Authorization: Bearer sk-…'.")
        check_key(address, key.policy)
        return key.policy


def _listed(routes: Routes, policy: Policy) -> dict[str, Any]:
    return {"object": "list", "data": [_described(model, routes) for model in routes.available(policy)]}


def _described(model: Model, routes: Routes) -> dict[str, Any]:
    """OpenAI's four fields and what a person choosing wants to know."""
    told = {
        "mode": model.mode,
        "description": model.description or None,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
    }
    required = {"id": model.name, "object": "model", "created": routes.created, "owned_by": "sekisho"}
    return required | {name: value for name, value in told.items() if value is not None}
