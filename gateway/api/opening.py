"""Opening a stream: everything that can go wrong before its answer begins, so that it can go elsewhere."""

import asyncio

import msgspec

from gateway.api.ask import Ask
from gateway.api.counting import counted
from gateway.api.exchange import Exchange
from gateway.api.reading import beginning, check_status, closed, invalid, is_html, is_json, whole_answer
from gateway.api.upstream_request import upstream_request
from gateway.dialects.framing import MAX_EVENT_BYTES, SERVER_SENT_EVENTS, FrameTooLong
from gateway.dialects.relay import BROKEN, WAITING, NativeRelay, Relay, Step
from gateway.dialects.usage import Usage
from gateway.errors import UpstreamError, UpstreamRefused, UpstreamTimeout
from gateway.redaction import redacted
from gateway.refusals import failed
from gateway.routing.serving import Serving
from gateway.translation.contract import Crossing, WholeOrStream
from gateway.upstream.answer import UpstreamAnswer
from gateway.wire import Members

_ANNOUNCEMENT_SECONDS = 1.0
"""So long the events that announce an answer are held back, as a failure after them can still go elsewhere."""
_MOST_STREAMED_BYTES = MAX_EVENT_BYTES
"""A longer answer in one piece is not made into the stream that was asked for."""
_FAILURE_SECONDS = 0.5
"""Longest wait for what follows an error event."""


class Started(msgspec.Struct, frozen=True):
    """An upstream stream whose answer has begun."""

    serving: Serving
    response: UpstreamAnswer
    relay: Relay
    first: Step
    crossing: Crossing | None = None
    """Its translation, where it has one."""


async def start(exchange: Exchange, ask: Ask, serving: Serving) -> Started:
    """Send the request and wait for the beginning of its answer. Raises `UpstreamError`."""
    try:
        return await _start(exchange, ask, serving)
    except UpstreamRefused as error:
        if not _refuses_usage(ask, serving, error):
            raise
    serving.target.quirks.refuses_stream_options = True
    return await _start(exchange, ask, serving)


async def read_next(response: UpstreamAnswer, relay: Relay) -> Step:
    """Return the next whole events. Raises `UpstreamUnreachable`, `UpstreamTimeout`."""
    try:
        if relay.error:
            return await _after_failure(response, relay)
        data = await response.read()
        return relay.feed(data) if data else relay.end()
    except FrameTooLong:
        raise invalid("sent an event that is too long to be one") from None


def used_so_far(exchange: Exchange, ask: Ask, relay: Relay) -> Usage | None:
    """Return the upstream's counts; what it did not count is estimated from the lengths of prompt and answer."""
    reported = relay.counts or msgspec.structs.replace(relay.begun or Usage(), output=None, reasoning=None)
    return counted(exchange, ask, reported, relay.written)


async def _start(exchange: Exchange, ask: Ask, serving: Serving) -> Started:
    request, crossing = await upstream_request(exchange, ask, serving)
    response = await exchange.runtime.client.send(request)
    translating = crossing.relay() if crossing else None
    relay = translating or _native(ask, serving)
    relay.cost_usd = exchange.cost_usd if exchange.tells_cost else None
    try:
        await check_status(response, serving, ask.endpoint.client)
        first = await _first(response, relay, ask, serving, translating)
        if relay.error:
            raise _failure(relay, ask, serving, first)
        if relay.state is BROKEN:
            raise closed()
        return Started(serving, response, relay, first, crossing)
    except BaseException:
        response.close()
        if relay.events and (relay.error is None or relay.written()):
            exchange.used(used_so_far(exchange, ask, relay))
        raise


def _native(ask: Ask, serving: Serving) -> NativeRelay:
    """Return what sends a stream on to a client of the upstream's own dialect."""
    relay = serving.endpoint.upstream.relay(ask.model.name, ask.payload.fields)
    if serving.framing is not SERVER_SENT_EVENTS:
        relay.event_reader = serving.framing.reader()
    return relay


async def _first(
    response: UpstreamAnswer, relay: Relay, ask: Ask, serving: Serving, translating: WholeOrStream | None
) -> Step:
    """Read until the answer begins, or has failed, or has announced itself long enough."""
    blocks: list[bytes] = []
    step, announced, target = Step(), False, serving.target
    try:
        async with asyncio.timeout(target.deployment.timeout) as limit:
            data = await beginning(response)
            if is_json(data) or is_html(data):
                answer = _whole(data + await response.read_beginning(_MOST_STREAMED_BYTES), ask, serving)
                return translating.whole(answer) if translating else relay.feed(_streamed(answer, serving))
            step = relay.feed(data) if data else relay.end()
            while True:
                blocks.append(step.block)
                if relay.state is not WAITING:
                    break
                if relay.events and not announced:
                    announced = True
                    limit.reschedule(asyncio.get_running_loop().time() + _ANNOUNCEMENT_SECONDS)
                step = await read_next(response, relay)
    except FrameTooLong:
        raise invalid("sent an event that is too long to be one") from None
    except TimeoutError:
        if not relay.events:
            raise UpstreamTimeout("The model's server did not answer in time. Try again.") from None
    return Step(b"".join(blocks), step.last)


def _whole(body: bytes, ask: Ask, serving: Serving) -> Members:
    """Return the answer of an upstream that does not stream although asked to. Raises `UpstreamError`."""
    if len(body) >= _MOST_STREAMED_BYTES:
        raise invalid("answered in one long piece although a stream was asked for")
    return whole_answer(body, serving, ask.endpoint.client)


def _streamed(answer: Members, serving: Serving) -> bytes:
    """Return a whole answer as the stream that was asked for. Raises `UpstreamError` where it is none."""
    if stream := serving.endpoint.upstream.as_stream(answer):
        return stream
    raise invalid("answered in one piece although a stream was asked for")


def _failure(relay: Relay, ask: Ask, serving: Serving, first: Step) -> UpstreamRefused:
    """Return the error with which a stream began. What announced it goes with it where clients want that."""
    assert relay.error is not None
    client = ask.endpoint.client
    error = failed(serving, client, relay.error)
    untouched = serving.translation is None
    if untouched and client.fails_with_answer and first.block and error.code != "upstream_misconfigured":
        error.answer = redacted(first.block + first.last, serving.target.secrets)
    return error


async def _after_failure(response: UpstreamAnswer, relay: Relay) -> Step:
    """Return what follows an error event, if it comes soon."""
    try:
        async with asyncio.timeout(_FAILURE_SECONDS):
            data = await response.read()
    except (TimeoutError, UpstreamError):
        data = b""
    return relay.feed(data) if data else relay.end()


def _refuses_usage(ask: Ask, serving: Serving, error: UpstreamRefused) -> bool:
    """Return whether an upstream refused the option that we added to make it count tokens."""
    added = serving.target.asks_for_usage and serving.endpoint.upstream.ask_for_usage is not None
    ours = added and "stream_options" not in ask.payload.fields
    return ours and error.upstream_status in (400, 422) and "stream_options" in f"{error.message}{error.body!r}"
