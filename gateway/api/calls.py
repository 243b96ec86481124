"""The calls by which a deployment is asked for a whole answer: one, or several where it takes fewer inputs in one."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from gateway.api.ask import Ask
from gateway.api.beside import beside
from gateway.api.counting import counted
from gateway.api.exchange import Exchange
from gateway.api.reading import check_status, whole_answer
from gateway.api.upstream_request import upstream_request
from gateway.dialects.usage import Usage, total
from gateway.errors import NothingMade
from gateway.routing.serving import Serving
from gateway.translation.contract import Crossing
from gateway.upstream.answer import LARGEST_ANSWER, broken, too_large
from gateway.wire import Members

AT_ONCE = 8
"""Calls for one request that run at the same time; fewer where the deployment takes fewer requests."""
_COUNT = re.compile(r"[0-9]{1,12}", re.ASCII)


class Answered(msgspec.Struct, frozen=True):
    """A deployment's whole answer in the client's dialect."""

    serving: Serving
    answer: Members
    size: int
    """Bytes, as it came."""
    usage: Usage | None
    """As the upstream counted."""
    answer_id: str | None = None
    """By which the client may continue it."""
    crossing: Crossing | None = None


async def answered(exchange: Exchange, ask: Ask, serving: Serving) -> Answered:
    """Return the answer of a deployment. Raises `UpstreamError`, and what `upstream_request` raises."""
    asks = await _asks(ask, serving)
    return await (_one(exchange, asks[0], serving) if len(asks) == 1 else _all(exchange, asks, serving))


async def _asks(ask: Ask, serving: Serving) -> list[Ask]:
    """Return a request as those by which the deployment can be asked: itself, or parts of it."""
    batching, most = ask.endpoint.batching, serving.per_call
    files_go_up_once = bool(ask.payload.files) and serving.translation is None
    if batching is None or most is None or files_go_up_once:
        return [ask]
    parts = await beside(ask.payload.size, batching.split, ask.payload.fields, most)
    if len(parts) == 1:
        return [ask]
    return [msgspec.structs.replace(ask, payload=ask.payload.with_fields(fields)) for fields in parts]


async def _one(exchange: Exchange, ask: Ask, serving: Serving) -> Answered:
    request, crossing = await upstream_request(exchange, ask, serving)
    async with await exchange.runtime.client.send(request) as response:
        await check_status(response, serving, ask.endpoint.client)
        body = await response.read_all()
    told = _told(response.headers, serving.endpoint.upstream.told)
    return await beside(len(body), _read, ask, serving, crossing, body, told)


def _told(headers: Mapping[str, str], names: Mapping[str, str]) -> Members:
    """Return what headers count, as members."""
    found = {member: headers.get(header, "") for header, member in names.items()}
    return {member: msgspec.Raw(text.encode()) for member, text in found.items() if _COUNT.fullmatch(text)}


def _read(ask: Ask, serving: Serving, crossing: Crossing | None, body: bytes, told: Members) -> Answered:
    answer = told | whole_answer(body, serving, ask.endpoint.client)
    return read(ask, serving, crossing, answer, len(body))


def read(ask: Ask, serving: Serving, crossing: Crossing | None, answer: Members, size: int) -> Answered:
    """Return an upstream's answer in the client's dialect. Raises `UpstreamUnreachable` where it is none."""
    upstream, batching = serving.endpoint.upstream, ask.endpoint.batching
    usage, answer_id = upstream.usage(answer), upstream.answer_id(answer)
    if crossing:
        try:
            answer = crossing.answer(answer)
        except NothingMade as error:
            error.usage = usage
            raise
    elif batching:
        answer = batching.checked(ask.payload.fields, answer)
    return Answered(serving, answer, size, usage, answer_id, crossing)


async def _all(exchange: Exchange, asks: Sequence[Ask], serving: Serving) -> Answered:
    """Return the answers to all parts as one. Raises the error of the first part that fails, and ends the others."""
    found = Parts()
    left = iter(enumerate(asks))
    at_once = min(AT_ONCE, serving.target.deployment.max_concurrency or AT_ONCE, len(asks))
    try:
        async with asyncio.timeout(serving.timeouts[False].answer), asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(_work(exchange, left, serving, found))
    except (TimeoutError, BaseExceptionGroup) as failure:
        if paid := _sum(found.answers.values()):
            exchange.used(counted(exchange, asks[0], paid, lambda: 0))
        raise failure.exceptions[0] if isinstance(failure, BaseExceptionGroup) else broken(failure) from None
    parts = [found.answers[number] for number in range(len(asks))]
    return Answered(serving, await beside(found.size, _joined, asks[0], parts), found.size, _sum(parts))


class Parts:
    """The answers to parts that are there."""

    def __init__(self) -> None:
        self.answers: dict[int, Answered] = {}
        self.size = 0

    def put(self, number: int, answer: Answered) -> None:
        """Take the answer to a part. Raises `UpstreamUnreachable` where all are too large together."""
        self.answers[number] = answer
        self.size += answer.size
        if self.size > LARGEST_ANSWER:
            raise too_large()


async def _work(exchange: Exchange, left: Iterator[tuple[int, Ask]], serving: Serving, found: Parts) -> None:
    """Ask for one part after the other, as long as there are any."""
    for number, ask in left:
        found.put(number, await _one(exchange, ask, serving))


def _joined(ask: Ask, parts: Sequence[Answered]) -> Members:
    assert ask.endpoint.batching, "only lists of inputs are split"
    return ask.endpoint.batching.join([each.answer for each in parts])


def _sum(parts: Iterable[Answered]) -> Usage | None:
    """Return the counts of all parts; None where one of them was not counted."""
    counts = [each.usage for each in parts]
    known = [count for count in counts if count is not None]
    return total(known) if known and len(known) == len(counts) else None
