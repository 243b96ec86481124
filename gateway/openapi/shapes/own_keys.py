"""Answers about one's own keys."""

from msgspec import Struct

from gateway.openapi.shapes.common import Micros


class OwnKey(Struct):
    """A key of one's own, without its secret."""

    id: str
    alias: str
    purpose: str | None
    hint: str
    """Its beginning and end, by which people recognise it."""
    team: str | None
    made_by: str
    """`person` or `administrator`."""
    created_at: Micros
    expires_at: Micros | None
    """When it ends; null = never."""
    revoked_at: Micros | None
    models: list[str] | None
    """Globs of the models that it may use; null = every model."""
    valid: bool
    presented: bool
    """True for the key that this request came with."""


class OwnKeyMade(OwnKey):
    """A key of one's own; `key` is its secret, shown this once."""

    key: str


class LastUse(Struct):
    hour: str
    """In UTC."""
    client: str | None
    """The program that used it."""
    client_ip: str | None


class OwnKeyDetails(OwnKey):
    """A key of one's own, and when it was used last."""

    last_used: LastUse | None
    """Within 90 days."""


class OwnKeyRules(Struct):
    most: int
    """Valid keys at a time."""
    longest_days: int


class OwnKeyList(Struct):
    """A person's keys, the newest first, at most 1,000."""

    data: list[OwnKey]
    own_keys: OwnKeyRules | None
    """What one may make; null where administrators make all keys."""
