"""Whose limits and budgets a request counts against."""

from gateway.casing import lower


def scopes(key_id: str | None, user_email: str | None, user_id: str | None, team: str | None) -> tuple[str, ...]:
    """Return `key:…`, `person:…` and `team:…`. A person is known by e-mail where there is one, else by id."""
    named = (("key", key_id), ("person", lower(user_email or user_id or "")), ("team", team))
    return tuple(f"{kind}:{name}" for kind, name in named if name)
