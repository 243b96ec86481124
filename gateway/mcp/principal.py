"""In whose name a server is used: connections, answers to questions and tokens are never another's."""

from hashlib import sha256

from gateway.identity.caller import Caller

_CLAIMED = ("body", "none")
"""Sources of an identity that is not verified."""
SHARED = "shared"


def is_known(caller: Caller) -> bool:
    """Return whether the person of a request is more than a claim."""
    return caller.user_id is not None and caller.person.source not in _CLAIMED


def principal_of(caller: Caller) -> str:
    """Return a person's name where it is known, else that of the key and whom it claims to speak for."""
    if is_known(caller):
        return f"person:{caller.user_id}"
    return f"key:{caller.key.id}:{caller.user_id or ''}"


def folder_name(principal: str) -> str:
    """Return a principal as the name of a folder."""
    return sha256(principal.encode(errors="surrogatepass")).hexdigest()[:16]
