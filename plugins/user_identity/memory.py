"""What is remembered for a minute, and signatures that can be used again."""

import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import jwt

from plugins.shared.log import log
from plugins.shared.signature import ISSUER

REMEMBER_SECONDS = 60
REMEMBER_ENTRIES = 2000
memory: dict[str, tuple[float, list[str]]] = {}


async def remembered(key: str, load: Callable[[], Awaitable[list[str]]]) -> list[str]:
    """Return what `load` said within the last minute, so that a call costs no query."""
    until, value = memory.get(key, (0.0, []))
    if time.monotonic() < until:
        return value
    value = await load()
    if len(memory) >= REMEMBER_ENTRIES:
        memory.clear()
    memory[key] = (time.monotonic() + REMEMBER_SECONDS, value)
    return value


def is_fresh(token: Any, claims: dict[str, Any], secret: str) -> bool:
    """Return whether `token` is ours, says just this, and has more than half of its life before it."""
    if not isinstance(token, str):
        return False
    try:
        said = jwt.decode(token, secret, algorithms=["HS256"], issuer=ISSUER, options={"require": ["iat", "exp"]})
    except jwt.InvalidTokenError:
        return False
    issued, expires = said.pop("iat"), said.pop("exp")
    return bool(said == claims and time.time() - issued < (expires - issued) / 2)


@cache
def warn_no_secret() -> None:
    log.warning("user_identity: no secret is set, so that requests go unsigned")
