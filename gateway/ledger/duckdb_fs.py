"""A file system over a store, for DuckDB. One store a process at a time.

An object whose size is known from the listing is asked for once, if it is small: whole, and kept. So it is the same
from its footer to its last row, whoever rewrites it meanwhile. Larger ones are read a range at a time.
"""

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import obstore
from fsspec import AbstractFileSystem
from obstore.exceptions import BaseError

from gateway.ledger.store import Item, Store

_READ_AHEAD = 1024 * 1024
_SMALL_BYTES = 4 * 1024 * 1024
_KEPT_BYTES = 128 * 1024 * 1024
"""Bytes of all small objects together; more are fetched again, in favour of those that were read ahead."""
_AT_ONCE = 16
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class StoreFiles(AbstractFileSystem):  # type: ignore[misc]
    """Read-only; paths are `sekisho://` and the path in the store.

    `items` are objects that stay what they are while the file system is used. Raises `OSError`.
    """

    protocol = "sekisho"
    cachable = False

    def __init__(self, store: Store, items: Iterable[Item] = ()) -> None:
        super().__init__()
        self._store = store
        self._sizes = {item.path: item.size for item in items}
        self._kept: dict[str, bytes] = {}
        self._kept_bytes = 0
        self._lock = threading.Lock()

    def fetch(self) -> None:
        """Fetch the small objects, many at once, as far as they are kept in memory."""
        paths, left = [], _KEPT_BYTES
        for path, size in self._sizes.items():
            if size <= min(left, _SMALL_BYTES):
                paths.append(path)
                left -= size
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for _ in threads.map(self._tried, paths):
                pass

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        place = self._strip_protocol(path)
        if self._is_small(place):
            return BytesIO(self._whole(place))
        return self._asked(
            lambda: obstore.open_reader(
                self._store.objects, place, buffer_size=_READ_AHEAD, size=self._sizes.get(place)
            )
        )

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        place = self._strip_protocol(path)
        if self._is_small(place):
            return {"name": path, "size": len(self._whole(place)), "type": "file", "created": _LONG_AGO}
        if place in self._sizes:
            return {"name": path, "size": self._sizes[place], "type": "file", "created": _LONG_AGO}
        meta = self._asked(lambda: obstore.head(self._store.objects, place))
        return {"name": path, "size": meta["size"], "type": "file", "created": meta["last_modified"]}

    def modified(self, path: str) -> Any:
        return self.info(path)["created"]

    def glob(self, path: str, **options: Any) -> list[str]:
        """Return the path itself: DuckDB calls this for every file, and none of them is a pattern."""
        return [self._strip_protocol(path)]

    def exists(self, path: str, **options: Any) -> bool:
        return True

    def _is_small(self, path: str) -> bool:
        return self._sizes.get(path, _SMALL_BYTES + 1) <= _SMALL_BYTES

    def _whole(self, path: str) -> bytes:
        content = self._kept.get(path)
        if content is None:
            content = self._asked(lambda: bytes(obstore.get(self._store.objects, path).bytes()))
            with self._lock:
                if self._kept_bytes + len(content) <= _KEPT_BYTES and path not in self._kept:
                    self._kept[path] = content
                    self._kept_bytes += len(content)
        return content

    def _tried(self, path: str) -> None:
        """Fetch a small object; a failure is raised when the object is read."""
        try:
            self._whole(path)
        except OSError:
            return

    def _asked(self, question: Any) -> Any:
        try:
            return question()
        except (BaseError, NotImplementedError) as error:
            raise OSError(f"{error}".split("\n", 1)[0]) from error
