"""`POST /admin/explain?api=/v1/chat/completions&key=ALIAS`: what would happen to a request, without calling anyone."""

import time
from typing import Any

from starlette.requests import Request

from gateway import wire
from gateway.api.ask import understand
from gateway.api.client import headers_of, read_body
from gateway.api.govern import demand_of
from gateway.dialects.endpoint import Endpoint
from gateway.errors import InvalidRequest
from gateway.identity import key_admin
from gateway.identity.caller import Caller
from gateway.identity.client import calling_client
from gateway.identity.keys import Key, KeyStore
from gateway.ledger.recorder import Recorder
from gateway.payload import JsonPayload
from gateway.routing.serving import by_load
from gateway.routing.target import Target
from gateway.runtime import Runtime


async def explain(store: KeyStore, request: Request) -> Any:
    """Return model, class, order of deployments, estimates, and what would be taken out of the body."""
    runtime: Runtime = request.app.state.runtime
    endpoint = _endpoint(request)
    key = await key_admin.get(store, request.query_params.get("key", ""))
    snapshot, headers = runtime.current, headers_of(request.scope)
    body = await read_body(request.scope, request.receive, snapshot.config.server.max_body_bytes)
    recorder = Recorder(api=endpoint.dialect, task=endpoint.task, client=calling_client(headers))
    recorder.asked_by(Caller(key))
    payload = JsonPayload(wire.request_members(body), len(body))
    sent = set(payload.fields)
    ask = understand(endpoint, snapshot, store, key, headers, payload, recorder)
    routes, person = snapshot.routes, ask.caller.person
    demand = demand_of(ask)
    ordered = [runtime.affinity.preferred(by_load(servings), ask.hints) for servings in ask.plan.groups]
    return {
        "model": ask.model.name,
        "api": endpoint.dialect,
        "stream": ask.stream,
        "class": ask.traffic_class,
        "person": {"user_id": person.user_id, "source": person.source, "team": ask.caller.team},
        "estimate": {"input_tokens": ask.hints.input_tokens, "answer_tokens": ask.hints.answer_tokens},
        "reserves": {"tokens": demand.tokens, "cost_usd": demand.cost_nano_usd / 1e9},
        "deployments": [_shown(serving.target) for servings in ordered for serving in servings],
        "fallbacks_left_out": routes.unusable_fallbacks(ask.model, endpoint, ask.caller.policy),
        "dropped": sorted(sent - set(ask.payload.fields)),
        "key": _key(key),
    }


def _endpoint(request: Request) -> Endpoint:
    endpoints: dict[str, Endpoint] = request.app.state.endpoints
    wanted = request.query_params.get("api", "/v1/chat/completions")
    found = endpoints.get(wanted.removeprefix("/v1"))
    if found is None:
        allowed = ", ".join(f"/v1{path}" for path in endpoints)
        raise InvalidRequest(f"The query 'api' must be one of {allowed}.", param="api")
    return found


def _shown(target: Target) -> dict[str, Any]:
    health = target.health
    return {
        "deployment": target.id,
        "x_sekisho_deployment": target.public_name,
        "model": target.model.name,
        "upstream_model": target.deployment.model,
        "running": health.running,
        "max_concurrency": target.deployment.max_concurrency,
        "outstanding_tokens": health.tokens,
        "cooling_down": health.cooling,
        "has_room": target.has_room,
    }


def _key(key: Key) -> dict[str, Any]:
    policy = key.policy
    return {
        "alias": key.alias,
        "models": policy.models,
        "networks": policy.networks,
        "class": policy.traffic_class,
        "valid": key.valid_at(time.time_ns() // 1000),
    }
