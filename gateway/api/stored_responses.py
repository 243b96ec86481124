"""Answers of Responses by their ids: `GET` and `DELETE /v1/responses/{id}`, its input items, its cancelling.

What the gateway itself keeps for an upstream that keeps nothing, it answers itself; else the deployment that issued the
id is asked. Either way only whoever got the answer finds it.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from gateway import wire
from gateway.api.authenticate import authenticate_reader
from gateway.api.client import Answer, headers_of
from gateway.api.telling import refuse
from gateway.continuations.store import owner
from gateway.dialects.responses import RESPONSES
from gateway.errors import ApiError, InvalidRequest, NotFound, UpstreamUnreachable
from gateway.identity.caller import Caller
from gateway.identity.person import identify
from gateway.redaction import redacted
from gateway.routing.target import Target
from gateway.runtime import Runtime
from gateway.translation.responses.history import Kept, kept_of, key_of, shown
from gateway.translation.responses.listing import page_of
from gateway.upstream.request import Timeouts, UpstreamRequest

_MOST_BYTES = 16 * 1024 * 1024
_LONGEST_ID = 256
_LONGEST_QUERY = 1024


class StoredResponses:
    """The ASGI application."""

    def __init__(self, runtime: Runtime, action: str = "") -> None:
        self._runtime = runtime
        self._action = action
        """What is asked of the answer; empty = the answer itself."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send)
        try:
            status, body = await self._found(scope)
            await answer.whole(status, [], body)
        except ApiError as error:
            await refuse(answer, error, scope)

    async def _found(self, scope: Scope) -> tuple[int, bytes]:
        caller = await self._caller(scope)
        response_id, method = scope["path_params"]["id"][:_LONGEST_ID], scope["method"]
        store = self._runtime.continuations
        kept = kept_of((await store.get(caller, [key_of(response_id)])).get(key_of(response_id), b""))
        if kept is None:
            return await self._elsewhere(method, caller, response_id)
        if method == "DELETE":
            await store.delete(caller, key_of(response_id))
            return 200, wire.encode({"id": response_id, "object": "response", "deleted": True})
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")[:_LONGEST_QUERY]))
        return 200, wire.encode(_shown(response_id, kept, self._action, query))

    async def _caller(self, scope: Scope) -> Caller:
        key = await authenticate_reader(self._runtime, scope)
        secret = self._runtime.current.config.open_webui.identity_secret
        return Caller(key, identify(key, headers_of(scope), None, None, secret))

    async def _elsewhere(self, method: str, caller: Caller, response_id: str) -> tuple[int, bytes]:
        """Ask the deployment that issued an id to this caller. Raises `NotFound`."""
        target = self._issuer(caller, response_id)
        if target is None:
            raise NotFound(
                f"There is no response '{response_id[:100]}' of yours here. It may be too old, or was asked for with "
                "'store: false'.",
                code="response_not_found",
                param="id",
            )
        deployment, provider = target.deployment, target.provider
        path = f"{RESPONSES.path}/{response_id}" + (f"/{self._action}" if self._action else "")
        timeouts = Timeouts(deployment.connect_timeout, deployment.timeout)
        headers = {"user-agent": "sekisho", "accept-encoding": "identity", "accept": "application/json"}
        url = provider.url(provider, deployment, path, False)
        request = UpstreamRequest(method, url, headers, b"", timeouts)
        await target.authorize(request)
        async with await self._runtime.client.send(request) as response:
            body = await response.read_beginning(_MOST_BYTES)
        if len(body) >= _MOST_BYTES:
            raise UpstreamUnreachable("The model's server sent more than an answer can be.", code="upstream_error")
        return response.status, redacted(body, target.secrets)

    def _issuer(self, caller: Caller, response_id: str) -> Target | None:
        name = self._runtime.affinity.issuer(response_id, owner(caller))
        if name is None or not response_id.replace("_", "").replace("-", "").isalnum():
            return None
        return next((each for each in self._runtime.current.routes.all_targets() if each.id == name), None)


def _shown(response_id: str, kept: Kept, action: str, query: dict[str, str]) -> Mapping[str, Any]:
    """Return what is kept as the route tells it. Raises `InvalidRequest` for what cannot be done with it."""
    if action == "cancel":
        raise InvalidRequest(
            "Only an answer that was asked for with 'background: true' can be cancelled; this one is complete.",
            code="unsupported_value",
            param="id",
        )
    return page_of(response_id, kept.input, query) if action == "input_items" else shown(kept)
