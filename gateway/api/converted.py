"""An answer that a translation makes into something that is no JSON and no event: sound, or plain text."""

import asyncio

from gateway.api.ask import Ask
from gateway.api.exchange import Exchange
from gateway.api.opening import Started, read_next, used_so_far
from gateway.api.reading import closed
from gateway.dialects.relay import BROKEN, FINISHED, Step
from gateway.errors import ApiError
from gateway.refusals import failed
from gateway.translation.contract import Converting


async def send_converted(exchange: Exchange, ask: Ask, started: Started) -> None:
    """Send an answer while it comes. One that breaks is cut for the client, too: nothing in it could say so."""
    try:
        last = await _send(exchange, ask, started)
    except (asyncio.CancelledError, ApiError) as error:
        exchange.used(used_so_far(exchange, ask, started.relay))
        if isinstance(error, asyncio.CancelledError) or not exchange.answer.started:
            raise
        exchange.settle("error", 200, error.code)
        return
    exchange.used(used_so_far(exchange, ask, started.relay))
    exchange.release()
    exchange.settle("ok", 200)
    await _begin(exchange, started)
    await exchange.answer.end_stream(last)


async def _send(exchange: Exchange, ask: Ask, started: Started) -> bytes:
    """Send all but the end of an answer, which is returned. Raises `UpstreamError`, `NothingMade`."""
    relay, step = started.relay, started.first
    while True:
        await _write(exchange, started, step)
        if relay.state > FINISHED:
            break
        step = await read_next(started.response, relay)
    if relay.error:
        raise failed(started.serving, ask.endpoint.client, relay.error)
    if relay.state is BROKEN:
        raise closed()
    return step.last


async def _write(exchange: Exchange, started: Started, step: Step) -> None:
    if step.block:
        await _begin(exchange, started)
        await exchange.answer.write(step.block)


async def _begin(exchange: Exchange, started: Started) -> None:
    """Begin the client's answer, once."""
    if not exchange.answer.started:
        assert isinstance(started.relay, Converting), "whoever asks for no events gets something else"
        exchange.recorder.first_token()
        await exchange.answer.start(exchange.response_headers(), started.relay.media_type.encode())
