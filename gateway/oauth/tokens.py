"""Access tokens: keys of the person who said yes, which end within hours and are renewed."""

import secrets
import time
from typing import Any, Final

from msgspec.structs import replace

from gateway.audit.actor import Actor, acting, acting_unless_known
from gateway.config.schema import OwnKeys
from gateway.errors import Forbidden, InvalidRequest
from gateway.identity import key_admin, own_keys
from gateway.identity.key_making import check_open, check_room, make_own_key
from gateway.identity.keys import Key
from gateway.identity.person import Person, personal_key
from gateway.oauth.errors import denied, invalid_grant, invalid_request
from gateway.oauth.families import Families, Family
from gateway.oauth.grants import Approval, Asked, subject_of
from gateway.oauth.programs import Program, named
from gateway.runtime import Runtime
from gateway.secret import Secret

EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
REFRESH_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:refresh_token"
ACCESS_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"
SECONDS = 8 * 3600
"""Life of an access token; a working day, so that a program on a train is not cut off."""
_GRACE_SECONDS = 60
"""For which a renewed token works on: requests that are on their way carry it."""
_DAY_SECONDS = 86_400


class Tokens:
    """Makes, renews and revokes access tokens."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @property
    def families(self) -> Families:
        return Families(self._runtime.expiring, self.end_key)

    def check(self, person: Person) -> OwnKeys:
        """Return what keys of people may do. Raises `Forbidden` where a person gets none, with the remedy."""
        allowed = check_open(self._runtime.current.config.own_keys)
        check_room(self._runtime.keys, allowed, person)
        return allowed

    async def issue(self, approval: Approval) -> tuple[dict[str, Any], str]:
        """Return the answer to an approved program, and the id of its family. Raises `OAuthError`."""
        person, asked = approval.person, approval.asked
        try:
            allowed = self.check(person)
            ends_at = time.time() + allowed.longest_days * _DAY_SECONDS
            ends = min(ends_at, time.time() + SECONDS)
            with acting(_actor(person.email or person.user_id, asked)):
                key, secret = await self._made(allowed, person, approval.team, asked, ends)
        except (Forbidden, InvalidRequest) as error:
            raise denied(error) from error
        family, token = await self.families.begin(
            subject_of(person), key.id, asked, ends_at, key.policy.expires_at or 0
        )
        email = {"email": person.email} if person.email else {}
        return {**_answer(secret, key), "refresh_token": token, **email}, family

    async def _made(
        self, allowed: OwnKeys, person: Person, team: str | None, asked: Asked, ends: float
    ) -> tuple[Key, Secret]:
        alias = f"{asked.program.title} {time.strftime('%Y-%m-%d', time.gmtime())} {secrets.token_hex(3)}"
        return await make_own_key(
            self._runtime.keys,
            allowed,
            self._runtime.current.caller(self._runtime.keys, personal_key(person, team), person),
            alias,
            purpose=f"Signed in from {asked.address}",
            ends=round(ends * 1e6),
        )

    async def refresh(self, token: str) -> dict[str, Any]:
        """Return the answer to a program that renews. Raises `OAuthError`."""
        return await self.families.renew(token, self._renewed)

    async def _renewed(self, family: Family) -> tuple[Family, dict[str, Any]]:
        key = await self._alive(family)
        now, ends_at = time.time(), _end_of(family, key)
        ends = round(min(ends_at, now + SECONDS) * 1e6)
        ended = key.policy.expires_at is not None and key.policy.expires_at <= now * 1e6
        # In this order: a secret that has ended must not live again with the key.
        with acting_unless_known(Actor("person", key.owner, via="renewal")):
            _, secret = await key_admin.rotate(self._runtime.keys, key.id, 0 if ended else _GRACE_SECONDS)
            renewed = await key_admin.change(self._runtime.keys, key.id, expires_at=ends)
        return replace(family, ends_at=ends_at, key_ends=ends), _answer(secret, renewed)

    async def _alive(self, family: Family) -> Key:
        """Return the key of a family. Raises `OAuthError` where it was revoked, or people get no keys any more."""
        key = await self._key(family.key_id)
        closed = self._runtime.current.config.own_keys is None
        if (
            key is None
            or key.revoked_at is not None
            or key.owner is None
            or closed
            or _end_of(family, key) <= time.time()
        ):
            raise invalid_grant("Access was withdrawn. Sign in again, or ask an administrator.", status=401)
        return key

    async def exchange(self, token: str, program: str) -> dict[str, Any]:
        """Return a key that lasts, for a program that can neither renew one nor run a command for it.

        It ends with the sign-in at the latest. Raises `OAuthError`.
        """
        name = named(program)
        if not name:
            raise invalid_request("The parameter 'client_id' must name the program.")
        _, family = await self.families.find(token)
        key = await self._alive(family)
        person = Person(email=key.owner, source="key")
        asked = Asked(Program(name, known=False), family.asked.address, time.time())
        try:
            with acting(_actor(key.owner, asked)):
                made, secret = await self._made(self.check(person), person, key.team, asked, _end_of(family, key))
        except (Forbidden, InvalidRequest) as error:
            raise denied(error) from error
        return {**_answer(secret, made), "issued_token_type": ACCESS_TOKEN_TYPE}

    async def revoke(self, token: str) -> None:
        """Revoke a token of either kind, and what belongs to it; an unknown one changes nothing."""
        family = await self.families.end_by_token(token)
        key = await self._runtime.keys.find(token)
        if family:
            await self.end_key(family.key_id)
        elif key and key.made_by == own_keys.PERSON:
            await self.end_key(key.id)

    async def end_family(self, id_: str) -> None:
        """End a family and its key: somebody showed twice what is good once."""
        family = await self.families.get(id_)
        await self.families.end(id_)
        if family:
            await self.end_key(family.key_id)

    async def end_all(self, person: Person) -> None:
        """End the access tokens of all programs that a person has signed in; what renews them is the caller's."""
        for family in await self.families.of(subject_of(person)):
            await self.end_key(family.key_id)

    async def _key(self, key_id: str) -> Key | None:
        """Return a key as it is now, whichever process made or changed it last."""
        await self._runtime.keys.refresh()
        return self._runtime.keys.by_id(key_id)

    async def end_key(self, key_id: str) -> None:
        if (key := await self._key(key_id)) and key.revoked_at is None:
            with acting_unless_known(Actor("person", key.owner, via="sign-in")):
                await key_admin.revoke(self._runtime.keys, key_id)


def _end_of(family: Family, key: Key) -> float:
    """Return when a sign-in ends for good, in Unix seconds: never after an end that an administrator gave its key."""
    given = key.policy.expires_at
    return min(family.ends_at, given / 1e6) if given is not None and given < family.key_ends else family.ends_at


def _actor(name: str | None, asked: Asked) -> Actor:
    """Return the person who let a program have a key, for the audit."""
    return Actor("person", name, via=f"sign-in {asked.program.title}", address=asked.address)


def _answer(secret: Secret, key: Key) -> dict[str, Any]:
    ends = (key.policy.expires_at or 0) / 1e6
    return {"access_token": secret.reveal(), "token_type": "Bearer", "expires_in": max(1, round(ends - time.time()))}
