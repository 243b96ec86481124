"""`GET /admin/models/ending`: models that end, who still uses them, and a draft of what to write to these people."""

from typing import Annotated, Any, ClassVar

import msgspec
from starlette.requests import Request

from gateway.api.usage import AskedQuery, parse_query
from gateway.identity.keys import KeyStore
from gateway.notices.users import (
    DIMENSIONS,
    LONGEST_DAYS,
    LOOKED_BACK_DAYS,
    ending_models,
    names_ending,
    today_utc,
)
from gateway.reports.query_runner import Query, QueryRunner
from gateway.reports.span import last_days
from gateway.runtime import Runtime


class EndingQuery(AskedQuery, forbid_unknown_fields=True):
    """The query of `/admin/models/ending`."""

    allowed: ClassVar[str] = "days (0 to 3650)"

    days: Annotated[int, msgspec.Meta(ge=0, le=LONGEST_DAYS)] = 90
    """Within which a model ends."""


async def ending(store: KeyStore, request: Request) -> Any:
    """Return the models that end within `days`, the nearest first."""
    runtime: Runtime = request.app.state.runtime
    answers: QueryRunner = request.app.state.answers
    asked, today = parse_query(request.query_params.multi_items(), EndingQuery), today_utc()
    routes, contact = runtime.current.routes, runtime.current.config.contact
    names, rows = names_ending(routes, asked.days, today), []
    if names:
        query = Query(last_days(LOOKED_BACK_DAYS, today), DIMENSIONS, {"model": names})
        rows = msgspec.json.decode(await answers.ask(query))["rows"]
    return msgspec.to_builtins(ending_models(routes, names, rows, store.all(), asked.days, contact, today))
