"""Requests to addresses and methods that the gateway does not serve: answered in the path's dialect, and recorded."""

import contextlib
import time

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.api.ask import presented_key
from gateway.api.client import headers_of
from gateway.dialects import messages, openai
from gateway.dialects.messages import MESSAGES
from gateway.errors import ApiError, MethodNotAllowed, NotFound
from gateway.identity.client import calling_client
from gateway.identity.person import identify
from gateway.ids import request_id
from gateway.ledger.record import Record
from gateway.network import client_address
from gateway.runtime import Runtime

API = "unknown"
"""Such requests' `api` in the ledger."""
_SHOWN = 200
"""Characters of an address that are repeated in the answer."""


async def not_served(request: Request, error: Exception) -> Response:
    """Answer Starlette's 404 and 405 in the dialect that the path is of, and leave a record."""
    assert isinstance(error, HTTPException)
    began = time.perf_counter()
    runtime: Runtime = request.app.state.runtime
    refusal = _refusal(request, error)
    dialect = messages.DIALECT if request.url.path.startswith(f"/v1{MESSAGES.path}") else openai.DIALECT
    record = await _record(runtime, request)
    record.outcome, record.status, record.error_code = "refused", refusal.status, refusal.code
    record.duration_ms = round((time.perf_counter() - began) * 1000)
    runtime.ledger.write(record)
    runtime.metrics.observe(record, "chat")
    headers = {**(error.headers or {}), "x-sekisho-request-id": record.request_id}
    body = dialect.error_body(refusal, record.request_id)
    return Response(body, refusal.status, headers=headers, media_type="application/json")


def _refusal(request: Request, error: HTTPException) -> ApiError:
    path = request.scope["path"].encode(errors="replace").decode()[:_SHOWN]
    here = f"{request.method} {path}"
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "POST")
        return MethodNotAllowed(f"'{here}' is not allowed; allowed: {allowed}.")
    return NotFound(f"There is no '{here}' here. The API is below '/v1'; see the README for its routes.")


async def _record(runtime: Runtime, request: Request) -> Record:
    """A record of who asked, as far as the key says."""
    headers = headers_of(request.scope)
    address = client_address(request.scope, headers, runtime.current.config.server)
    record = Record(
        request_id=request_id(),
        started_at=time.time_ns() // 1000,
        api=API,
        client=calling_client(headers),
        client_ip=str(address) if address else None,
    )
    with contextlib.suppress(ApiError):
        key = await runtime.keys.find(presented) if (presented := presented_key(headers)) else None
        if key:
            record.key_id, record.key_alias, record.team = key.id, key.alias, key.team
            record.client = key.identity or record.client
            person = identify(key, headers, None, None, runtime.current.config.open_webui.identity_secret)
            record.user_id, record.user_email, record.identity_source = person.user_id, person.email, person.source
    return record
