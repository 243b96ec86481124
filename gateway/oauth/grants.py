"""What the flows keep between two steps: who asks, and who has said yes."""

import msgspec

from gateway.casing import lower
from gateway.db.expiring import ExpiringStore
from gateway.identity.person import Person
from gateway.oauth.programs import Program


class Asked(msgspec.Struct, frozen=True):
    """A program that waits for a person's yes. `address` is the client's, `asked_at` in Unix seconds."""

    program: Program
    address: str
    asked_at: float


class Approval(msgspec.Struct, frozen=True):
    """A person's answer. Where it is yes, a key is made for the person as soon as the program asks for it."""

    asked: Asked
    person: Person
    team: str | None = None
    allowed: bool = True


def subject_of(person: Person) -> str:
    """Return the name under which a person's grants are kept: to sign out everywhere ends them all."""
    return lower(person.email or person.user_id or "")


MOST_OPEN = 5000
"""Requests of all addresses together that wait at a time: whoever has many addresses fills no database."""
_OPEN_SECONDS = 600


async def count_open(store: ExpiringStore) -> None:
    """Count a request that begins to wait for a person. Raises `Overloaded` over the bound."""
    await store.put("sign_in", "all addresses", b"", _OPEN_SECONDS, most=MOST_OPEN, evict=False)
