"""What the flows keep between two steps: who asks, and who has said yes."""

import msgspec

from gateway.casing import lower
from gateway.db.anybody import put_for_anybody
from gateway.db.expiring import ExpiringStore
from gateway.identity.person import Person
from gateway.network import counted_as
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
MOST_OF_AN_ADDRESS = 100
"""The same, of one address; a whole office may come from it."""
OPEN_SECONDS = 600


def address_of(asked: Asked) -> str:
    """Return the name under which is kept what programs of an address ask."""
    return f"address:{counted_as(asked.address)}"


async def put_open(store: ExpiringStore, kind: str, asked: Asked, content: bytes) -> str:
    """Keep a request that waits for a person, and return its id. Raises `Overloaded` over the bounds."""
    return await put_for_anybody(
        store,
        kind,
        address_of(asked),
        content,
        OPEN_SECONDS,
        together="sign_in",
        most=MOST_OF_AN_ADDRESS,
        most_together=MOST_OPEN,
    )
