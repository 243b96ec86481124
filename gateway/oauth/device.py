"""The device grant, RFC 8628: a code on one screen, a yes on another."""

import secrets
import time
import unicodedata
from collections.abc import Callable
from typing import Any, Final

import msgspec

from gateway.db.expiring import ExpiringStore
from gateway.errors import Overloaded
from gateway.identity.person import Person
from gateway.oauth.errors import OAuthError
from gateway.oauth.grants import MOST_OF_AN_ADDRESS, OPEN_SECONDS, Approval, Asked, address_of, put_open, subject_of
from gateway.oauth.polls import Polls

GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""Consonants: no code is a word, and none is read as a digit."""
_DEVICE, _USER, _APPROVAL, _TRY = "device", "user_code", "device_approval", "code_try"
_APPROVED_SECONDS = 120
"""For which a yes waits for its program, which asks every few seconds."""
_INTERVAL = 5
_LENGTH = 8
_TRIES_SECONDS = 600
_MOST_TRIES = {"person": 10, "address": 100}
"""Wrong codes by the kind of who tries; a whole office may type them from one address."""
_MORE_CODES = 5


class _Waiting(msgspec.Struct, frozen=True):
    """What a user code leads to."""

    device_code: str
    asked: Asked


class TooManyTries(Overloaded):
    """So many wrong codes came from one address or person that none is looked at for a while."""

    status = 429
    default_code = "too_many_tries"


class DeviceGrant:
    """Codes that wait for a person, and the programs that poll for them."""

    def __init__(self, store: ExpiringStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._polls = Polls(_INTERVAL, _INTERVAL, OPEN_SECONDS, clock)

    async def begin(self, asked: Asked, page: str) -> dict[str, Any]:
        """Return the codes for a program, as RFC 8628 has them. Raises `Overloaded`, `OAuthError`."""
        device = await put_open(self._store, _DEVICE, asked, msgspec.json.encode(asked))
        shown = await self._user_code(_Waiting(device, asked), address_of(asked))
        return {
            "device_code": device,
            "user_code": shown,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?code={shown}",
            "expires_in": OPEN_SECONDS,
            "interval": _INTERVAL,
        }

    async def _user_code(self, waiting: _Waiting, subject: str) -> str:
        content = msgspec.json.encode(waiting)
        for _ in range(_MORE_CODES):
            code = "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH))
            if await self._store.put(_USER, subject, content, OPEN_SECONDS, id_=code, most=MOST_OF_AN_ADDRESS):
                return f"{code[:4]}-{code[4:]}"
        raise OAuthError("temporarily_unavailable", "No code is free. Try again.", status=503, retry_after=5)

    async def find(self, typed: str, *triers: str) -> Asked | None:
        """Return which program shows a code; None for a wrong one, which counts as a try of each of `triers`.

        They are written as `person:…` and `address:…`.

        Raises `TooManyTries`.
        """
        waiting = await self._waiting(typed, triers)
        return waiting.asked if waiting else None

    async def decide(self, typed: str, person: Person, team: str | None, allowed: bool, *triers: str) -> Asked | None:
        """Note a person's answer, once a code; return whose program it was, None for a wrong or used code.

        Raises `TooManyTries`.
        """
        waiting = await self._waiting(typed, triers)
        if waiting is None or await self._store.take(_USER, normalized(typed)) is None:
            return None
        content = msgspec.json.encode(Approval(waiting.asked, person, team, allowed))
        await self._store.put(_APPROVAL, subject_of(person), content, _APPROVED_SECONDS, id_=waiting.device_code)
        return waiting.asked

    async def _waiting(self, typed: str, triers: tuple[str, ...]) -> _Waiting | None:
        for each in triers:
            if len(await self._store.list_of(_TRY, each)) >= _most(each):
                raise TooManyTries(
                    "Too many wrong codes. Wait ten minutes, and start again in the program.",
                    retry_after=_TRIES_SECONDS,
                )
        code = normalized(typed)
        entry = await self._store.get(_USER, code) if code else None
        if entry is None:
            for each in triers:
                await self._store.put(_TRY, each, b"", _TRIES_SECONDS, most=_most(each))
            return None
        return msgspec.json.decode(entry.content, type=_Waiting)

    async def poll(self, device_code: str) -> Approval:
        """Return the person's yes, once. Raises `OAuthError` as RFC 8628 words it until then, and for a no."""
        taken = await self._store.take(_APPROVAL, device_code)
        if taken is None:
            if await self._store.get(_DEVICE, device_code) is None:
                raise OAuthError("expired_token", "This code has expired or was used. Start again.")
            if self._polls.too_early(device_code):
                raise OAuthError("slow_down", f"Wait {_INTERVAL} seconds more between two questions.")
            raise OAuthError("authorization_pending", "Nobody has answered yet.")
        await self._store.delete(_DEVICE, device_code)
        approval = msgspec.json.decode(taken.content, type=Approval)
        if not approval.allowed:
            raise OAuthError("access_denied", "The person said no.")
        return approval


def _most(trier: str) -> int:
    return _MOST_TRIES[trier.partition(":")[0]]


def normalized(typed: str) -> str:
    """Return a code as it is kept, however it was typed; "" for what can be none."""
    narrow = unicodedata.normalize("NFKC", typed[:64])  # as Japanese keyboards type it
    code = "".join(each for each in narrow.upper() if each.isalnum())
    return code if len(code) == _LENGTH and set(code) <= set(ALPHABET) else ""
