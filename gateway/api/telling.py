"""Errors as their readers get them: a person's sentence, a program's message. The rest is for the log."""

import logging
from collections.abc import Mapping
from typing import Any

from gateway import lenient
from gateway.api.client import Answer, Headers, headers_of
from gateway.dialects import chat
from gateway.dialects.contract import ClientDialect
from gateway.errors import ApiError, InvalidRequest, UpstreamRefused
from gateway.identity.caller import Caller
from gateway.identity.person import NOBODY
from gateway.ids import request_id
from gateway.plan import Snapshot
from gateway.routing.target import Target
from gateway.wording.languages import languages
from gateway.wording.reader import Reader, told

log = logging.getLogger("sekisho.requests")

_KEPT = ("type", "param", "code")
"""What a program may read in an error of an upstream that a person is told about."""
_LONGEST_KEPT = 100


def reader_of(
    error: ApiError, caller: Caller | None, headers: Mapping[str, str], model: str | None, snapshot: Snapshot
) -> Reader:
    """Return who reads an error: whom the signed identity names, else what the headers tell."""
    person, contact, routes = caller.person if caller else NOBODY, snapshot.config.contact, snapshot.routes
    return Reader(
        languages(person.language, headers.get("accept-language")),
        is_person=caller is not None and caller.is_open_webui,
        model=model,
        zone=person.timezone,
        free_models=routes.free(caller.policy) if caller and error.code == "insufficient_quota" else (),
        contact=caller.contact(contact) if caller else contact,
    )


def note(error: ApiError, id_: str, target: Target | None) -> None:
    """Log what the client is not told: which deployment, and its own words, without our secrets."""
    where = f" ({target.id})" if target else ""
    said = getattr(error, "upstream_words", "")
    log.info("request %s%s: %s: %s%s", id_, where, error.code, error.message, f" It said: {said}" if said else "")


def error_body(client: ClientDialect, error: ApiError, reader: Reader, id_: str) -> bytes:
    """Return an error answer. An upstream's own, which programs act on, is passed on to them untouched."""
    own = error.body if isinstance(error, UpstreamRefused) else None
    if own is None:
        return client.error_body(_worded(error, reader, id_), id_)
    return own if not reader.is_person else client.error_body(_as_upstream(error, own, told(error, reader, id_)), id_)


def error_event(client: ClientDialect, error: ApiError, reader: Reader, id_: str, number: int) -> bytes:
    """Return an error in a stream that has begun."""
    return client.error_event(_worded(error, reader, id_), id_, number)


async def refuse(
    answer: Answer, error: ApiError, scope: Any, client: ClientDialect = chat.CLIENT, headers: Headers | None = None
) -> None:
    """Answer a request that asks no model and leaves no record; the log has it under its id."""
    id_, accepted = request_id(), headers_of(scope).get("accept-language")
    note(error, id_, None)
    app = scope.get("app")
    contact = app.state.runtime.current.config.contact if app else None
    body = client.error_body(_worded(error, Reader(languages(None, accepted), contact=contact), id_), id_)
    await answer.whole(client.status(error), [(b"x-sekisho-request-id", id_.encode()), *(headers or [])], body)


def _worded(error: ApiError, reader: Reader, id_: str) -> ApiError:
    return _copy(error, told(error, reader, id_), type=error.type, param=error.param, code=error.code)


def _as_upstream(error: ApiError, body: bytes, words: str) -> ApiError:
    """Return an upstream's own error with other words."""
    try:
        said = lenient.peek(lenient.members(body), "error")
    except lenient.UNREADABLE:
        said = None
    found = said if isinstance(said, dict) else {}
    members = {name: found.get(name) for name in _KEPT}
    kept = {name: value for name, value in members.items() if isinstance(value, str) and len(value) <= _LONGEST_KEPT}
    return _copy(error, words, **{"type": InvalidRequest.type, "param": None, "code": error.code, **kept})


def _copy(error: ApiError, words: str, **members: Any) -> ApiError:
    """Return an error of the same status with other words; what was raised stays as it is for the log."""
    other = ApiError(words, code=members["code"], param=members["param"], retry_after=error.retry_after)
    other.status, other.type = error.status, members["type"]  # type: ignore[misc]
    return other
