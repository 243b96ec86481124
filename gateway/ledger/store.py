"""The destination of Parquet files: a folder, S3, Google Cloud Storage or Azure Blob, all through `obstore`.

Paths are relative to the destination and use `/`. obstore is imported when a store is opened, never by a worker.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.files import fsync
from gateway.ledger.errors import StoreError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_PART_BYTES = 5 * 1024 * 1024
"""Larger objects are uploaded in parts."""
_DELETE_AT_ONCE = 1000


@dataclass(frozen=True)
class Item:
    """An object's path and size in bytes. `version` changes with its content; it is no part of equality."""

    path: str
    size: int
    version: str = field(default="", compare=False)


@dataclass(frozen=True)
class StoredObject:
    """An object that was read. `written_at`: Unix seconds by the store's clock."""

    path: str
    content: bytes
    version: Any
    written_at: float


class Store:
    """One destination. Every method raises `StoreError`."""

    def __init__(self, name: str, objects: "ObjectStore", folder: Path | None) -> None:
        self.name = name
        """The destination as it was configured, without secrets."""
        self.folder = folder
        """The folder on this machine; None for object storage."""
        self.objects = objects
        self.guard: Callable[[], None] | None = None
        """Called before anything is written or deleted; raises where that is no longer allowed."""
        self._unsettled: set[Path] = set()

    def list(self, prefix: str = "") -> Iterator[Item]:
        """Yield all objects below a prefix, unordered. A prefix ends at a `/`."""
        import obstore

        with self._as_store_errors():
            for page in obstore.list(self.objects, prefix):
                yield from (Item(each["path"], each["size"], str(each.get("e_tag") or "")) for each in page)

    def get(self, path: str) -> bytes | None:
        """Return the content of an object, or None if it does not exist."""
        import obstore
        from obstore.exceptions import NotFoundError

        with self._as_store_errors():
            try:
                return bytes(obstore.get(self.objects, path).bytes())
            except (NotFoundError, FileNotFoundError):
                return None

    def find(self, path: str) -> StoredObject | None:
        """Return an object with its version, or None where there is none."""
        import obstore
        from obstore.exceptions import NotFoundError

        with self._as_store_errors():
            try:
                found = obstore.get(self.objects, path)
                content, meta = bytes(found.bytes()), found.meta
            except (NotFoundError, FileNotFoundError):
                return None
            version = content if self.folder else {name: meta[name] for name in ("e_tag", "version") if meta.get(name)}
            return StoredObject(path, content, version, meta["last_modified"].timestamp())

    def replace(self, found: StoredObject, content: bytes) -> object | None:
        """Write over an object only as it was found; return its new version, or None where it is another by now."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, NotFoundError, PreconditionError

        if self.folder is not None:
            return self._replace_file(self.folder, found, content)
        with self._as_store_errors():
            try:
                mode: Any = found.version
                made: Any = obstore.put(self.objects, found.path, content, mode=mode, use_multipart=False)
            except (PreconditionError, AlreadyExistsError, NotFoundError, FileNotFoundError):
                return None
            return {name: made[name] for name in ("e_tag", "version") if made.get(name)}

    def _replace_file(self, folder: Path, found: StoredObject, content: bytes) -> object | None:
        """Replace a file under a file lock, with its content as version."""
        with self._as_store_errors():
            guard = os.open(folder / f"{found.path}.guard", os.O_RDWR | os.O_CREAT, 0o640)
            try:
                fcntl.flock(guard, fcntl.LOCK_EX)
                if self.get(found.path) != found.version:
                    return None
                self.put(found.path, content)
                self.settle()
                return content
            finally:
                os.close(guard)

    def put(self, path: str, content: bytes | Path, attributes: dict[str, str] | None = None) -> None:
        """Write an object whole, over an older one. In a folder it stays for good after `settle`.

        `attributes` are HTTP headers (Content-Type, …) for object storage; a folder has none.
        """
        import obstore

        self._check()
        with self._as_store_errors():
            headers: Any = None if self.folder else attributes
            obstore.put(self.objects, path, content, attributes=headers, chunk_size=_PART_BYTES)
            self._sync(path)

    def create(self, path: str, content: bytes) -> object | None:
        """Write an object only where there is none; return its version, or None where there was one."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        self._check()
        with self._as_store_errors():
            try:
                made: Any = obstore.put(self.objects, path, content, mode="create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError, FileExistsError):
                return None
            self._sync(path)
            self.settle()
            return content if self.folder else {name: made[name] for name in ("e_tag", "version") if made.get(name)}

    def delete(self, paths: Iterable[str]) -> None:
        """Delete objects; missing ones are no error."""
        import obstore
        from obstore.exceptions import NotFoundError

        left = list(paths)
        self._check()
        with self._as_store_errors():
            for start in range(0, len(left), _DELETE_AT_ONCE):
                try:
                    obstore.delete(self.objects, left[start : start + _DELETE_AT_ONCE])
                except (NotFoundError, FileNotFoundError):
                    for path in left[start : start + _DELETE_AT_ONCE]:
                        self._delete_one(path)

    def _delete_one(self, path: str) -> None:
        import obstore
        from obstore.exceptions import NotFoundError

        try:
            obstore.delete(self.objects, path)
        except (NotFoundError, FileNotFoundError):
            return

    def settle(self) -> None:
        """Wait until written files survive a crash of the machine; object storage guarantees that itself."""
        with self._as_store_errors():
            for path in sorted(self._unsettled, reverse=True):
                with contextlib.suppress(FileNotFoundError):
                    fsync(path)
        self._unsettled.clear()

    def _check(self) -> None:
        if self.guard is not None:
            self.guard()

    def _sync(self, path: str) -> None:
        """Note a file, and the folders on its path, for the next `settle`."""
        if self.folder is not None:
            written = self.folder / path
            self._unsettled.update(
                (written, *(each for each in written.parents if self.folder in (each, *each.parents)))
            )

    @contextmanager
    def _as_store_errors(self) -> Iterator[None]:
        """Raise errors of obstore as `StoreError`."""
        from obstore.exceptions import BaseError

        with panics_as_store_errors(self.name):
            try:
                yield
            except (BaseError, OSError, NotImplementedError, TypeError, ValueError) as error:
                raise StoreError(self.name, short(error)) from error


@contextmanager
def panics_as_store_errors(name: str) -> Iterator[None]:
    """Raise a panic of obstore, which is no `Exception`, as `StoreError`: the options cannot be used."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise StoreError(name, f"'store_options' cannot be used: {short(error)}") from error


def short(error: BaseException) -> str:
    """Return the first line of an error, without obstore's debug output, ending like a sentence."""
    text = str(error).split("\n", 1)[0].strip().rstrip(".")
    return f"{text[:500]}."
