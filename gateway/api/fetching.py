"""Media that a request names by address, for a deployment that takes bytes alone; fetched once for all its attempts."""

from collections.abc import Sequence

from gateway import wire
from gateway.api.ask import Ask
from gateway.api.beside import beside
from gateway.api.exchange import Exchange
from gateway.fetching.fetcher import Fetched, Wanted
from gateway.fetching.guard import Guard
from gateway.routing.serving import Serving
from gateway.translation.inlining import pack, wanted_of
from gateway.translation.native_media import media_of, put
from gateway.upstream.destination import proxy_of
from gateway.wire import Members


def inlines(exchange: Exchange, serving: Serving) -> bool:
    """Return whether a deployment is to get media as bytes that the request names by address; not to count tokens."""
    needs = serving.target.provider.needs_bytes
    return (
        serving.endpoint.dialect in needs
        and not serving.endpoint.counts
        and exchange.snapshot.config.server.fetch.enabled
    )


async def media(exchange: Exchange, keys: Sequence[str]) -> dict[str, bytes]:
    """Return what a crossing wants of the web. Raises `InvalidRequest` naming the address that cannot be had."""
    wanted = {key: wanted_of(key) for key in keys}
    found = await _fetched(exchange, list(wanted.values()))
    return {key: pack(found[each]) for key, each in wanted.items()}


async def with_media(exchange: Exchange, ask: Ask, serving: Serving, fields: Members) -> Members:
    """Return the members of a request that stays in its dialect, with data in place of addresses.

    Raises `InvalidRequest` naming the address that cannot be had.
    """
    if not inlines(exchange, serving):
        return fields
    held, places = await beside(ask.payload.size, media_of, serving.endpoint.dialect, fields)
    if not places:
        return fields
    put(places, await _fetched(exchange, list(dict.fromkeys(wanted for wanted, _ in places))))
    fields = dict(fields)
    for name, content in held.items():
        wire.put(fields, name, content)
    return fields


async def _fetched(exchange: Exchange, wanted: list[Wanted]) -> dict[Wanted, Fetched]:
    settings = exchange.snapshot.config.server
    guard = Guard(
        settings.fetch.allowed_networks,
        settings.fetch.allowed_hosts,
        proxy_of(settings.outbound_proxy),
        settings.no_proxy,
    )
    new = [each for each in wanted if each not in exchange.media]
    fetcher, limits = exchange.runtime.fetcher, settings.fetch
    found = await fetcher.fetch(new, guard, limits.max_bytes, limits.timeout)
    if exchange.share:
        exchange.share.add(sum(len(each.data) for each in found.values()))
    exchange.media |= found
    return exchange.media
