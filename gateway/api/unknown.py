"""Requests to addresses and methods that the gateway does not serve: answered in the path's dialect, and recorded."""

import contextlib

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.api.authenticate import presented_key
from gateway.api.client import headers_of
from gateway.api.telling import error_body, reader_of
from gateway.dialects import chat, gemini, messages
from gateway.dialects.contract import ClientDialect
from gateway.dialects.messages import MESSAGES
from gateway.errors import ApiError, MethodNotAllowed, NotFound
from gateway.identity.caller import Caller
from gateway.identity.client import calling_client
from gateway.identity.person import identify
from gateway.ledger.recorder import Recorder
from gateway.network import client_address
from gateway.runtime import Runtime

API = "unknown"
"""Such requests' `api` in the ledger."""
_SHOWN = 200
"""Characters of an address that are repeated in the answer."""


async def not_served(request: Request, error: Exception) -> Response:
    """Answer Starlette's 404 and 405 in the dialect that the path is of, and leave a record."""
    assert isinstance(error, HTTPException)
    runtime: Runtime = request.app.state.runtime
    refusal = _refusal(request, error)
    client = _client(request.url.path)
    recorder = await _recorder(runtime, request)
    if record := recorder.settle("refused", refusal.status, refusal.code):
        runtime.ledger.write(record)
        runtime.metrics.observe(record, recorder.traffic_class)
    headers = {**(error.headers or {}), "x-sekisho-request-id": recorder.request_id}
    reader = reader_of(refusal, recorder.caller, headers_of(request.scope), None, runtime.current)
    body = error_body(client, refusal, reader, recorder.request_id)
    return Response(body, refusal.status, headers=headers, media_type="application/json")


def _client(path: str) -> ClientDialect:
    """Return the dialect of whoever asks for a path that is not served."""
    if path.startswith(gemini.BASE) or gemini.is_method(path):
        return gemini.CLIENT
    return messages.CLIENT if path.startswith(f"/v1{MESSAGES.path}") else chat.CLIENT


def _refusal(request: Request, error: HTTPException) -> ApiError:
    path = request.scope["path"].encode(errors="replace").decode()[:_SHOWN]
    here = f"{request.method} {path}"
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "POST")
        return MethodNotAllowed(f"'{here}' is not allowed; allowed: {allowed}.")
    return NotFound(f"There is no '{here}' here. The API is below '/v1'; see the README for its routes.")


async def _recorder(runtime: Runtime, request: Request) -> Recorder:
    """Return what is known of who asked, as far as the key says."""
    headers = headers_of(request.scope)
    address = client_address(request.scope, headers, runtime.current.config.server)
    recorder = Recorder(api=API, client=calling_client(headers), client_ip=str(address) if address else None)
    with contextlib.suppress(ApiError):
        key = await runtime.keys.find(presented) if (presented := presented_key(headers)) else None
        if key:
            recorder.asked_by(Caller(key))
            secret = runtime.current.config.open_webui.identity_secret
            person = identify(key, headers, None, None, secret)
            recorder.asked_by(runtime.current.caller(runtime.keys, key, person))
    return recorder
