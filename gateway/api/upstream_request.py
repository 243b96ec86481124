"""The request to an upstream: the client's members, the upstream's model name, no person but to our own agents."""

from gateway import wire
from gateway.api.ask import Ask
from gateway.api.exchange import Exchange
from gateway.dialects.contract import UpstreamDialect
from gateway.identity.introduction import introduction
from gateway.payload import Encoded
from gateway.routing import Serving
from gateway.upstream.request import UpstreamRequest
from gateway.wire import Members


async def upstream_request(exchange: Exchange, ask: Ask, serving: Serving) -> UpstreamRequest:
    """Return the request by which a deployment is asked, signed. Raises `UpstreamError` where it cannot be."""
    target = serving.target
    encoded = _encoded(exchange, ask, serving)
    request = UpstreamRequest(
        "POST",
        _url(serving.urls[ask.stream], exchange.query, serving.endpoint.upstream),
        _headers(exchange, ask, serving, encoded.media_type),
        encoded.body,
        serving.timeouts[ask.stream],
    )
    await target.provider.authorize(request, target.deployment)
    return request


def _encoded(exchange: Exchange, ask: Ask, serving: Serving) -> Encoded:
    target, upstream = serving.target, serving.endpoint.upstream
    fields = dict(ask.payload.fields)
    wire.put(fields, "model", target.deployment.model)
    _hide_person(exchange, ask, fields, serving)
    if serving.translation:
        counted = target.asks_for_usage
        return serving.translation.request(ask.payload, fields, stream=ask.stream, count_usage=counted)
    if ask.stream and upstream.ask_for_usage and target.asks_for_usage:
        upstream.ask_for_usage(fields)
    return ask.payload.encoded(fields)


def _url(url: str, query: str, upstream: UpstreamDialect) -> str:
    """Return a URL with the parts of the client's query that the upstream's dialect allows."""
    kept = [part for part in dict.fromkeys(query.split("&")) if part in upstream.query] if query else []
    if not kept:
        return url
    return f"{url}{'&' if '?' in url else '?'}{'&'.join(kept)}"


def _headers(exchange: Exchange, ask: Ask, serving: Serving, media_type: str) -> dict[str, str]:
    """Return our own headers, those of the client that the upstream's dialect forwards, and who asks for an agent."""
    target = serving.target
    headers = {
        "user-agent": "sekisho",
        "accept-encoding": "identity",
        "content-type": media_type,
        "accept": target.provider.framing.media_type if ask.stream else "application/json",
    }
    if exchange.trace:
        headers |= exchange.trace.calling()
    for name, default in serving.endpoint.upstream.forwarded.items():
        if value := exchange.headers.get(name, default):
            headers[name] = value
    share, secret = target.deployment.identity, exchange.snapshot.config.open_webui.identity_secret
    if share and secret:
        headers |= introduction(ask.caller.person, exchange.recorder.task, share, secret)
    return headers


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
