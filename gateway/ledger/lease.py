"""The lock of a destination: one of all machines compacts, forgets, reprices or expires.

It excludes by conditional writes alone: made only where there is none, renewed and taken over only as it was last
seen. Whether its holder is dead follows from the store's clock alone: how long ago the lock was written last.
"""

import contextlib
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from gateway.ledger.errors import ShippingBusy, StoreError
from gateway.ledger.store import Store, StoredObject

LOCK = "_lock"
_PROBE = "_lock-clock/"
_LEASE_SECONDS = 300.0


class Lease(msgspec.Struct):
    """Content of the lock. `until` (Unix seconds by the holder's clock) is for older versions."""

    holder: str
    until: float
    seconds: float | None = None
    """Seconds that it holds after it was written; None = until `until`."""


class Held:
    """The lock while this process holds it; a thread renews it."""

    def __init__(self, store: Store, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._holder = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
        self._version: object = None
        self._renewed_at = 0.0
        self._lost = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew_forever, name="lease", daemon=True)

    def take(self) -> None:
        """Acquire the lock. Raises `ShippingBusy`, `StoreError`."""
        began = time.monotonic()
        version = self._store.create(LOCK, self._lease())
        if version is None:
            stored = self._store.find(LOCK)
            if stored is not None and not _is_dead(self._store, stored):
                raise ShippingBusy
            content = self._lease()
            version = self._store.create(LOCK, content) if stored is None else self._store.replace(stored, content)
        if version is None:
            raise ShippingBusy
        self._version, self._renewed_at = version, began
        self._thread.start()

    def check(self) -> None:
        """Raise `ShippingBusy` if another may hold the lock by now, so that nothing may be changed any more."""
        if self._lost or time.monotonic() - self._renewed_at > self._seconds * 0.8:
            raise ShippingBusy

    def release(self) -> None:
        """Delete the lock, unless it is another's."""
        self._ended.set()
        self._thread.join()
        self._renew()
        with contextlib.suppress(ShippingBusy):
            self.check()
            self._store.delete([LOCK])

    def _renew_forever(self) -> None:
        while not self._ended.wait(self._seconds / 5) and not self._lost:
            self._renew()

    def _renew(self) -> None:
        """Write the lock again if it is still held here. A store that is away may be back for the next time."""
        began = time.monotonic()
        try:
            self._replace(began)
        except StoreError:
            return
        except ShippingBusy:
            self._lost = True

    def _replace(self, began: float) -> None:
        """Replace the lock by a newer one. Raises `StoreError`; `ShippingBusy` if it was written too long ago."""
        version = self._store.replace(StoredObject(LOCK, b"", self._version, 0.0), self._lease())
        if version is None:
            # A renewal whose answer was lost is ours, too.
            stored = self._store.find(LOCK)
            version = stored.version if stored and (lease := _read(stored)) and lease.holder == self._holder else None
        self._lost = version is None
        if version is not None:
            self._version, self._renewed_at = version, began

    def _lease(self) -> bytes:
        """Return a new content, never the same twice, so that each has a version of its own."""
        return msgspec.json.encode(Lease(self._holder, time.time() + self._seconds, self._seconds))


@contextmanager
def store_lease(store: Store, seconds: float = _LEASE_SECONDS) -> Iterator[None]:
    """Hold the lock for the block; each change of the store meanwhile checks it.

    A dead holder's lock is taken over when it was not renewed for as long as it says. Raises `ShippingBusy`.
    """
    held = Held(store, seconds)
    held.take()
    store.guard = held.check
    try:
        yield
    finally:
        store.guard = None
        held.release()


def _is_dead(store: Store, stored: StoredObject) -> bool:
    """Return whether a lock has expired by the store's clock. Content that is no lease has no holder."""
    lease = _read(stored)
    if lease is None:
        return True
    now = _clock(store)
    return now > (lease.until if lease.seconds is None else stored.written_at + lease.seconds)


def _clock(store: Store) -> float:
    """Return the store's time, in Unix seconds: that of an object which is written now."""
    path = f"{_PROBE}{secrets.token_hex(8)}"
    store.put(path, b"")
    try:
        probe = store.find(path)
    finally:
        store.delete([path])
    return probe.written_at if probe else 0.0


def _read(stored: StoredObject) -> Lease | None:
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(stored.content, type=Lease)
    return None
