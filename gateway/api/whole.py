"""An answer in one piece: nothing is sent before all of it is here."""

import msgspec

from gateway import wire
from gateway.api.ask import Ask, remember_deployment, to_call
from gateway.api.attempts import first_success
from gateway.api.exchange import Exchange
from gateway.errors import UpstreamUnreachable
from gateway.refusals import refused
from gateway.routing import Target


async def answer_whole(exchange: Exchange, ask: Ask) -> None:
    """Fetch, record, send."""
    family, dialect = exchange.family, exchange.family.dialect

    async def attempt(target: Target) -> wire.Members:
        async with await exchange.runtime.client.open(to_call(exchange, ask, target)) as response:
            body = await response.whole()
        if response.status != 200:
            raise refused(target.id, family, response.status, response.headers, body)
        return _readable(body, target)

    answer = await first_success(exchange, ask.model, attempt)
    usage = dialect.usage(answer)
    exchange.used(usage)
    if usage and exchange.tells_cost:
        dialect.put_cost(answer, exchange.cost_usd(usage))
    remember_deployment(exchange, dialect.answer_id(answer))
    if family.names_model:
        wire.put(answer, "model", ask.model.name)
    exchange.release()
    failed = dialect.has_failed(answer)
    exchange.settle("error" if failed else "ok", 200, "upstream_error" if failed else None)
    await exchange.answer.whole(200, exchange.response_headers(), wire.encode(answer))


def _readable(body: bytes, target: Target) -> wire.Members:
    try:
        return wire.members(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UpstreamUnreachable(
            f"Deployment '{target.id}' answered with something that is not JSON.", code="upstream_invalid_answer"
        ) from None
