"""An answer in one piece: nothing is sent before all of it is here."""

import asyncio

from gateway import wire
from gateway.api.ask import Ask, remember_deployment, to_call
from gateway.api.attempts import first_success
from gateway.api.counting import counted, left
from gateway.api.exchange import Exchange
from gateway.api.reading import check_status, whole_answer
from gateway.errors import UpstreamRefused, UpstreamTimeout, UpstreamUnreachable
from gateway.routing import Target


async def answer_whole(exchange: Exchange, ask: Ask) -> None:
    """Fetch, record, send."""
    family, dialect = exchange.family, exchange.family.dialect

    async def attempt(target: Target) -> wire.Members:
        async with await exchange.runtime.client.open(to_call(exchange, ask, target)) as response:
            await check_status(response, target, family)
            body = await response.whole()
        return whole_answer(body, target, family)

    try:
        answer = await first_success(exchange, ask.model, attempt)
    except UpstreamRefused as error:
        if not error.answer:
            raise
        exchange.settle("error", 200, error.code)
        await exchange.answer.whole(200, exchange.response_headers(), error.answer)
        return
    except (asyncio.CancelledError, UpstreamTimeout, UpstreamUnreachable) as error:
        if getattr(error, "code", None) != UpstreamUnreachable.default_code:  # else nobody was asked
            exchange.used(left(exchange, ask))
        raise
    usage = counted(exchange, ask, dialect.usage(answer), lambda: family.answer_tokens(answer))
    exchange.used(usage)
    if usage and exchange.tells_cost:
        dialect.put_cost(answer, exchange.cost_usd(usage))
    remember_deployment(exchange, dialect.answer_id(answer))
    if family.names_model:
        wire.put(answer, "model", ask.model.name)
    exchange.release()
    exchange.settle("ok", 200)
    await exchange.answer.whole(200, exchange.response_headers(), wire.encode(answer))
