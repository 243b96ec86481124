"""Questions over HTTP: `GET /admin/records`, `GET /admin/usage`, `GET /v1/me/usage`."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from gateway import wire
from gateway.api.authenticate import authenticate_reader
from gateway.api.client import Answer, headers_of
from gateway.api.holder import caller_of
from gateway.api.own_budgets import budgets_of, own_of, team_json
from gateway.api.telling import refuse
from gateway.casing import folded, lower
from gateway.config.schema import Ledger
from gateway.errors import ApiError, InvalidRequest
from gateway.identity.keys import Key, KeyStore
from gateway.identity.person import Person
from gateway.ledger.segments import folder
from gateway.reports.dimensions import DIMENSIONS, parse
from gateway.reports.query_runner import FRESH_SECONDS, Query, QueryRunner
from gateway.reports.recent import latest
from gateway.reports.span import Span, span_of
from gateway.runtime import Runtime
from gateway.sessions.session import SCOPE, Session

OWN_DIMENSIONS = (
    "model", "kind", "task", "client", "api", "outcome", "key", "team",
    "month", "week", "day", "hour", "hour_of_day", "weekday",
)  # fmt: skip
"""What people may see of themselves."""
_LEADS_SEE = {name: DIMENSIONS[name] for name in (*OWN_DIMENSIONS, "user", "name")}
"""Dimensions for team leads."""
_SHIPPING_SECONDS = 120
"""Allowed for a run of shipping."""
_MOST_ROWS = 10_000
_OWN_MEASURES = ("requests", "input_tokens", "output_tokens", "cost_usd")


class AskedQuery(msgspec.Struct, forbid_unknown_fields=True):
    """A query of these routes; `allowed` says what it may have."""

    allowed: ClassVar[str] = ""


Q = TypeVar("Q", bound=AskedQuery)


class RecordsQuery(AskedQuery, forbid_unknown_fields=True):
    """The query of `/admin/records`. `since` is in Unix seconds, `user` an id or an e-mail address.

    `request` is the id that a person was told, or its beginning.
    """

    allowed: ClassVar[str] = "since (Unix seconds), user (id or e-mail address), request (id), limit (1 to 1000)"

    since: float = 0
    user: str | None = None
    request: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class UsageQuery(AskedQuery, forbid_unknown_fields=True):
    """The query of the usage routes. Days are 2026-04-01, both included; `by` names dimensions, with commas."""

    allowed: ClassVar[str] = "by, from and to (days such as 2026-04-30), timezone, limit (1 to 10000)"

    by: str = "model"
    from_: str | None = msgspec.field(default=None, name="from")
    to: str | None = None
    timezone: str = "UTC"
    limit: Annotated[int, msgspec.Meta(ge=1, le=_MOST_ROWS)] = _MOST_ROWS


async def admin_records(_: KeyStore, request: Request) -> Any:
    """Return the newest records of this machine that are not shipped yet, newest first."""
    runtime: Runtime = request.app.state.runtime
    asked = parse_query(request.query_params.multi_items(), RecordsQuery)
    segments = folder(runtime.current.config.data_dir)
    found = await asyncio.to_thread(
        latest, segments, since=asked.since, user=asked.user, request=asked.request, limit=asked.limit
    )
    return {"records": [msgspec.to_builtins(record) for record in found]}


async def admin_usage(_: KeyStore, request: Request) -> Any:
    """Answer as `sekisho usage summary --json`; any dimension can also be asked for by its value: `team=research`."""
    answers: QueryRunner = request.app.state.answers
    pairs = request.query_params.multi_items()
    asked = parse_query([pair for pair in pairs if pair[0] not in DIMENSIONS], UsageQuery)
    only: dict[str, list[str]] = {}
    for name, value in pairs:
        if name in DIMENSIONS:
            only.setdefault(name, []).append(value)
    span = span_of(asked.from_, asked.to, asked.timezone)
    session: Session | None = request.scope.get(SCOPE)
    allowed = DIMENSIONS
    if session is not None and not session.may("administrator"):
        only, allowed = _of_led_teams(only, session.leads), _LEADS_SEE
    if "team" in only:
        only = {**only, "team": await _as_recorded(answers, span, only["team"])}
    return msgspec.Raw(await answers.ask(Query(span, parse(asked.by, allowed), only, asked.limit)))


def _of_led_teams(only: dict[str, list[str]], leads: Sequence[str]) -> dict[str, list[str]]:
    """Return a filter that lets a team lead see the teams led, and nothing else. Raises `InvalidRequest`."""
    parse(",".join(only), _LEADS_SEE)
    asked, led = only.get("team", list(leads)), {folded(team) for team in leads}
    return {**only, "team": [team for team in asked if folded(team) in led]}


async def _as_recorded(answers: QueryRunner, span: Span, teams: Sequence[str]) -> list[str]:
    """Return the names under which records hold teams: written as people wrote them, compared as everywhere."""
    wanted = {folded(team) for team in teams}
    rows = msgspec.json.decode(await answers.ask(Query(span, ("team",), limit=_MOST_ROWS)))["rows"] if wanted else []
    return [row["team"] for row in rows if row["team"] and folded(row["team"]) in wanted]


class MyUsage:
    """`GET /v1/me/usage`: what the person behind a key used, over chat and all own keys."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send)
        try:
            key = await authenticate_reader(self._runtime, scope)
            usage = await self._told(key, Request(scope))
            await answer.whole(200, [], wire.encode(usage))
        except ApiError as error:
            await refuse(answer, error, scope)

    async def _told(self, key: Key, request: Request) -> dict[str, Any]:
        answers: QueryRunner = request.app.state.answers
        asked = parse_query(request.query_params.multi_items(), UsageQuery)
        by = parse(asked.by, {name: DIMENSIONS[name] for name in OWN_DIMENSIONS})
        span = span_of(asked.from_, asked.to, asked.timezone)
        caller, runtime = caller_of(self._runtime, key, headers_of(request.scope)), self._runtime
        budgets = await budgets_of(runtime, caller)
        found = msgspec.json.decode(await answers.ask(Query(span, by, _whose(key, caller.person), asked.limit)))
        return {
            **{name: found[name] for name in ("currency", "from", "to", "timezone")},
            "as_of": as_of(runtime.current.config.ledger),
            "total": {name: found["total"][name] for name in _OWN_MEASURES},
            "budget": own_of(budgets, caller),
            "budgets": budgets,
            "free_models": runtime.current.routes.free(caller.policy),
            **team_json(runtime, caller),
            "rows": [{name: row[name] for name in (*by, *_OWN_MEASURES)} for row in found["rows"]],
        }


def as_of(ledger: Ledger, now: datetime | None = None) -> str | None:
    """Return the time (UTC) until which records of all machines are in an answer; None where nobody ships by the clock.

    Of a machine's own requests every answer knows at once; others' come with their shipped segments.
    """
    moment = now or datetime.now(UTC)
    if ledger.destination is None:
        return f"{moment - timedelta(seconds=FRESH_SECONDS):%Y-%m-%dT%H:%M:%SZ}"
    if ledger.ship_seconds is None:
        return None
    late = ledger.segment_max_seconds + ledger.ship_seconds + _SHIPPING_SECONDS
    return f"{moment - timedelta(seconds=late):%Y-%m-%dT%H:%M:%SZ}"


def _whose(key: Key, person: Person) -> dict[str, list[str]]:
    """Return whose records a caller sees; a key that belongs to nobody sees its own."""
    names = sorted({lower(name) for name in (person.email, person.user_id) if name})
    return {"user": names} if names else {"key": [key.alias or key.id]}


def parse_query(pairs: list[tuple[str, str]], kind: type[Q]) -> Q:
    """Read a query. Raises `InvalidRequest` with what may be asked."""
    try:
        return msgspec.convert(dict(pairs), kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{error}. The query may have {kind.allowed}.") from error
