"""Continuations in this process."""

from collections.abc import Iterable, Mapping

from cachetools import TTLCache

from gateway.continuations.store import KEPT_SECONDS, LONGEST_KEY, LONGEST_VALUE_BYTES, owner
from gateway.identity.caller import Caller

MOST_BYTES = 64 * 1024 * 1024
_OVERHEAD_BYTES = 300
"""Of an entry, beside its key and value."""


class MemoryContinuations:
    """Keeps the latest ones, in `MOST_BYTES` of all callers together."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._kept: TTLCache[tuple[str, str], bytes] = TTLCache(
            most_bytes, KEPT_SECONDS, getsizeof=lambda value: len(value) + _OVERHEAD_BYTES
        )

    async def get(self, caller: Caller, keys: Iterable[str]) -> dict[str, bytes]:
        who, found = owner(caller), dict[str, bytes]()
        for key in keys:
            value = self._kept.get((who, key))
            if value is not None:
                self._kept[who, key] = found[key] = value  # its time begins anew
        return found

    async def put(self, caller: Caller, items: Mapping[str, bytes]) -> None:
        who = owner(caller)
        for key, value in items.items():
            if len(key) <= LONGEST_KEY and len(value) <= min(LONGEST_VALUE_BYTES, self._kept.maxsize // 4):
                self._kept[who, key] = value

    async def delete(self, caller: Caller, key: str) -> None:
        self._kept.pop((owner(caller), key), None)

    async def stop(self) -> None:
        return None
