"""`/v1/me/keys`: people make, rotate and revoke keys of their own."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from gateway import wire
from gateway.api.acting import themselves
from gateway.api.authenticate import authenticate_reader
from gateway.api.client import Answer, ClientGone, headers_of, read_body
from gateway.api.holder import caller_of
from gateway.api.telling import refuse
from gateway.audit.actor import acting
from gateway.errors import ApiError, ConfigError, InvalidRequest, Overloaded
from gateway.identity import key_admin, own_keys
from gateway.identity.caller import Caller
from gateway.identity.key_making import check_open, make_own_key
from gateway.identity.keys import Key
from gateway.identity.person import Person
from gateway.reports.query_runner import Query, QueryRunner
from gateway.reports.span import Span
from gateway.runtime import Runtime
from gateway.secret import Secret

_LARGEST_BODY = 16 * 1024
_MOST_SHOWN = 1000
_LOOKED_BACK_DAYS = 90
"""How far back the last use of a key is looked for."""
_LONGEST_GRACE_SECONDS = 86_400


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /v1/me/keys`."""

    alias: str
    purpose: str | None = None
    days: int | None = None
    """Until the key ends; None = as long as people's keys may live."""
    team: str | None = None
    """Of the person's teams, the one that the key counts for; None = the first."""


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /v1/me/keys/{id}/rotate`."""

    grace_seconds: int = 0
    """For how long the old secret works on."""


class Holder(msgspec.Struct, frozen=True):
    """Who calls: the presented key, and the person behind it."""

    runtime: Runtime
    key: Key
    caller: Caller

    @property
    def person(self) -> Person:
        return self.caller.person

    @property
    def keys(self) -> list[Key]:
        """Return the person's keys, the newest first."""
        return own_keys.own(self.runtime.keys.all(), self.person)

    def find(self, request: Request) -> Key:
        """Return the person's key that the path names. Raises `NotFound`."""
        return own_keys.find(self.runtime.keys.all(), self.person, str(request.path_params["id"]))


Handler = Callable[[Holder, Request], Awaitable[Any]]


class OwnKeysRoute:
    """The ASGI application of one row of the table below."""

    def __init__(self, runtime: Runtime, handler: Handler) -> None:
        self._runtime, self._handler = runtime, handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send)
        try:
            key = await authenticate_reader(self._runtime, scope)
            holder = Holder(self._runtime, key, caller_of(self._runtime, key, headers_of(scope)))
            with acting(themselves(self._runtime, holder.key, holder.person, scope)):
                content = await _in_api_errors(self._handler(holder, Request(scope, receive)))
            await answer.whole(200, [(b"cache-control", b"no-store")], wire.encode(content))
        except ApiError as error:
            await refuse(answer, error, scope)
        except ClientGone:
            return


def own_key_routes(runtime: Runtime) -> list[BaseRoute]:
    """Return the routes; each path has one application a method."""
    return [
        Route(f"/v1/me/keys{path}", OwnKeysRoute(runtime, handler), methods=[method])
        for method, path, handler in _TABLE
    ]


async def _list(holder: Holder, _: Request) -> Any:
    allowed = holder.runtime.current.config.own_keys
    rules = {"most": allowed.most, "longest_days": allowed.longest_days} if allowed else None
    return {"data": [_shown(each, holder) for each in holder.keys[:_MOST_SHOWN]], "own_keys": rules}


async def _create(holder: Holder, request: Request) -> Any:
    allowed = check_open(holder.runtime.current.config.own_keys)
    asked = await body_as(request, NewKey)
    key, secret = await make_own_key(
        holder.runtime.keys,
        allowed,
        holder.caller,
        asked.alias,
        purpose=asked.purpose,
        days=asked.days,
        team=asked.team,
    )
    return _shown(key, holder, secret)


async def _show(holder: Holder, request: Request) -> Any:
    key = holder.find(request)
    return {**_shown(key, holder), "last_used": await _last_used(request.app.state.answers, key, holder.person)}


async def _rotate(holder: Holder, request: Request) -> Any:
    key, asked = holder.find(request), await body_as(request, Rotation)
    if not 0 <= asked.grace_seconds <= _LONGEST_GRACE_SECONDS:
        raise InvalidRequest(f"The field 'grace_seconds' must be 0 to {_LONGEST_GRACE_SECONDS}.", param="grace_seconds")
    if not key.valid_at(time.time_ns() // 1000):
        raise InvalidRequest("This key was revoked or has ended; make a new one.", code="key_ended")
    if not holder.key.identity and key.id != holder.key.id:
        own_keys.check_covers(holder.key.policy, key.policy)
    return _shown(*await _rotated(holder, key, asked.grace_seconds))


async def _rotated(holder: Holder, key: Key, grace_seconds: int) -> tuple[Key, Holder, Secret]:
    rotated, secret = await key_admin.rotate(holder.runtime.keys, key.id, grace_seconds)
    return rotated, holder, secret


async def _revoke(holder: Holder, request: Request) -> Any:
    return _shown(await key_admin.revoke(holder.runtime.keys, holder.find(request).id), holder)


_TABLE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "", _list),
    ("POST", "", _create),
    ("GET", "/{id}", _show),
    ("DELETE", "/{id}", _revoke),
    ("POST", "/{id}/rotate", _rotate),
)


def _shown(key: Key, holder: Holder, secret: Secret | None = None) -> dict[str, Any]:
    """Return a key for its owner; its secret only where it was just made. Times are UTC microseconds."""
    policy = key.policy
    shown = {
        "id": key.id,
        "alias": own_keys.shown_alias(key),
        "purpose": key.purpose,
        "hint": key.hint,
        "team": key.team,
        "made_by": key.made_by or "administrator",
        "created_at": key.created_at,
        "expires_at": policy.expires_at,
        "revoked_at": key.revoked_at,
        "models": policy.models,
        "valid": key.valid_at(time.time_ns() // 1000),
        "presented": key.id == holder.key.id,
    }
    return {**shown, "key": secret.reveal()} if secret else shown


async def _last_used(answers: QueryRunner, key: Key, person: Person) -> dict[str, Any] | None:
    """Return hour (UTC), program and address of a key's last use within 90 days."""
    only = {"key": [key.alias or key.id], "user": sorted(own_keys.names_of(person))}
    today = datetime.now(UTC).date()
    days = await _rows(answers, Query(Span(today - timedelta(days=_LOOKED_BACK_DAYS), today), ("day",), only))
    if not days:
        return None
    last = date.fromisoformat(str(days[-1]["day"])[:10])
    uses = await _rows(answers, Query(Span(last, last), ("hour", "client", "client_ip"), only))
    newest = max(uses, key=lambda use: str(use["hour"]))
    return {name: newest[name] for name in ("hour", "client", "client_ip")}


async def _rows(answers: QueryRunner, query: Query) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = msgspec.json.decode(await answers.ask(query))["rows"]
    return rows


async def body_as(request: Request, kind: type[Any]) -> Any:
    content = await read_body(request.scope, request.receive, _LARGEST_BODY)
    try:
        return msgspec.json.decode(content or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{error}. The body may have {', '.join(kind.__struct_fields__)}.") from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("The request body must be a JSON object.", code="invalid_json") from error


async def _in_api_errors(handling: Awaitable[Any]) -> Any:
    """Return what a handler returns; errors of the store as those that clients get."""
    try:
        return await handling
    except ConfigError as error:
        raise InvalidRequest(f"{error}.") from error
    except (SQLAlchemyError, OSError) as error:
        raise Overloaded(
            "The database of keys does not answer. Try again in a few seconds, or tell an administrator.",
            code="keys_unavailable",
            retry_after=2,
        ) from error
