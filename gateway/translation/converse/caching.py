"""Marks of the prompt cache: blocks after those that they mark, and no more of them than the model takes."""

from collections.abc import Sequence

from gateway.translation.checks import Fields
from gateway.translation.codec import Writing
from gateway.translation.converse.blocks_writer import Marked
from gateway.translation.converse.names import CACHES, LASTING, MOST_CACHE_POINTS
from gateway.translation.parts import CacheMark

_TTLS = ("5m", "1h")


class CachePoints:
    """Puts the marks of one request. The last ones count, in the order in which the model reads: tools come first."""

    def __init__(self, writing: Writing, marked: Sequence[tuple[str, Sequence[Marked]]]) -> None:
        """Take all blocks of the request, by the place in which they stand."""
        self._places = CACHES.get(writing.profile.family, frozenset())
        self._lasting = writing.profile.family in LASTING
        count = sum(cache is not None for place, found in marked if place in self._places for _, cache in found)
        self._passed_over = max(count - MOST_CACHE_POINTS, 0)
        if self._passed_over:
            writing.drop("cache_control")

    def put(self, place: str, blocks: Sequence[Marked]) -> list[Fields]:
        """Return blocks with their marks between them; called in the order of reading."""
        found: list[Fields] = []
        for block, cache in blocks:
            found.append(block)
            if cache is None or place not in self._places:
                continue
            if self._passed_over:
                self._passed_over -= 1
                continue
            found.append({"cachePoint": self._point(cache)})
        return found

    def _point(self, cache: CacheMark) -> Fields:
        lasts = {"ttl": cache.ttl} if self._lasting and cache.ttl in _TTLS else {}
        return {"type": "default", **lasts}
