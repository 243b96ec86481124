"""An answer that may be no JSON: subtitles, plain text, sound. It passes as it comes, with its media type."""

import asyncio

import msgspec

from gateway import wire
from gateway.api.ask import Ask
from gateway.api.attempts import first_success
from gateway.api.calls import read
from gateway.api.converted import send_converted
from gateway.api.counting import counted, left
from gateway.api.exchange import Exchange
from gateway.api.listening import heard
from gateway.api.opening import Started, start
from gateway.api.reading import beginning, check_status, invalid, is_json, whole_answer
from gateway.api.upstream_request import upstream_request
from gateway.api.whole import shown
from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.routing.serving import Serving
from gateway.upstream.answer import UpstreamAnswer
from gateway.wire import Members

_LONGEST_MEDIA_TYPE = 200
_UNKNOWN = "application/octet-stream"
_PAGES = ("text/html", "application/xhtml+xml")


class _Begun(msgspec.Struct, frozen=True):
    """An upstream's answer whose first bytes are there."""

    serving: Serving
    response: UpstreamAnswer
    media_type: str
    first: bytes = b""
    answer: Members | None = None
    """All of it, where it is JSON."""


async def answer_untouched(exchange: Exchange, ask: Ask) -> None:
    """Fetch an answer; JSON is counted and sent whole, all else is sent on while it comes."""

    async def attempt(serving: Serving) -> "_Begun | Started":
        return await (_begin if serving.translation is None else _translated)(exchange, ask, serving)

    try:
        begun = await first_success(exchange, ask, attempt)
    except (asyncio.CancelledError, UpstreamTimeout):
        exchange.used(left(exchange, ask, written=0))
        raise
    try:
        if isinstance(begun, Started):
            await send_converted(exchange, ask, begun)
        elif begun.answer is None:
            await _pass_on(exchange, ask, begun)
        else:
            found = read(ask, begun.serving, None, begun.answer, size=0)
            found = msgspec.structs.replace(found, usage=await heard(exchange, ask, found.usage))
            body = wire.encode(shown(exchange, ask, found))
            exchange.release()
            exchange.settle("ok", 200)
            await exchange.answer.whole(200, exchange.response_headers(), body)
    finally:
        begun.response.close()


async def _translated(exchange: Exchange, ask: Ask, serving: Serving) -> Started:
    """Ask an upstream of another dialect, whose answer is made into the client's piece by piece."""
    return await start(exchange, msgspec.structs.replace(ask, stream=True), serving)


async def _begin(exchange: Exchange, ask: Ask, serving: Serving) -> _Begun:
    """Send the request and wait for the first bytes of its answer. Raises `UpstreamError`."""
    request, _ = await upstream_request(exchange, ask, serving)
    response = await exchange.runtime.client.send(request)
    try:
        await check_status(response, serving, ask.endpoint.client)
        media_type = response.headers.get("content-type", "")
        kind = media_type.partition(";")[0].strip().lower()
        if kind == "application/json" or kind.endswith("+json"):
            return _Begun(serving, response, kind, answer=await _json(b"", ask, serving, response))
        first = await beginning(response)
        if not kind and is_json(first):
            return _Begun(serving, response, kind, answer=await _json(first, ask, serving, response))
        if kind in _PAGES:
            raise invalid("answered with a page")
        if not first and not kind.startswith("text/"):  # of silence there is nothing to write
            raise invalid("answered with nothing")
        return _Begun(serving, response, _told(media_type), first)
    except BaseException:
        response.close()
        raise


async def _json(first: bytes, ask: Ask, serving: Serving, response: UpstreamAnswer) -> Members:
    return whole_answer(first + await response.read_all(), serving, ask.endpoint.client)


async def _pass_on(exchange: Exchange, ask: Ask, begun: _Begun) -> None:
    """Send an answer on. One that breaks is cut for the client, too: nothing in it could say so."""
    exchange.used(counted(exchange, ask, await heard(exchange, ask, None), lambda: 0))
    exchange.recorder.first_token()
    answer, piece = exchange.answer, begun.first
    await answer.start(exchange.response_headers(), begun.media_type.encode())
    try:
        while piece:
            await answer.write(piece)
            piece = await begun.response.read()
    except UpstreamError as error:
        exchange.settle("error", 200, error.code)
        return
    exchange.release()
    exchange.settle("ok", 200)
    await answer.end_stream()


def _told(media_type: str) -> str:
    """Return a media type as it may stand in a header of ours."""
    fits = 0 < len(media_type) <= _LONGEST_MEDIA_TYPE and all(" " <= each <= "~" for each in media_type)
    return media_type if fits else _UNKNOWN
