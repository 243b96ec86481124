"""An answer in one piece: nothing is sent before all of it is here."""

import asyncio

from gateway import wire
from gateway.api.ask import Ask
from gateway.api.attempts import first_success
from gateway.api.counting import counted, left
from gateway.api.exchange import Exchange
from gateway.api.reading import check_status, whole_answer
from gateway.api.upstream_request import keep, upstream_request
from gateway.errors import UpstreamRefused, UpstreamTimeout, UpstreamUnreachable
from gateway.routing.serving import Serving
from gateway.translation.contract import Crossing


async def answer_whole(exchange: Exchange, ask: Ask) -> None:
    """Fetch, record, send."""
    client = ask.endpoint.client

    async def attempt(serving: Serving) -> tuple[Serving, Crossing | None, wire.Members]:
        request, crossing = await upstream_request(exchange, ask, serving)
        async with await exchange.runtime.client.send(request) as response:
            await check_status(response, serving, client)
            body = await response.read_all()
        return serving, crossing, whole_answer(body, serving, client)

    try:
        serving, crossing, answer = await first_success(exchange, ask, attempt)
    except UpstreamRefused as error:
        if not error.answer or ask.caller.is_open_webui:  # a person reads our words
            raise
        exchange.settle("error", 200, error.code)
        await exchange.answer.whole(200, exchange.response_headers(), error.answer)
        return
    except (asyncio.CancelledError, UpstreamTimeout, UpstreamUnreachable) as error:
        if getattr(error, "code", None) != UpstreamUnreachable.default_code:  # else nobody was asked
            exchange.used(left(exchange, ask))
        raise
    body = shown(exchange, ask, serving, crossing, answer)
    await keep(exchange, ask, crossing)
    exchange.release()
    exchange.settle("ok", 200)
    await exchange.answer.whole(200, exchange.response_headers(), body)


def shown(exchange: Exchange, ask: Ask, serving: Serving, crossing: Crossing | None, answer: wire.Members) -> bytes:
    """Count what an upstream's answer used; return it in the client's dialect and under our name of the model."""
    upstream, endpoint = serving.endpoint.upstream, ask.endpoint
    found = upstream.usage(answer)
    exchange.remember_deployment(upstream.answer_id(answer))
    if crossing:
        answer = crossing.answer(answer)
    usage = counted(exchange, ask, found, lambda: endpoint.answer_tokens(answer))
    exchange.used(usage)
    if usage and exchange.tells_cost:
        endpoint.client.put_cost(answer, exchange.cost_usd(usage))
    if endpoint.names_model or "model" in answer:
        wire.put(answer, "model", ask.model.name)
    return wire.encode(answer)
