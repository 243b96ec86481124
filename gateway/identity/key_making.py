"""Make a key for a person, within what administrators allow: from the page, over `/v1/me/keys`, or at a sign-in."""

import time
from typing import Any

from gateway.audit.actor import Actor, acting_unless_known
from gateway.config.schema import OwnKeys
from gateway.errors import Forbidden, InvalidRequest
from gateway.identity import key_admin, own_keys
from gateway.identity.caller import Caller
from gateway.identity.keys import Key, KeyStore
from gateway.identity.person import Person
from gateway.secret import Secret


def check_open(allowed: OwnKeys | None) -> OwnKeys:
    """Return what people's keys may do. Raises `Forbidden` where administrators make all keys."""
    if allowed is None:
        raise Forbidden(
            "Keys are made by administrators here; ask one for a key. ('own_keys' in the configuration opens this.)",
            code="own_keys_off",
        )
    return allowed


def check_room(store: KeyStore, allowed: OwnKeys, person: Person) -> list[Key]:
    """Return a person's keys. Raises `Forbidden` where there may be no more of them, or the person is nobody."""
    keys = own_keys.own(store.all(), person)
    own_keys.check_count(allowed, keys, now())
    return keys


async def make_own_key(
    store: KeyStore,
    allowed: OwnKeys,
    maker: Caller,
    alias: str,
    *,
    purpose: str | None = None,
    days: int | None = None,
    ends: int | None = None,
    team: str | None = None,
) -> tuple[Key, Secret]:
    """Make a key that may do no more than `maker`. Raises `InvalidRequest`, `Forbidden`, `ConfigError`.

    It ends after `days`, at the latest at `ends` (UTC microseconds), and counts for the chosen `team` of the person's,
    or the first. Counting a person's keys and making one more is
    one step.
    """
    policy: dict[str, Any] = own_keys.new_policy(allowed, days, maker.key, now())
    if ends is not None:
        policy["expires_at"] = min(policy["expires_at"], ends)
    stored = own_keys.stored_alias(maker.person, alias)
    async with store.making:
        await store.refresh()
        keys = check_room(store, allowed, maker.person)
        if any(key.alias == stored for key in keys):
            raise InvalidRequest(
                "You have, or had, a key with this alias; choose another.", code="alias_taken", param="alias"
            )
        owner = maker.person.email or maker.person.user_id
        with acting_unless_known(Actor("person", owner, via="sign-in")):
            return await key_admin.create(
                store,
                stored,
                owner=owner,
                team=own_keys.team_of(maker, keys, team),
                purpose=purpose,
                made_by=own_keys.PERSON,
                **policy,
            )


def now() -> int:
    """Return the time in UTC microseconds."""
    return time.time_ns() // 1000
