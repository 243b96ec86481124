"""Scopes that a request counts against: `key:…`, `person:…`, `team:…`."""

from collections.abc import Callable, Mapping

from gateway.casing import folded, lower


def scopes(key_id: str | None, team: str | None, user_email: str | None, user_id: str | None) -> tuple[str, ...]:
    """Return the scopes of a request. A person is known by e-mail address where there is one, else by id."""
    person = lower(user_email or user_id or "")
    named = (("key", key_id), ("person", person), ("team", folded(team) if team else None))
    return tuple(f"{kind}:{name}" for kind, name in named if name)


def normal(scope: str) -> str:
    """Return a scope as requests are counted by it: people without case, teams without case and width."""
    kind, _, name = scope.partition(":")
    return f"{kind}:{_NORMAL[kind](name)}" if kind in _NORMAL else scope


_NORMAL: Mapping[str, Callable[[str], str]] = {"person": lower, "team": folded}
