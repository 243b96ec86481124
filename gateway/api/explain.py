"""`POST /admin/explain?api=/v1/chat/completions&key=ALIAS`: what would happen to a request, without calling anyone."""

import time
from typing import Any

from starlette.requests import Request

from gateway import wire
from gateway.api.ask import parse
from gateway.api.classify import hints, traffic_class
from gateway.api.client import read_body
from gateway.api.exchange import Exchange
from gateway.api.govern import demand_of
from gateway.dialects.family import Family
from gateway.errors import InvalidRequest
from gateway.identity import key_admin
from gateway.identity.keys import Key, KeyStore
from gateway.routing import Target, by_load
from gateway.runtime import Runtime


async def explain(store: KeyStore, request: Request) -> Any:
    """Model, class, order of deployments, estimates, and what would be taken out of the body."""
    runtime: Runtime = request.app.state.runtime
    family = _family(request)
    key = await key_admin.get(store, request.query_params.get("key", ""))
    body = await read_body(request.scope, request.receive, runtime.current.config.server.max_body_bytes)
    exchange = Exchange(family, runtime, request.scope, _silent)
    exchange.authenticated(key)
    ask = parse(exchange, key, body)
    exchange.hints = hints(ask.fields, len(body))
    record = exchange.record
    routes, about = exchange.snapshot.routes, (ask.model, family.api, key.policy, family.modes)
    chain = routes.chain(*about)
    demand = demand_of(exchange, ask)
    ordered = [runtime.affinity.preferred(by_load(targets), exchange.hints) for targets in chain]
    return {
        "model": ask.model.name,
        "api": family.api,
        "stream": ask.stream,
        "class": traffic_class(record, exchange.headers, key),
        "person": {"user_id": record.user_id, "source": record.identity_source, "team": record.team},
        "estimate": {"input_tokens": exchange.hints.input_tokens, "answer_tokens": exchange.hints.answer_tokens},
        "reserves": {"tokens": demand.tokens, "cost_usd": demand.cost_nano_usd / 1e9},
        "deployments": [_shown(target) for targets in ordered for target in targets],
        "fallbacks_left_out": routes.unusable_fallbacks(*about),
        "dropped": sorted(set(wire.request_members(body)) - set(ask.fields)),
        "key": _key(key),
    }


def _family(request: Request) -> Family:
    families: dict[str, Family] = request.app.state.families
    wanted = request.query_params.get("api", "/v1/chat/completions")
    found = families.get(wanted.removeprefix("/v1"))
    if found is None:
        allowed = ", ".join(f"/v1{path}" for path in families)
        raise InvalidRequest(f"The query 'api' must be one of {allowed}.", param="api")
    return found


def _shown(target: Target) -> dict[str, Any]:
    health = target.health
    return {
        "deployment": target.id,
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


async def _silent(_: object) -> None:
    """Nothing is answered here."""
