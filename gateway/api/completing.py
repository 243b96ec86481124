"""Code completion while somebody types: who supersedes whom, how long anybody waits, and what needs no model."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from gateway import wire
from gateway.api.ask import Ask
from gateway.api.exchange import Exchange
from gateway.errors import TooLate
from gateway.translation.completion.answers import whole_infill

SUPERSEDE_HEADER = "x-sekisho-supersede"


def while_typing(exchange: Exchange, ask: Ask) -> AbstractAsyncContextManager[None]:
    """Return what surrounds a request: of the class `completion`, newer ones supersede it, and it has a deadline.

    Raises `Superseded`, `TooLate` in its block.
    """
    if ask.traffic_class != "completion" or ask.warms:
        return nullcontext()
    return _typing(exchange, ask)


@asynccontextmanager
async def _typing(exchange: Exchange, ask: Ask) -> AsyncIterator[None]:
    seconds = ask.model.completion.deadline_seconds
    async with _superseding(exchange, ask), _within(seconds) if seconds else nullcontext():
        yield


def _superseding(exchange: Exchange, ask: Ask) -> AbstractAsyncContextManager[None]:
    """Let completions of one person, program and machine for one model replace each other."""
    wanted = exchange.snapshot.config.admission.supersede_completions and ask.model.completion.supersede
    if not wanted or exchange.headers.get(SUPERSEDE_HEADER) == "off":
        return nullcontext()
    recorder, agent = exchange.recorder, exchange.headers.get("user-agent", "")
    who = (ask.caller.user_id or "", ask.caller.key.id, recorder.client, agent, recorder.client_ip or "")
    return exchange.runtime.latest_wins.newest((*who, ask.model.name))


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    """Raise `TooLate` in the block after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise TooLate(
            f"The completion took longer than {seconds:g} s, so it was dropped. Ask for fewer tokens, or let the "
            "administrator raise 'completion.deadline_seconds' of the model."
        ) from None


async def answer_warming(exchange: Exchange, ask: Ask) -> None:
    """Answer a request that only fills a cache, where no server of the model keeps one: nobody is asked, or paid."""
    empty = whole_infill(ask.model.name, [], None, ask.payload.fields)
    exchange.settle("ok", 200)
    await exchange.answer.whole(200, exchange.response_headers(), wire.encode(empty))


def is_idle(ask: Ask) -> bool:
    """Return whether a request only fills a cache that no server of its model keeps."""
    if not ask.warms or ask.stream:
        return False
    return not any(serving.target.provider.prefix_cache for group in ask.plan.groups for serving in group)
