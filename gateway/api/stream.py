"""An answer event by event. The client hears nothing of what failed before the first one."""

import asyncio
from dataclasses import dataclass

import aiohttp

from gateway.api.ask import Ask, to_call
from gateway.api.attempts import first_success
from gateway.api.exchange import Exchange
from gateway.dialects.usage import Usage, estimate
from gateway.errors import UpstreamError, UpstreamUnreachable
from gateway.keepalive import KeepAlive
from gateway.refusals import refused
from gateway.routing import Target
from gateway.streaming import DONE, EventRelay, EventTooLong, Step
from gateway.upstream import broken, read_all


@dataclass(frozen=True, slots=True)
class Started:
    """An upstream stream whose first event has come."""

    target: Target
    response: aiohttp.ClientResponse
    relay: EventRelay
    first: Step


async def answer_streaming(exchange: Exchange, ask: Ask) -> None:
    """Open a stream somewhere, relay it, record it before its last event."""

    async def comment() -> None:
        await exchange.answer.keep_alive(exchange.response_headers())

    async with KeepAlive(exchange.snapshot.config.server.keepalive_seconds, comment) as alive:
        started = await first_success(exchange, ask.model, lambda target: _start(exchange, ask, target))
        try:
            await _relay(exchange, started, alive)
        except (asyncio.CancelledError, UpstreamError):
            exchange.used(started.relay.usage or _estimated(ask, started.relay))
            raise
        finally:
            started.response.close()


async def _start(exchange: Exchange, ask: Ask, target: Target) -> Started:
    """Send the call and wait for the first event, so that a failure until then can go elsewhere."""
    response = await exchange.runtime.client.open(to_call(exchange, ask, target))
    try:
        if response.status != 200:
            raise refused(target.id, response.status, response.headers, await read_all(response, target.id))
        relay = EventRelay(ask.model.name, hide_usage=not ask.wants_usage)
        first = Step()
        while not relay.events:
            first = await _next(response, relay, target)
            if relay.ended and not relay.events:
                raise _closed(target)
        if relay.error:
            raise refused(target.id, 502, {}, relay.error)
        return Started(target, response, relay, first)
    except BaseException:
        response.close()
        raise


async def _relay(exchange: Exchange, started: Started, alive: KeepAlive) -> None:
    answer, relay, step = exchange.answer, started.relay, started.first
    exchange.first_token()
    await answer.start_stream(exchange.response_headers())
    while True:
        await answer.write(step.block)
        alive.beat()
        if relay.done or relay.ended:
            break
        step = await _next(started.response, relay, started.target)
    await _finish(exchange, started, step)


async def _finish(exchange: Exchange, started: Started, step: Step) -> None:
    """The last event, after the record. What was never finished is never called finished."""
    relay = started.relay
    if not relay.done and not relay.finished and not relay.error:
        raise _closed(started.target)
    exchange.used(relay.usage)
    exchange.release()
    if relay.error:
        exchange.settle("error", 200, "upstream_error")
        await exchange.answer.end_stream()
        return
    exchange.settle("ok", 200)
    await exchange.answer.end_stream(step.last or DONE)


async def _next(response: aiohttp.ClientResponse, relay: EventRelay, target: Target) -> Step:
    """The next whole events. Raises `UpstreamUnreachable`, `UpstreamTimeout`."""
    try:
        data = await response.content.readany()
        return relay.feed(data) if data else relay.end()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise broken(error, target.id) from error
    except EventTooLong:
        raise UpstreamUnreachable(
            f"Deployment '{target.id}' sent an event that is too long to be one.", code="upstream_invalid_answer"
        ) from None


def _closed(target: Target) -> UpstreamUnreachable:
    return UpstreamUnreachable(
        f"Deployment '{target.id}' closed the stream before the answer was complete.", code="upstream_closed"
    )


def _estimated(ask: Ask, relay: EventRelay) -> Usage:
    """Nobody counted: the prompt's length and the events sent tell roughly what was used."""
    asked = ask.fields.get("messages") or ask.fields.get("prompt") or b""
    text = bytes(asked).decode("utf-8", "ignore")
    return Usage(input=estimate(text), output=max(relay.events - 1, 0), source="estimated")
