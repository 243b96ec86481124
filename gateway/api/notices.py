"""`POST /v1/me/notices`: what a person is to be told now, each news once; and what they acknowledged."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from gateway.api.client import headers_of
from gateway.api.govern import limits_of, shown
from gateway.api.own_keys import Handler, Holder, OwnKeysRoute, body_as
from gateway.identity.own_keys import names_of
from gateway.limits.limit import LimitStatus
from gateway.notices.budgets import budget_notices
from gateway.notices.endings import ending_notices
from gateway.notices.notice import Notice
from gateway.notices.once import subject_of
from gateway.runtime import Runtime
from gateway.wording.languages import Language, languages

_ACKNOWLEDGED = "acknowledged"
_TEN_YEARS = 10 * 365.25 * 86_400
_MOST_ACKNOWLEDGED = 100
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Chatting(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /v1/me/notices`."""

    model: str | None = None
    """The model that the person is using; None = only what concerns all."""


class Acknowledged(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /v1/me/acknowledgements`."""

    notice: _Name
    """What was shown: `guide`, or a name of the company's own."""
    version: _Name = "1"
    """Of its text; another one is shown again."""


def notice_routes(runtime: Runtime) -> list[BaseRoute]:
    """Return the routes; each path has one application a method."""
    return [
        Route(f"/v1/me{path}", OwnKeysRoute(runtime, handler), methods=[method]) for method, path, handler in _TABLE
    ]


async def _news(holder: Holder, request: Request) -> Any:
    """Return the notices that the person was not told yet. Who asks for them shows them."""
    asked = await body_as(request, Chatting)
    names_of(holder.person)
    runtime, said_in = holder.runtime, _languages(holder, request)
    limits = shown(limits_of(holder.caller, runtime.keys))
    statuses = await runtime.limiter.status([each for each in limits if each.kind == "budget"])
    notices = [*_of_budgets(holder, statuses, said_in), *_of_model(holder, asked.model, said_in)]
    news = await runtime.told.news(runtime.expiring, holder.person, notices)
    return {"notices": [{"kind": each.kind, "text": each.text} for each in news]}


def _of_budgets(holder: Holder, statuses: Sequence[LimitStatus], said_in: Sequence[Language]) -> Iterator[Notice]:
    snapshot, caller = holder.runtime.current, holder.caller
    return budget_notices(
        statuses,
        time.time(),
        said_in,
        in_chat=caller.is_open_webui,
        zone=caller.person.timezone,
        free_models=snapshot.routes.free(caller.policy),
        contact=caller.contact(snapshot.config.contact),
    )


def _of_model(holder: Holder, name: str | None, said_in: Sequence[Language]) -> Iterator[Notice]:
    routes, person = holder.runtime.current.routes, holder.person
    model = routes.models.get(name or "")
    if model is not None and holder.caller.policy.allows(model.name):
        yield from ending_notices(model, routes, holder.caller.policy, said_in, person.timezone, datetime.now(UTC))


def _languages(holder: Holder, request: Request) -> Sequence[Language]:
    return languages(holder.person.language, headers_of(request.scope).get("accept-language"))


async def _acknowledge(holder: Holder, request: Request) -> Any:
    """Note in the audit that a person has read a notice; a second time changes nothing."""
    given = await body_as(request, Acknowledged)
    names_of(holder.person)
    who, store = subject_of(holder.person), holder.runtime.expiring
    id_, content = f"{who}\n{given.notice}\n{given.version}", msgspec.json.encode(given)
    if await store.get(_ACKNOWLEDGED, id_) is None:
        await holder.runtime.keys.audit.record("notice.acknowledged", msgspec.to_builtins(given))
    await store.put(_ACKNOWLEDGED, who, content, _TEN_YEARS, id_=id_, most=_MOST_ACKNOWLEDGED)
    return await _acknowledged(holder, request)


async def _acknowledged(holder: Holder, _: Request) -> Any:
    """Return what a person has acknowledged, the newest first."""
    names_of(holder.person)
    entries = await holder.runtime.expiring.list_of(_ACKNOWLEDGED, subject_of(holder.person))
    found = [(msgspec.json.decode(each.content, type=Acknowledged), each.created_at) for each in entries]
    return {"data": [{"notice": each.notice, "version": each.version, "at": at} for each, at in found]}


_TABLE: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/notices", _news),
    ("GET", "/acknowledgements", _acknowledged),
    ("POST", "/acknowledgements", _acknowledge),
)
