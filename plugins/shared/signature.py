"""Signatures, which the gateway checks with the same secret."""

import time
from typing import Any

import jwt

ISSUER = "sekisho"


def sign(claims: dict[str, Any], secret: str, lifetime: int) -> str:
    """Return the claims as a signed token that is valid for `lifetime` seconds."""
    now = int(time.time())
    return jwt.encode({**claims, "iat": now, "exp": now + lifetime}, secret, algorithm="HS256")
