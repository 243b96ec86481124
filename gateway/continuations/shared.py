"""Continuations in Redis or Valkey, where several processes or machines serve the same callers."""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Iterable, Mapping
from pathlib import Path
from typing import Any

from gateway.continuations.memory import MemoryContinuations
from gateway.continuations.store import KEPT_SECONDS, LONGEST_VALUE_BYTES, owner
from gateway.identity.caller import Caller
from gateway.limits.address import store_address
from gateway.limits.store import TIMEOUT_SECONDS, connect

log = logging.getLogger("sekisho.requests")


class SharedContinuations:
    """Keeps everything here, too, so that a store that is away costs nothing to who comes back to this process."""

    def __init__(self, url: str, custom_ca: Path | None = None, namespace: str = "sekisho") -> None:
        """Raises `ConfigError` for an invalid address."""
        self._client: Any = connect(store_address(url), TIMEOUT_SECONDS, custom_ca)
        self._prefix = f"{{{namespace}}}:continuation:"
        self._here = MemoryContinuations()
        self._told = False

    async def get(self, caller: Caller, keys: Iterable[str]) -> dict[str, bytes]:
        keys = list(keys)
        found = await self._here.get(caller, keys)
        for key in keys:
            if key in found:
                continue
            value = await self._tried(self._client.getex(self._name(caller, key), ex=KEPT_SECONDS))
            if isinstance(value, bytes):
                found[key] = value
        return found

    async def put(self, caller: Caller, items: Mapping[str, bytes]) -> None:
        await self._here.put(caller, items)
        for key, value in items.items():
            if len(value) <= LONGEST_VALUE_BYTES:
                await self._tried(self._client.set(self._name(caller, key), value, ex=KEPT_SECONDS))

    async def delete(self, caller: Caller, key: str) -> None:
        await self._here.delete(caller, key)
        await self._tried(self._client.delete(self._name(caller, key)))

    async def stop(self) -> None:
        with contextlib.suppress(Exception):
            await self._client.aclose()

    def _name(self, caller: Caller, key: str) -> str:
        return self._prefix + hashlib.blake2b(f"{owner(caller)}\0{key}".encode("utf-8", "replace")).hexdigest()[:64]

    async def _tried(self, call: Awaitable[Any]) -> Any:
        """Return the store's answer; None while it is away, which is told once."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                answer = await call
        except Exception as error:
            if not self._told:
                log.warning("continuations are kept in this process alone, the shared store is away: %r", error)
            self._told = True
            return None
        self._told = False
        return answer
