"""Keys that people make for themselves: whose they are, and that none of them may do more than its maker may."""

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from gateway.casing import folded, lower
from gateway.config.schema import OwnKeys
from gateway.errors import Forbidden, InvalidRequest, NotFound
from gateway.identity.caller import Caller
from gateway.identity.keys import Key
from gateway.identity.person import Person, PersonalKey
from gateway.identity.policy import Policy

PERSON: Final = "person"
_DAY_MICROSECONDS = 86_400 * 10**6
_MOST_A_DAY = 3
"""Keys that can be made within a day, as a multiple of those that can be valid at a time: revoked ones stay known."""
_LONGEST_ALIAS = 60
_MOST_NAMED = 10


def names_of(person: Person) -> frozenset[str]:
    """Return the names by which keys are a person's own. Raises `Forbidden` for nobody."""
    names = frozenset(lower(name) for name in (person.email, person.user_id) if name)
    if not names:
        raise Forbidden(
            "This key belongs to nobody, so there are no keys of one's own. Ask an administrator for a key with your "
            "name as its owner.",
            code="no_owner",
        )
    return names


def is_own(key: Key, names: frozenset[str]) -> bool:
    """Return whether a key belongs to a person; those that speak for others belong to nobody."""
    return key.identity is None and key.owner is not None and lower(key.owner) in names


def own(keys: Iterable[Key], person: Person) -> list[Key]:
    """Return a person's keys, the newest first. Raises `Forbidden` for nobody."""
    names = names_of(person)
    return sorted((key for key in keys if is_own(key, names)), key=lambda key: key.created_at, reverse=True)


def find(keys: Iterable[Key], person: Person, id_: str) -> Key:
    """Return a person's key by its id. Raises `NotFound`, the same for another's key and for none."""
    found = next((key for key in own(keys, person) if key.id == id_), None)
    if found is None:
        raise NotFound("You have no key with this id; GET /v1/me/keys lists yours.", code="key_not_found")
    return found


def new_policy(allowed: OwnKeys, days: int | None, maker: Key, now: int) -> dict[str, Any]:
    """Return the policy of a new key. Raises `InvalidRequest`, `Forbidden`.

    `maker` is the key with which it is made; the new one ends when that does, at the latest.
    """
    if days is not None and not 1 <= days <= allowed.longest_days:
        raise InvalidRequest(f"The field 'days' must be 1 to {allowed.longest_days}.", param="days")
    ends = now + (days or allowed.longest_days) * _DAY_MICROSECONDS
    if not maker.identity and maker.policy.expires_at is not None:
        ends = min(ends, maker.policy.expires_at)
    policy = replace(template(allowed), expires_at=ends)
    if not maker.identity:
        check_covers(maker.policy, policy)
    return {**_given(policy), "expires_at": ends}


def template(allowed: OwnKeys) -> Policy:
    """Return what a key that people make may do."""
    return Policy(
        models=allowed.models,
        networks=tuple(str(network) for network in allowed.networks) if allowed.networks is not None else None,
        requests_per_minute=allowed.requests_per_minute,
        tokens_per_minute=allowed.tokens_per_minute,
        parallel_requests=allowed.parallel_requests,
    )


def check_covers(maker: Policy, other: Policy) -> None:
    """Raise `Forbidden` where a key with the policy `other` could do more than one with `maker`'s.

    Rates and budgets of a key would be had twice, so a key with such limits covers only what has the same and was
    made from the same configuration; its traffic class gives no rights.
    """
    restricted = _limits(maker) != _limits(Policy())
    budget = maker.budget_nano_usd is not None
    longer = maker.expires_at is not None and (other.expires_at is None or other.expires_at > maker.expires_at)
    if longer or budget or (restricted and _limits(maker) != _limits(other)):
        raise Forbidden(
            "This key is restricted: what is asked for could do more than it may. Use another key of yours, do it from "
            "Open WebUI, or ask an administrator.",
            code="key_restricted",
        )


def check_count(allowed: OwnKeys, keys: Iterable[Key], now: int) -> None:
    """Raise `Forbidden` where a person has as many keys as people may make, or made too many within a day."""
    made = [key for key in keys if key.made_by == PERSON]
    recent = [key for key in made if key.created_at > now - _DAY_MICROSECONDS]
    valid = [key for key in made if key.valid_at(now)]
    if len(valid) >= allowed.most or len(recent) >= allowed.most * _MOST_A_DAY:
        raise Forbidden(
            f"You may have {allowed.most} keys of your own at a time, and make {allowed.most * _MOST_A_DAY} in a day. "
            "Revoke one that you do not need, or ask an administrator.",
            code="too_many_keys",
        )


def stored_alias(person: Person, alias: str) -> str:
    """Return the alias under which a person's key is stored; people's names never meet. Raises `InvalidRequest`."""
    if not alias.strip() or not alias.isprintable() or len(alias) > _LONGEST_ALIAS or "/" in alias:
        raise InvalidRequest(
            f"The field 'alias' must be 1 to {_LONGEST_ALIAS} characters without '/' and line breaks.", param="alias"
        )
    return f"{lower(person.email or person.user_id or '')}/{alias.strip()}"


def shown_alias(key: Key) -> str:
    """Return the alias that its owner gave."""
    return key.alias.rpartition("/")[2] if key.made_by == PERSON else key.alias


def team_of(maker: Caller, keys: Iterable[Key], chosen: str | None = None) -> str | None:
    """Return the team of a new key: the chosen one of its maker's teams, or the first of them.

    Where neither the maker's key nor groups give one, it is the team that administrators gave all other keys of the
    person. Raises `Forbidden` where another team is chosen.
    """
    names = [team.name for team in maker.teams] or ([maker.team] if maker.team else [])
    if not names and (maker.is_open_webui or isinstance(maker.key, PersonalKey)):
        given = {key.team for key in keys if key.made_by is None and key.valid_at(time.time_ns() // 1000)}
        names = [team for team in given if team] if len(given) == 1 else []
    if chosen is None:
        return names[0] if names else None
    found = next((name for name in names if folded(name) == folded(chosen)), None)
    if found is None:
        yours = ", ".join(names[:_MOST_NAMED]) or "none"
        raise Forbidden(f"You are not in the team of the field 'team'. Your teams: {yours}.", code="not_your_team")
    return found


def _limits(policy: Policy) -> tuple[Any, ...]:
    rates = (policy.requests_per_minute, policy.tokens_per_minute, policy.parallel_requests)
    return (policy.models, policy.networks, *rates, policy.budget_nano_usd)


def _given(policy: Policy) -> dict[str, Any]:
    names = ("models", "networks", "requests_per_minute", "tokens_per_minute", "parallel_requests")
    return {name: getattr(policy, name) for name in names if getattr(policy, name) is not None}
