"""Token counts of prompts: asked of an upstream that counts, else estimated, which a header then says.

They cost nothing and come in bursts (Claude Code sends 34 within a fifth of a second), so that they wait in no queue
and count against no limit.
"""

import asyncio

from gateway import wire
from gateway.api.ask import Ask
from gateway.api.exchange import ESTIMATED, Exchange
from gateway.api.reading import check_status, whole_answer
from gateway.api.upstream_request import upstream_request
from gateway.dialects.estimates import estimate_json
from gateway.errors import InvalidRequest, UpstreamError, UpstreamRefused
from gateway.routing.serving import Serving, by_load
from gateway.translation.counting import count_member, counted
from gateway.wire import Members

_LONGEST_SECONDS = 10.0
"""Longest wait for an upstream's count."""
_MOST_AT_ONCE = 64
"""Counts that one deployment is asked for at the same time; nothing else bounds them, and more are estimated."""


async def answer_count(exchange: Exchange, ask: Ask) -> None:
    """Answer with the count of an upstream, or with an estimate where none counts this model's tokens."""
    serving = _counting(ask)
    answer = await _count(exchange, ask, serving) if serving else None
    headers = exchange.response_headers()
    if answer is None:
        answer = counted(ask.endpoint.dialect, estimate(ask))
        headers = [*headers, ESTIMATED]
    exchange.settle("ok", 200)
    await exchange.answer.whole(200, headers, wire.encode(answer))


def estimate(ask: Ask) -> int:
    """Return about how many tokens the prompt has: at least one, as it is a prompt."""
    fields = ask.payload.fields
    return max(sum(estimate_json(bytes(fields[name])) for name in ask.endpoint.counts if name in fields), 1)


def _counting(ask: Ask) -> Serving | None:
    """Return a deployment that counts tokens; None where none does."""
    known = [each for each in ask.plan.groups[0] if each.endpoint.counts and _may_be_asked(each)]
    return by_load(known)[0] if known else None


def _may_be_asked(serving: Serving) -> bool:
    quirks = serving.target.quirks
    return not quirks.lacks_counting and quirks.counting < _MOST_AT_ONCE


async def _count(exchange: Exchange, ask: Ask, serving: Serving) -> Members | None:
    """Return the upstream's count; None where it has none now. Raises `UpstreamRefused` for a request that is wrong."""
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            return await _asked(exchange, ask, serving)
    except UpstreamRefused as error:
        serving.target.quirks.lacks_counting = error.upstream_status in (404, 405, 501)
        if not serving.target.quirks.lacks_counting and not error.retryable:
            raise
    except (UpstreamError, InvalidRequest, TimeoutError):  # what cannot be translated can still be estimated
        pass
    return None


async def _asked(exchange: Exchange, ask: Ask, serving: Serving) -> Members | None:
    exchange.asks_beside(serving.target)
    serving.target.quirks.counting += 1
    try:
        return await _fetched(exchange, ask, serving)
    finally:
        serving.target.quirks.counting -= 1


async def _fetched(exchange: Exchange, ask: Ask, serving: Serving) -> Members | None:
    request, crossing = await upstream_request(exchange, ask, serving)
    async with await exchange.runtime.client.send(request) as response:
        await check_status(response, serving, ask.endpoint.client)
        answer = whole_answer(await response.read_all(), serving, ask.endpoint.client)
    answer = crossing.answer(answer) if crossing else answer
    return answer if wire.kind(answer, count_member(ask.endpoint.dialect)) is int else None
