"""A store as a file system that DuckDB reads from, a range at a time. One store a process at a time."""

from typing import Any

import obstore
from fsspec import AbstractFileSystem

from gateway.ledger.store import Store

_READ_AHEAD = 1024 * 1024


class StoreFiles(AbstractFileSystem):  # type: ignore[misc]
    """Read-only; paths are `sekisho://` and the path in the store."""

    protocol = "sekisho"
    cachable = False

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        return obstore.open_reader(self._store.objects, self._strip_protocol(path), buffer_size=_READ_AHEAD)

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        found = obstore.head(self._store.objects, self._strip_protocol(path))
        return {"name": path, "size": found["size"], "type": "file", "created": found["last_modified"]}

    def modified(self, path: str) -> Any:
        return self.info(path)["created"]

    def glob(self, path: str, **options: Any) -> list[str]:
        """DuckDB asks this of every file it is told to read; none of them is a pattern."""
        return [self._strip_protocol(path)]

    def exists(self, path: str, **options: Any) -> bool:
        return True
