"""`GET /v1/me/speeds`: how fast the models answered in the last days, for whoever chooses one."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from gateway import wire
from gateway.api.authenticate import authenticate_reader
from gateway.api.client import Answer
from gateway.api.telling import refuse
from gateway.errors import ApiError
from gateway.identity.keys import Key
from gateway.reports.query_runner import Query, QueryRunner
from gateway.reports.span import Span
from gateway.runtime import Runtime

DAYS = 7
_FRESH_SECONDS = 600.0


class SpeedRow(msgspec.Struct):
    """A model's answers, and the medians of their speed; null where nothing tells."""

    model: str
    requests: int
    first_token_ms: int | None
    tokens_per_second: float | None


class SpeedsTold(msgspec.Struct):
    """How fast models answered."""

    from_: str = msgspec.field(name="from")
    to: str
    rows: list[SpeedRow]


class Speeds:
    """The ASGI application. The ledger is asked every ten minutes; meanwhile everybody gets what it said last."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._known: SpeedsTold | None = None
        self._known_at = 0.0
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send)
        try:
            key = await authenticate_reader(self._runtime, scope)
            known = await self._read(Request(scope).app.state.answers)
            await answer.whole(200, [], wire.encode(self._open_to(key, known)))
        except ApiError as error:
            await refuse(answer, error, scope)

    def _open_to(self, key: Key, known: SpeedsTold) -> SpeedsTold:
        """Return the speeds of the models that a key may use."""
        names = {model.name for model in self._runtime.current.routes.available(key.policy)}
        return msgspec.structs.replace(known, rows=[row for row in known.rows if row.model in names])

    async def _read(self, answers: QueryRunner) -> SpeedsTold:
        if self._asking is None and (self._known is None or time.monotonic() - self._known_at > _FRESH_SECONDS):
            self._asking = asyncio.create_task(self._ask(answers), name="speeds")
            self._asking.add_done_callback(self._asked)
        if self._known is None and self._asking:
            await asyncio.shield(self._asking)
        assert self._known
        return self._known

    async def _ask(self, answers: QueryRunner) -> None:
        today = datetime.now(UTC).date()
        said = await answers.ask(Query(Span(today - timedelta(days=DAYS - 1), today), kind="speeds"))
        self._known, self._known_at = msgspec.json.decode(said, type=SpeedsTold), time.monotonic()

    def _asked(self, asking: asyncio.Task[None]) -> None:
        self._asking = None
        if not asking.cancelled():
            asking.exception()
