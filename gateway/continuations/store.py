"""Keeps for each caller what their next request will need and their client does not send back.

Reasoning with its signatures, and the answers that a request of Responses continues by id. Bounded in bytes and time;
what is gone costs a cache hit or is asked for again, never an answer to somebody else's question.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from gateway.identity.caller import Caller

KEPT_SECONDS = 6 * 3600
LONGEST_KEY = 256
LONGEST_VALUE_BYTES = 4 * 1024 * 1024
"""Longer values are not kept."""


class Continuations(Protocol):
    """A caller's own store; keys of one caller mean nothing to another."""

    async def get(self, caller: Caller, keys: Iterable[str]) -> dict[str, bytes]:
        """Return what is kept under `keys`, from now on for `KEPT_SECONDS` again; unknown ones are left out.

        Never raises.
        """

    async def put(self, caller: Caller, items: Mapping[str, bytes]) -> None:
        """Keep `items` from now on for `KEPT_SECONDS`. Never raises."""

    async def delete(self, caller: Caller, key: str) -> None:
        """Forget what is kept under a key. Never raises."""

    async def stop(self) -> None:
        """Let go of connections."""


def owner(caller: Caller) -> str:
    """Return for whom something is kept: a key and the person for whom it speaks."""
    return f"{caller.key.id}\0{caller.user_id or ''}"
