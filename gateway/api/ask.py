"""From a request's bytes to a checked ask: key, person, model, fields."""

from dataclasses import dataclass

from gateway import wire
from gateway.api.exchange import Exchange
from gateway.config.schema import Model
from gateway.dialects import chat
from gateway.errors import InvalidRequest, Unauthenticated
from gateway.identity.keys import Key
from gateway.identity.person import TOKEN_FIELD, identify
from gateway.routing import Target
from gateway.upstream import Call
from gateway.wire import Members

_PERSONAL = ("user", "safety_identifier")
"""Body fields that may name a person; the provider gets our pseudonym in their place."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that may be sent on. `fields` hold no identity token."""

    fields: Members
    model: Model
    stream: bool
    wants_usage: bool


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
    exchange.record.model = name[:256]
    exchange.record.stream = stream = exchange.family.streams and wire.flag(fields, "stream")
    exchange.family.check(fields)
    model = exchange.snapshot.routes.model(name, key.policy)
    _check_mode(exchange.family, model)
    return Ask(fields, model, stream, wants_usage=stream and chat.wants_usage(fields))


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


def _check_mode(family: chat.Family, model: Model) -> None:
    if model.mode not in family.modes:
        raise InvalidRequest(
            f"The model '{model.name}' is for {model.mode}, which '/v1{family.path}' does not serve; "
            f"it takes models for {' or '.join(family.modes)}. See GET /v1/models.",
            code="wrong_mode",
            param="model",
        )


def to_call(exchange: Exchange, ask: Ask, target: Target) -> Call:
    """The upstream request: the client's members, the upstream's model name, no person."""
    fields = dict(ask.fields)
    wire.put(fields, "model", target.deployment.model)
    if ask.stream and target.provider.stream_usage:
        chat.ask_for_usage(fields)
    _hide_person(exchange, fields, target)
    return Call(
        target, target.base_url + exchange.family.path, _headers(exchange, target), wire.encode(fields), ask.stream
    )


def _hide_person(exchange: Exchange, fields: Members, target: Target) -> None:
    named = [name for name in _PERSONAL if fields.pop(name, None) is not None]
    wanted = target.provider.user_field
    user_id = exchange.record.user_id
    for name in {*named, wanted} - {None}:
        if user_id and name:
            wire.put(fields, name, exchange.runtime.pseudonym(user_id))


def _headers(exchange: Exchange, target: Target) -> dict[str, str]:
    headers = {
        "content-type": "application/json",
        "accept": "text/event-stream" if exchange.record.stream else "application/json",
        "user-agent": "sekisho",
    }
    key = target.deployment.api_key
    if key:
        headers[target.provider.auth_header] = target.provider.auth_prefix + key.reveal()
    return headers
