"""From a request's bytes to a checked ask: key, person, model, fields."""

import msgspec

from gateway import wire
from gateway.api.exchange import Exchange
from gateway.config.schema import Model
from gateway.dialects.family import Family
from gateway.errors import InvalidRequest, NotFound, Unauthenticated
from gateway.identity.introduction import introduction
from gateway.identity.keys import Key
from gateway.identity.person import TOKEN_FIELD, identify
from gateway.routing import Target
from gateway.upstream.client import Call
from gateway.wire import Members

_LONGEST_NAME = 256
"""Of a model, in characters; what is longer is neither looked for nor repeated."""


class Ask(msgspec.Struct, frozen=True):
    """A request that may be sent on. `fields` hold no identity token."""

    fields: Members
    model: Model
    stream: bool


async def authenticate(exchange: Exchange) -> Key:
    """The caller's key. Raises `Unauthenticated`; the message never repeats what was presented."""
    presented = presented_key(exchange.headers)
    if not presented:
        raise Unauthenticated(
            "No API key. Send 'Authorization: Bearer sk-…'; administrators make keys with `sekisho keys create`.",
            code="missing_api_key",
        )
    key = await exchange.runtime.keys.find(presented)
    if key is None:
        raise Unauthenticated("This API key is not known or was revoked. Ask an administrator for a new one.")
    exchange.authenticated(key)
    return key


def presented_key(headers: dict[str, str]) -> str:
    """The key of `Authorization: Bearer` or `x-api-key`, or an empty text."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token else headers.get("x-api-key", "").strip()


def parse(exchange: Exchange, key: Key, body: bytes) -> Ask:
    """Check a body and learn who asks. Raises `InvalidRequest`, `NotFound`, `Unauthenticated`."""
    fields = wire.request_members(body)
    _identify(exchange, key, fields)
    wire.require(fields, "model", str)
    name = wire.value(fields, "model")
    if len(name) > _LONGEST_NAME:
        raise NotFound(
            f"There is no model with a name of more than {_LONGEST_NAME} characters. See GET /v1/models.",
            code="model_not_found",
            param="model",
        )
    exchange.record.model = name
    exchange.record.stream = stream = _wants_stream(exchange.family, fields)
    exchange.family.check(fields)
    model = exchange.snapshot.routes.model(name, key.policy)
    _check_mode(exchange.family, model)
    return Ask(fields, model, stream)


def _wants_stream(family: Family, fields: Members) -> bool:
    stream = wire.flag(fields, "stream")
    if stream and not family.streams:
        raise InvalidRequest(
            f"The field 'stream' must be false or absent: '/v1{family.path}' answers in one piece.", param="stream"
        )
    return stream


def _identify(exchange: Exchange, key: Key, fields: Members) -> None:
    token, claimed = fields.pop(TOKEN_FIELD, None), wire.value(fields, "user")
    text = wire.value({TOKEN_FIELD: token}, TOKEN_FIELD) if token is not None else None
    secret = exchange.snapshot.config.open_webui.identity_secret
    person = identify(
        key,
        exchange.headers,
        text if isinstance(text, str) else None,
        claimed if isinstance(claimed, str) else None,
        secret,
    )
    exchange.identified(person)


def _check_mode(family: Family, model: Model) -> None:
    if model.mode not in family.modes:
        raise InvalidRequest(
            f"The model '{model.name}' is for {model.mode}, which '/v1{family.path}' does not serve; "
            f"it takes models for {' or '.join(family.modes)}. See GET /v1/models.",
            code="wrong_mode",
            param="model",
        )


def to_call(exchange: Exchange, ask: Ask, target: Target) -> Call:
    """The upstream request: the client's members, the upstream's model name, no person but to our own agents."""
    fields = dict(ask.fields)
    wire.put(fields, "model", target.deployment.model)
    if ask.stream and target.asks_for_usage:
        exchange.family.dialect.ask_for_usage(fields)
    _hide_person(exchange, fields, target)
    headers = _forwarded(exchange) | _introduced(exchange, target)
    return Call(target, _path(exchange), headers, wire.encode(fields), ask.stream)


def _introduced(exchange: Exchange, target: Target) -> dict[str, str]:
    """Who asks, for an agent of the company's own."""
    share, secret = target.deployment.identity, exchange.snapshot.config.open_webui.identity_secret
    return introduction(exchange.record, share, secret) if share and secret else {}


def remember_deployment(exchange: Exchange, answer_id: str | None) -> None:
    """Who answers under an id that the client may continue."""
    if answer_id and exchange.target:
        exchange.runtime.affinity.issued(answer_id, exchange.target.id)


def _path(exchange: Exchange) -> str:
    """Return the upstream path, with the parts of the client's query that its dialect allows."""
    path, allowed = exchange.family.path, exchange.family.dialect.query
    kept = [part for part in dict.fromkeys(exchange.query.split("&")) if part in allowed] if exchange.query else []
    return f"{path}?{'&'.join(kept)}" if kept else path


def _hide_person(exchange: Exchange, fields: Members, target: Target) -> None:
    user_id = exchange.record.user_id
    pseudonym = exchange.runtime.pseudonym(user_id) if user_id else None
    wanted = exchange.family.pseudonym if target.provider.pseudonyms and pseudonym else None
    for path in exchange.family.dialect.personal:
        _rename_person(fields, path, pseudonym, add=path == wanted)


def _rename_person(fields: Members, path: str, pseudonym: str | None, *, add: bool) -> None:
    """The pseudonym in place of whom a member names, or nothing; the member keeps its place."""
    outer, _, name = path.rpartition(".")
    holder = _holder(fields, outer)
    if holder is None or (name not in holder and not add):
        return
    if pseudonym:
        wire.put(holder, name, pseudonym)
    else:
        del holder[name]
    if outer:
        wire.put(fields, outer, holder)


def _holder(fields: Members, outer: str) -> Members | None:
    """The object in which a member stands; None where something else is in its place."""
    if not outer:
        return fields
    kind = wire.kind(fields, outer)
    if kind is dict:
        return wire.members(fields[outer])
    return None if kind else {}


def _forwarded(exchange: Exchange) -> dict[str, str]:
    """The dialect's own headers from the client, and which trace the call belongs to."""
    wanted = exchange.family.dialect.forwarded
    told = {name: exchange.headers.get(name, default) for name, default in wanted.items()}
    traced = {"traceparent": exchange.trace.calling()} if exchange.trace else {}
    return traced | {name: value for name, value in told.items() if value}
