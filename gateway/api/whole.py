"""An answer in one piece: nothing is sent before all of it is here."""

import asyncio

from gateway import wire
from gateway.api.ask import Ask
from gateway.api.attempts import first_success
from gateway.api.beside import beside
from gateway.api.calls import Answered, answered
from gateway.api.counting import counted, left
from gateway.api.exchange import Exchange
from gateway.api.upstream_request import keep
from gateway.errors import NothingMade, UpstreamRefused, UpstreamTimeout, UpstreamUnreachable


async def answer_whole(exchange: Exchange, ask: Ask) -> None:
    """Fetch, record, send."""
    try:
        found = await first_success(exchange, ask, lambda serving: answered(exchange, ask, serving))
    except UpstreamRefused as error:
        if not error.answer or ask.caller.is_open_webui:  # a person reads our words
            raise
        exchange.settle("error", 200, error.code)
        await exchange.answer.whole(200, exchange.response_headers(), error.answer)
        return
    except NothingMade as error:
        exchange.used(counted(exchange, ask, error.usage, lambda: 0))
        raise
    except (asyncio.CancelledError, UpstreamTimeout, UpstreamUnreachable) as error:
        if getattr(error, "code", None) != UpstreamUnreachable.default_code:  # else nobody was asked
            exchange.used(left(exchange, ask))
        raise
    body = await beside(found.size, wire.encode, shown(exchange, ask, found))
    await keep(exchange, ask, found.crossing)
    exchange.release()
    exchange.settle("ok", 200)
    await exchange.answer.whole(200, exchange.response_headers(), body)


def shown(exchange: Exchange, ask: Ask, found: Answered) -> wire.Members:
    """Count what an answer used; return it with what the client is to know, under our name of the model."""
    endpoint, answer = ask.endpoint, found.answer
    exchange.remember_deployment(found.answer_id)
    usage = counted(exchange, ask, found.usage, lambda: endpoint.answer_tokens(answer))
    exchange.used(usage)
    if usage and endpoint.client.put_usage:
        exchange.estimated = endpoint.client.put_usage(answer, usage) and usage.source == "estimated"
    if usage and exchange.tells_cost:
        endpoint.client.put_cost(answer, exchange.cost_usd(usage))
    if endpoint.names_model or "model" in answer:
        wire.put(answer, "model", ask.model.name)
    return answer
