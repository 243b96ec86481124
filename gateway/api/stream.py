"""An answer event by event. The client hears nothing of what failed before the first one."""

import asyncio

from gateway.api.ask import Ask
from gateway.api.attempts import first_success
from gateway.api.counting import left
from gateway.api.exchange import Exchange
from gateway.api.opening import Started, read_next, start, used_so_far
from gateway.api.reading import closed
from gateway.api.upstream_request import keep
from gateway.dialects.relay import BROKEN, DONE, FAILED, FINISHED, Step
from gateway.errors import NothingMade, UpstreamError, UpstreamRefused, UpstreamTimeout
from gateway.keepalive import KeepAlive
from gateway.redaction import redacted
from gateway.refusals import failed


async def answer_streaming(exchange: Exchange, ask: Ask) -> None:
    """Open a stream somewhere, relay it, record it before its last event."""

    async def comment() -> None:
        await exchange.answer.keep_alive(exchange.response_headers(), exchange.endpoint.client.keepalive)

    async with KeepAlive(exchange.snapshot.config.server.keepalive_seconds, comment) as alive:
        try:
            started = await first_success(exchange, ask, lambda serving: start(exchange, ask, serving))
        except UpstreamRefused as error:
            if not error.answer:
                raise
            await _fail_with_answer(exchange, ask, error)
            return
        except (asyncio.CancelledError, UpstreamTimeout):
            if exchange.recorder.usage is None:
                exchange.used(left(exchange, ask, written=0))
            raise
        try:
            await _relay(exchange, ask, started, alive)
        except (asyncio.CancelledError, UpstreamError, NothingMade):
            exchange.events_sent = started.relay.events
            exchange.used(used_so_far(exchange, ask, started.relay))
            raise
        finally:
            _let_go(started)


def _let_go(started: Started) -> None:
    """Give the upstream connection back to its pool where the answer is complete, else close it at once.

    Never waits: the server reports the client as gone as soon as it has the whole answer, and the request is cancelled.
    """
    if started.relay.state in (DONE, FAILED):
        started.response.finish()
    else:
        started.response.close()


async def _fail_with_answer(exchange: Exchange, ask: Ask, error: UpstreamRefused) -> None:
    """End with the events of a stream that failed before its answer began; a person reads our words."""
    exchange.release()
    if ask.caller.is_open_webui:
        await exchange.answer.start_stream(exchange.response_headers())
        await exchange.fail(error)
        return
    exchange.settle("error", 200, error.code)
    await exchange.answer.start_stream(exchange.response_headers())
    await exchange.answer.end_stream(error.answer)


async def _relay(exchange: Exchange, ask: Ask, started: Started, alive: KeepAlive) -> None:
    answer, relay, step = exchange.answer, started.relay, started.first
    exchange.recorder.first_token()
    started.response.at_end(exchange.release)
    await answer.start_stream(exchange.response_headers())
    while True:
        await answer.write(step.block)
        alive.beat()
        if relay.state > FINISHED:
            break
        step = await read_next(started.response, relay)
    await _finish(exchange, ask, started, step)


async def _finish(exchange: Exchange, ask: Ask, started: Started, step: Step) -> None:
    """Send the last event, after the record. What was never finished is never called finished."""
    relay = started.relay
    if relay.state is BROKEN:
        raise closed()
    exchange.used(used_so_far(exchange, ask, relay))
    exchange.remember_deployment(relay.answer_id)
    exchange.release()
    if relay.error is None:
        await keep(exchange, ask, started.crossing)
        exchange.settle("ok", 200)
        await exchange.answer.end_stream(step.last)
        return
    error = failed(started.serving, ask.endpoint.client, relay.error)
    if started.crossing or ask.caller.is_open_webui or error.code == "upstream_misconfigured":
        exchange.events_sent = relay.events
        await exchange.fail(error)
        return
    exchange.settle("error", 200, error.code)
    await exchange.answer.end_stream(redacted(step.last, started.serving.target.secrets))
