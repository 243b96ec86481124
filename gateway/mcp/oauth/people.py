"""Under which name a person's sign-ins at tool servers are kept, and how a link says for whom it is."""

import hmac

from gateway.casing import lower
from gateway.identity.hashing import keyed_hash
from gateway.identity.person import Person

_MARK_BYTES = 16


def person_name(person: Person) -> str:
    """Return the e-mail address, else the id: the same as sessions have. "" for nobody."""
    return lower(person.email or person.user_id or "")


def links_secret(secret: bytes) -> bytes:
    """Return what marks of people in links are made with; `secret` is that of the keys."""
    return keyed_hash(secret, "sign-in links of tool servers")


def mark_of(secret: bytes, server: str, person: str) -> str:
    """Return what stands in a link for a person: it names nobody to others, and gives no right."""
    return keyed_hash(secret, f"sign-in at {server} of {person}").hex()[: 2 * _MARK_BYTES]


def is_for(mark: str, secret: bytes, server: str, person: str) -> bool:
    """Return whether a link was made for this person."""
    expected = mark_of(secret, server, person)
    return hmac.compare_digest(mark.encode(errors="surrogatepass"), expected.encode())
