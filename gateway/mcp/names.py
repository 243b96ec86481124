"""Names under which clients see the tools and prompts of several servers. Pure."""

import re
from hashlib import sha256

LONGEST = 58
"""Characters: clients put their own prefix before it, and vendors of models allow 64 in all."""
_LONGEST_PREFIX = 12
_SEPARATOR = "__"
_ALLOWED = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_-]")
_HASH_LENGTH = 6


def prefix_of(server: str) -> str:
    """Return what stands before the names of a server: short, as clients add more."""
    return server if len(server) <= _LONGEST_PREFIX else f"{server[:5]}-{_hash(server)}"


def public_name(server: str, name: str) -> str:
    """Return the name of a server's tool or prompt among those of several servers."""
    plain = f"{prefix_of(server)}{_SEPARATOR}{_FORBIDDEN.sub('_', name)}"
    if len(plain) <= LONGEST and plain.endswith(f"{_SEPARATOR}{name}"):
        return plain
    return f"{plain[: LONGEST - _HASH_LENGTH - 1]}_{_hash(name)}"


def bare_name(server: str, name: str) -> str:
    """Return the name where there is no other server: its own, unless it is no name that clients must take."""
    return name if _ALLOWED.fullmatch(name) else public_name(server, name)


def _hash(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HASH_LENGTH]
