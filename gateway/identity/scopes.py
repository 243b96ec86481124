"""Scopes that a request counts against: `key:…`, `person:…`, `team:…`."""

from gateway.casing import lower


def scopes(key_id: str | None, team: str | None, user_email: str | None, user_id: str | None) -> tuple[str, ...]:
    """Return the scopes of a request. A person is known by e-mail address where there is one, else by id."""
    person = lower(user_email or user_id or "")
    named = (("key", key_id), ("person", person), ("team", team))
    return tuple(f"{kind}:{name}" for kind, name in named if name)
