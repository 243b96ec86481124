"""Forms that are sent twice, by a double click or from a second tab, are done once; both see the one result."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from gateway.console.visit import Visit
from gateway.errors import Overloaded

FIELD = "once"
_KIND = "once"
_PENDING = b""
_KEPT_SECONDS = 120
"""How long the result is shown to whoever loads its page again."""
_PENDING_SECONDS = 60
_LOOK_SECONDS = 0.05
_LOOKS = 200


def new_once() -> str:
    """Return the value of a form's hidden field `once`."""
    return secrets.token_urlsafe(16)


async def done_once(visit: Visit, action: Callable[[], Awaitable[Any]]) -> str:
    """Do what a form asks for, unless that was done, and return under which name `result_of` has the result.

    Where the action raises, nothing is remembered: the form can be sent again.
    """
    store, subject = visit.runtime.expiring, visit.person.subject
    name = (visit.form.get(FIELD) or new_once())[:64]
    id_ = f"{subject}\n{name}"
    for _ in range(_LOOKS):
        if await store.put(_KIND, subject, _PENDING, _PENDING_SECONDS, id_=id_):
            try:
                result = await action()
            except BaseException:
                await store.delete(_KIND, id_)
                raise
            await store.change(_KIND, id_, msgspec.json.encode(result), _KEPT_SECONDS)
            return name
        if (entry := await store.get(_KIND, id_)) and entry.content != _PENDING:
            return name
        await asyncio.sleep(_LOOK_SECONDS)
    raise Overloaded("The same form is being worked on. Look at the page again in a minute.", retry_after=60)


async def result_of(visit: Visit, name: str | None) -> Any:
    """Return the result of a form of the same person within two minutes, or None."""
    if not name or visit.session is None:
        return None
    entry = await visit.runtime.expiring.get(_KIND, f"{visit.session.subject}\n{name[:64]}")
    return msgspec.json.decode(entry.content) if entry and entry.content != _PENDING else None
