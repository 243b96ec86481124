"""Renewal: a family of refresh tokens a sign-in, each good once; one that comes back late ends the family.

Programs ask twice: two of their processes at the same time, or again after an answer got lost. Within a minute both
get the same answer, so that nobody is signed out for it.
"""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import msgspec

from gateway.db.expiring import ExpiringStore
from gateway.oauth.errors import OAuthError, invalid_grant
from gateway.oauth.grants import Asked

GRANT: Final = "refresh_token"
PREFIX: Final = "sr-"
_KIND, _TURN = "refresh", "refresh_turn"
_SAME_ANSWER_SECONDS = 60
_TURN_SECONDS = 30
"""After which a turn whose taker died is open again."""
_WAIT_SECONDS, _LOOK_SECONDS = 10.0, 0.05
_MOST_OF_A_PERSON = 100
"""Sign-ins of one person that can be renewed; the oldest go."""
_LONGEST = 200

Answer = dict[str, Any]


class Family(msgspec.Struct, frozen=True):
    """One sign-in. Times in Unix seconds; secrets as hashes but for the last answer, which is encrypted with it all."""

    key_id: str
    asked: Asked
    ends_at: float
    generation: int
    secret_hash: str
    previous_hash: str = ""
    renewed_at: float = 0.0
    answer: Answer = {}
    key_ends: int = 0
    """The end that its key was given last, in UTC microseconds: an earlier one was set by an administrator."""


Make = Callable[[Family], Awaitable[tuple[Family, Answer]]]


class Families:
    """The sign-ins that can be renewed."""

    def __init__(self, store: ExpiringStore, revoke: Callable[[str], Awaitable[None]]) -> None:
        self._store, self._revoke = store, revoke

    async def begin(
        self, subject: str, key_id: str, asked: Asked, ends_at: float, key_ends: int = 0
    ) -> tuple[str, str]:
        """Return the id of a new family and its first token."""
        secret, now = secrets.token_urlsafe(32), time.time()
        family = Family(key_id, asked, ends_at, 1, _hash(secret), renewed_at=now, key_ends=key_ends)
        content = msgspec.json.encode(family)
        id_ = await self._store.put(_KIND, subject, content, ends_at - now, most=_MOST_OF_A_PERSON)
        assert id_, "nobody chooses it"
        return id_, f"{PREFIX}{id_}.{secret}"

    async def find(self, token: str) -> tuple[str, Family]:
        """Return the family of its newest token, or of the one before within a minute. Raises `OAuthError`.

        An older one is a stolen one, or the owner's after a thief's: nobody can tell, so that family and key end.
        """
        id_, secret = _parts(token)
        entry = await self._store.get(_KIND, id_) if id_ else None
        if entry is None:
            raise _ended()
        family, hashed = msgspec.json.decode(entry.content, type=Family), _hash(secret)
        if hmac.compare_digest(hashed, family.secret_hash) or _is_late(family, hashed):
            return id_, family
        await self.end(id_)
        await self._revoke(family.key_id)
        raise _ended()

    async def renew(self, token: str, make: Make) -> Answer:
        """Return a new access token as `make` gives it, with the next refresh token. Raises `OAuthError`.

        `make` gives the answer, and the family with what changed of it.
        """
        id_, family = await self.find(token)
        if _is_current(family, token):
            turn = f"{id_}:{family.generation}"
            if await self._store.put(_TURN, id_, b"", _TURN_SECONDS, id_=turn):
                return await self._taken(id_, turn, partial(self._renewed, id_, family.generation, token, make))
            family = await self._next(id_, family.generation)
        return family.answer

    async def _taken(self, id_: str, turn: str, renewed: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return what a turn gives; one that fails is open again, and a person without access loses the family."""
        try:
            return await renewed()
        except BaseException as error:
            await self._store.delete(_TURN, turn)
            if isinstance(error, OAuthError):
                await self.end(id_)
            raise

    async def _renewed(self, id_: str, generation: int, token: str, make: Make) -> Answer:
        # Read again: between the first look and the turn another process may have had this turn to its end.
        _, family = await self.find(token)
        if family.generation != generation:
            return family.answer
        secret = secrets.token_urlsafe(32)
        family, made = await make(family)
        answer = {**made, "refresh_token": f"{PREFIX}{id_}.{secret}"}
        renewed = msgspec.structs.replace(
            family,
            generation=generation + 1,
            secret_hash=_hash(secret),
            previous_hash=family.secret_hash,
            renewed_at=time.time(),
            answer=answer,
        )
        if not await self._store.change(_KIND, id_, msgspec.json.encode(renewed)):
            raise _ended()
        return answer

    async def _next(self, id_: str, generation: int) -> Family:
        """Wait for the process that renews at this moment. Raises `OAuthError` where it gives up."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            entry = await self._store.get(_KIND, id_)
            if entry is None:
                raise _ended()
            family = msgspec.json.decode(entry.content, type=Family)
            if family.generation > generation:
                return family
            await asyncio.sleep(_LOOK_SECONDS)
        raise OAuthError("temporarily_unavailable", "Renewing takes long. Try again.", status=503, retry_after=2)

    async def end(self, id_: str) -> None:
        await self._store.delete(_KIND, id_)

    async def end_by_token(self, token: str) -> Family | None:
        """End the family of a token, and return it; None for an unknown one."""
        try:
            id_, family = await self.find(token)
        except OAuthError:
            return None
        await self.end(id_)
        return family

    async def of(self, subject: str) -> list[Family]:
        """Return a person's sign-ins that can be renewed."""
        return [msgspec.json.decode(entry.content, type=Family) for entry in await self._store.list_of(_KIND, subject)]

    async def get(self, id_: str) -> Family | None:
        entry = await self._store.get(_KIND, id_)
        return msgspec.json.decode(entry.content, type=Family) if entry else None


def _is_current(family: Family, token: str) -> bool:
    return hmac.compare_digest(_hash(_parts(token)[1]), family.secret_hash)


def _is_late(family: Family, hashed: str) -> bool:
    """Return whether a token is the one before the newest, which just came."""
    recent = time.time() - family.renewed_at < _SAME_ANSWER_SECONDS
    return recent and bool(family.previous_hash) and hmac.compare_digest(hashed, family.previous_hash)


def _parts(token: str) -> tuple[str, str]:
    """Return id and secret of a token; nothing for what is none."""
    if not token.startswith(PREFIX) or len(token) > _LONGEST or not token.isascii():
        return "", ""
    id_, _, secret = token.removeprefix(PREFIX).partition(".")
    return id_, secret


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _ended() -> OAuthError:
    return invalid_grant("This sign-in has ended. Sign in again.", status=401)
