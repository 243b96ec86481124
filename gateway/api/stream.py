"""An answer event by event. The client hears nothing of what failed before the first one."""

import asyncio

import msgspec

from gateway.api.ask import Ask, remember_deployment, to_call
from gateway.api.attempts import first_success
from gateway.api.exchange import Exchange
from gateway.dialects.usage import Usage
from gateway.errors import UpstreamError, UpstreamUnreachable
from gateway.keepalive import KeepAlive
from gateway.refusals import refused
from gateway.routing import Target
from gateway.streaming import EventTooLong, Relay, Step
from gateway.upstream.answer import Answer


class Started(msgspec.Struct, frozen=True):
    """An upstream stream whose first event has come."""

    target: Target
    response: Answer
    relay: Relay
    first: Step


async def answer_streaming(exchange: Exchange, ask: Ask) -> None:
    """Open a stream somewhere, relay it, record it before its last event."""

    async def comment() -> None:
        await exchange.answer.keep_alive(exchange.response_headers())

    async with KeepAlive(exchange.snapshot.config.server.keepalive_seconds, comment) as alive:
        started = await first_success(exchange, ask.model, lambda target: _start(exchange, ask, target))
        try:
            await _relay(exchange, ask, started, alive)
        except (asyncio.CancelledError, UpstreamError):
            exchange.events_sent = started.relay.events
            exchange.used(_used(exchange, ask, started.relay))
            raise
        finally:
            _let_go(started)


def _let_go(started: Started) -> None:
    """Give the upstream connection back to its pool where the answer is complete, else close it at once.

    Never waits: uvicorn reports the client as gone as soon as it has the whole answer, and the request is cancelled.
    """
    if started.relay.done:
        started.response.finish()
    else:
        started.response.close()


async def _start(exchange: Exchange, ask: Ask, target: Target) -> Started:
    """Send the call and wait for the first event, so that a failure until then can go elsewhere."""
    family = exchange.family
    response = await exchange.runtime.client.open(to_call(exchange, ask, target))
    try:
        if response.status != 200:
            raise refused(target.id, family, response.status, response.headers, await response.whole())
        relay = family.dialect.relay(ask.model.name, ask.fields)
        relay.cost_usd = exchange.cost_usd if exchange.tells_cost else None
        first = Step()
        while not relay.events:
            first = await _next(response, relay, target)
            if relay.ended and not relay.events:
                raise _closed(target)
        _check_first(exchange, target, relay)
        return Started(target, response, relay, first)
    except BaseException:
        response.close()
        raise


def _check_first(exchange: Exchange, target: Target, relay: Relay) -> None:
    """A stream that begins with its failure is as good as an error answer; what nobody would do better goes on."""
    if relay.error:
        status = exchange.family.dialect.error_status(relay.error)
        error = refused(target.id, exchange.family, status, {}, relay.error)
        if error.retryable:
            raise error


async def _relay(exchange: Exchange, ask: Ask, started: Started, alive: KeepAlive) -> None:
    answer, relay, step = exchange.answer, started.relay, started.first
    exchange.first_token()
    await answer.start_stream(exchange.response_headers())
    while True:
        await answer.write(step.block)
        alive.beat()
        if relay.done or relay.ended:
            break
        step = await _next(started.response, relay, started.target)
    await _finish(exchange, ask, started, step)


async def _finish(exchange: Exchange, ask: Ask, started: Started, step: Step) -> None:
    """The last event, after the record. What was never finished is never called finished."""
    relay = started.relay
    if not relay.done and not relay.finished:
        raise _closed(started.target)
    exchange.used(_used(exchange, ask, relay))
    remember_deployment(exchange, relay.answer_id)
    exchange.release()
    exchange.settle("error" if relay.error else "ok", 200, "upstream_error" if relay.error else None)
    await exchange.answer.end_stream(step.last or relay.closing)


async def _next(response: Answer, relay: Relay, target: Target) -> Step:
    """The next whole events. Raises `UpstreamUnreachable`, `UpstreamTimeout`."""
    try:
        data = await response.some()
        return relay.feed(data) if data else relay.end()
    except EventTooLong:
        raise UpstreamUnreachable(
            f"Deployment '{target.id}' sent an event that is too long to be one.", code="upstream_invalid_answer"
        ) from None


def _closed(target: Target) -> UpstreamUnreachable:
    return UpstreamUnreachable(
        f"Deployment '{target.id}' closed the stream before the answer was complete.", code="upstream_closed"
    )


def _used(exchange: Exchange, ask: Ask, relay: Relay) -> Usage:
    """What the upstream counted; as far as it did not, what the lengths of prompt and answer tell."""
    told = relay.usage or msgspec.structs.replace(relay.begun or Usage(), output=relay.written(), source="estimated")
    if told.input is not None:
        return told
    return msgspec.structs.replace(told, input=exchange.family.prompt_tokens(ask.fields), source="estimated")
