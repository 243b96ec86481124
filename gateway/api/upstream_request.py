"""The request to an upstream: the client's members, the upstream's model name, no person but to our own agents."""

from collections.abc import Sequence
from functools import partial

from gateway import wire
from gateway.api.ask import Ask
from gateway.api.beside import beside
from gateway.api.exchange import Exchange
from gateway.api.fetching import inlines, media, with_media
from gateway.dialects.contract import UpstreamDialect
from gateway.dialects.messages import BETAS
from gateway.errors import InvalidRequest
from gateway.identity.introduction import introduction
from gateway.payload import Encoded
from gateway.routing.serving import Serving
from gateway.translation.contract import Asked, Crossing, Holding, Shaping, Translation, unchanged
from gateway.translation.fitting import fit
from gateway.translation.foreign_seals import without_foreign_seals
from gateway.translation.inlining import MEDIA
from gateway.upstream.request import UpstreamRequest
from gateway.wire import Members


async def upstream_request(exchange: Exchange, ask: Ask, serving: Serving) -> tuple[UpstreamRequest, Crossing | None]:
    """Return the request by which a deployment is asked, signed, and its translation where there is one.

    Raises `UpstreamError` where it cannot be asked, `InvalidRequest` where the request cannot be translated.
    """
    target, exchange.dropped = serving.target, ()
    headers = _headers(exchange, ask, serving)
    shape = _shaping(serving, headers)
    crossing: Crossing | None = None
    if serving.translation:
        crossing = await beside(ask.payload.size, _begun, exchange, ask, serving, serving.translation, shape)
        encoded = await _translated(exchange, ask, serving, crossing)
    else:
        fields = await with_media(exchange, ask, serving, _fields(exchange, ask, serving))
        encoded = _encoded(exchange, ask, serving, fields, shape)
    headers["content-type"] = encoded.media_type
    query = exchange.query if target.provider.takes_query else ""
    request = UpstreamRequest(
        "POST",
        _url(serving.urls[ask.stream], query, serving.endpoint.upstream),
        headers,
        encoded.body,
        serving.timeouts[ask.stream],
    )
    await target.authorize(request)
    return request, crossing


def _fields(exchange: Exchange, ask: Ask, serving: Serving) -> Members:
    """Return the client's members with the upstream's model, and no person but a pseudonym."""
    fields = dict(ask.payload.fields)
    wire.put(fields, "model", serving.target.deployment.model)
    _hide_person(exchange, ask, fields, serving)
    return fields


def _shaping(serving: Serving, headers: dict[str, str]) -> Shaping:
    """Return what brings members into the shape that the provider wants beyond that of its dialect."""
    shape, deployment = serving.target.provider.shape, serving.target.deployment
    return partial(shape, deployment, serving.endpoint.path, headers) if shape else unchanged


def _encoded(exchange: Exchange, ask: Ask, serving: Serving, fields: Members, shape: Shaping) -> Encoded:
    upstream = serving.endpoint.upstream
    fields = without_foreign_seals(serving.endpoint.dialect, fields)
    fit(serving.endpoint.dialect, serving.target.profile, fields)
    if refused := serving.target.provider.refuses.get(serving.endpoint.path):
        _tell(exchange, ask, serving, [name for name in fields if name in refused])
        fields = {name: raw for name, raw in fields.items() if name not in refused}
    if ask.stream and upstream.ask_for_usage and serving.target.asks_for_usage:
        upstream.ask_for_usage(fields)
    return ask.payload.encoded(shape(fields))


def _begun(exchange: Exchange, ask: Ask, serving: Serving, translation: Translation, shape: Shaping) -> Crossing:
    """Return the translation of a request, begun. Raises `InvalidRequest` naming the member at fault."""
    target = serving.target
    return translation.begin(
        Asked(
            payload=ask.payload,
            fields=_fields(exchange, ask, serving),
            model=ask.model.name,
            known_model=target.deployment.known_model,
            stream=ask.stream,
            count_usage=target.asks_for_usage,
            framing=serving.framing,
            profile=target.profile,
            shape=shape,
            inlines=inlines(exchange, serving),
        )
    )


async def _translated(exchange: Exchange, ask: Ask, serving: Serving, crossing: Crossing) -> Encoded:
    """Return a request in the upstream's dialect, with what the caller's earlier answers left with us.

    Raises `InvalidRequest` where something would get lost and the model is strict.
    """
    store, found = exchange.runtime.continuations, dict[str, bytes]()
    while wanted := crossing.wanted(found):
        if wanted[0].startswith(MEDIA):
            found |= await media(exchange, wanted)
        else:
            found |= dict.fromkeys(wanted, b"") | await store.get(ask.caller, wanted)
    if exchange.share and (size := crossing.memory if isinstance(crossing, Holding) else 0) > wire.LARGE_BYTES:
        exchange.share.add(size)
    encoded = await beside(ask.payload.size, crossing.encode, found)
    _tell(exchange, ask, serving, crossing.dropped)
    return encoded


def _tell(exchange: Exchange, ask: Ask, serving: Serving, dropped: Sequence[str]) -> None:
    """Note what the upstream does not get. Raises `InvalidRequest` where the model is strict."""
    exchange.dropped = tuple(dict.fromkeys((*dropped, *exchange.dropped)))
    if dropped and serving.target.model.strict_parameters:
        raise InvalidRequest(
            f"The model '{ask.model.name}' does not take: {', '.join(dropped)}. Leave them out, or ask the "
            "administrator to set 'strict_parameters: false' for it.",
            code="unsupported_parameter",
            param=dropped[0],
        )


async def keep(exchange: Exchange, ask: Ask, crossing: Crossing | None) -> None:
    """Keep for the caller what of an answer the client's dialect cannot carry."""
    if crossing and crossing.kept:
        await exchange.runtime.continuations.put(ask.caller, crossing.kept)


def _url(url: str, query: str, upstream: UpstreamDialect) -> str:
    """Return a URL with the parts of the client's query that the upstream's dialect allows."""
    kept = [part for part in dict.fromkeys(query.split("&")) if part in upstream.query] if query else []
    if not kept:
        return url
    return f"{url}{'&' if '?' in url else '?'}{'&'.join(kept)}"


def _headers(exchange: Exchange, ask: Ask, serving: Serving) -> dict[str, str]:
    """Return our own headers, those of the client that the upstream's dialect forwards, and who asks for an agent.

    The body's type is put where that is encoded.
    """
    target = serving.target
    headers = {
        "user-agent": "sekisho",
        "accept-encoding": "identity",
        "accept": serving.framing.media_type if ask.stream else serving.endpoint.accept,
    }
    if exchange.trace:
        headers |= exchange.trace.calling()
    for name, default in serving.endpoint.upstream.forwarded.items():
        value = exchange.headers.get(name, default)
        if value and name == BETAS and target.betas is not None:
            value = _known_betas(exchange, value, target.betas)
        if value:
            headers[name] = value
    share, secret = target.deployment.identity, exchange.snapshot.config.open_webui.identity_secret
    if share and secret:
        headers |= introduction(ask.caller.person, exchange.recorder.task, share, secret)
    return headers


def _known_betas(exchange: Exchange, asked: str, known: frozenset[str]) -> str:
    """Return the betas that an upstream knows, and note the others as dropped: some hosts refuse the whole request."""
    betas = [beta for part in asked.split(",") if (beta := part.strip())]
    unknown = (f"{BETAS}.{beta}" for beta in betas if beta not in known)
    exchange.dropped = tuple(dict.fromkeys((*exchange.dropped, *unknown)))
    return ",".join(beta for beta in betas if beta in known)


def _hide_person(exchange: Exchange, ask: Ask, fields: Members, serving: Serving) -> None:
    """Put the person's pseudonym in place of whom the request names, or nothing."""
    user_id = ask.caller.user_id
    pseudonym = exchange.runtime.pseudonym(user_id) if user_id else None
    wanted = ask.endpoint.pseudonym if serving.target.provider.pseudonyms and pseudonym else None
    for path in ask.endpoint.client.personal:
        _rename_person(fields, path, pseudonym, add=path == wanted)


def _rename_person(fields: Members, path: str, pseudonym: str | None, *, add: bool) -> None:
    """Put the pseudonym in place of whom a member names, or nothing; the member keeps its place."""
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
    """Return the object in which a member stands; None where something else is in its place."""
    if not outer:
        return fields
    kind = wire.kind(fields, outer)
    if kind is dict:
        return wire.members(fields[outer])
    return None if kind else {}
