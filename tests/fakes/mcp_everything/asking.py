"""Questions to the client, in the era of its request."""

import json
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel

Fields = dict[str, Any]
Context = ServerRequestContext[Any, Any]
ELICIT, SAMPLE, ROOTS = "elicitation/create", "sampling/createMessage", "roots/list"

_KINDS: dict[str, tuple[str, type[BaseModel], type[BaseModel], str]] = {
    ELICIT: ("elicitation", types.ElicitRequest, types.ElicitResult, "action"),
    SAMPLE: ("sampling", types.CreateMessageRequest, types.CreateMessageResult, "content"),
    ROOTS: ("roots", types.ListRootsRequest, types.ListRootsResult, "roots"),
}
"""By method: the capability that a client needs, request, result, and the member that a result must have."""


class NeedsInput(Exception):
    """A call cannot go on before the client has answered; it is then made again from its beginning."""

    def __init__(self, requests: Mapping[str, Fields], state: str | None) -> None:
        super().__init__(", ".join(requests))
        self.result = types.InputRequiredResult.model_validate({"inputRequests": dict(requests), "requestState": state})


class Ask:
    """Asks the client of a call; answers of earlier rounds come from the state that the client carries."""

    def __init__(self, context: Context, params: types.InputResponseRequestParams) -> None:
        self._context = context
        self.is_modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
        self._known: dict[str, Fields] = json.loads(params.request_state) if params.request_state else {}
        self._given = {key: _plain(each) for key, each in (params.input_responses or {}).items()}

    async def __call__(self, requests: Mapping[str, Fields], with_state: bool = False) -> dict[str, Fields]:
        """Return the answers by the keys of `requests`; raise NeedsInput or MCPError."""
        if self.is_modern:
            for request in requests.values():
                self._check(request)
            return self._modern(requests, with_state)
        return {key: await self._send(request) for key, request in requests.items()}

    def declares(self, method: str) -> bool:
        """Return whether the client can be asked so."""
        capabilities = self._context.session.client_capabilities
        return getattr(capabilities, _KINDS[method][0], None) is not None

    def _check(self, request: Fields) -> None:
        """Servers of the newer era must not ask what a client did not declare; many of the older era just ask."""
        if not self.declares(request["method"]):
            capability = _KINDS[request["method"]][0]
            data: Fields = {"requiredCapabilities": {capability: {}}}
            code = types.MISSING_REQUIRED_CLIENT_CAPABILITY
            raise MCPError(code, f"The client does not declare {capability}.", data)

    def _modern(self, requests: Mapping[str, Fields], with_state: bool) -> dict[str, Fields]:
        for key, request in requests.items():
            answer = self._given.get(key)
            if answer is not None and _KINDS[request["method"]][3] in answer:
                self._known[key] = answer
        missing = {key: request for key, request in requests.items() if key not in self._known}
        if missing:
            state = json.dumps(self._known) if self._known or with_state else None
            raise NeedsInput(missing, state)
        return {key: self._known[key] for key in requests}

    async def _send(self, request: Fields) -> Fields:
        _, kind, result, _ = _KINDS[request["method"]]
        sent: Any = kind.model_validate(request)
        related = ServerMessageMetadata(related_request_id=self._context.request_id)
        return _plain(await self._context.session.send_request(sent, result, metadata=related))


def _plain(model: Any) -> Fields:
    found: Fields = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return found


def elicit(message: str, properties: Mapping[str, Fields], required: tuple[str, ...] = ()) -> Fields:
    """A question with a form."""
    schema = {"type": "object", "properties": dict(properties), "required": list(required or properties)}
    return {"method": ELICIT, "params": {"mode": "form", "message": message, "requestedSchema": schema}}


def elicit_url(message: str, url: str) -> Fields:
    """A question that a page answers."""
    params = {"mode": "url", "message": message, "url": url, "elicitationId": f"id-of-{url}"}
    return {"method": ELICIT, "params": params}


def sample(prompt: str, most: int = 100) -> Fields:
    """A question to the client's model."""
    message = {"role": "user", "content": {"type": "text", "text": prompt}}
    return {"method": SAMPLE, "params": {"messages": [message], "maxTokens": most}}


def roots() -> Fields:
    return {"method": ROOTS, "params": {}}
