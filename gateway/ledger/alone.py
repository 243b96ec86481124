"""Who may change the ledger's files: one process of a machine, and of all machines at a destination."""

import contextlib
import fcntl
import os
import secrets
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gateway.ledger.errors import ShippingBusy, StoreError
from gateway.ledger.source import source_of
from gateway.ledger.store import Store

LOCK = "_lock"
PATIENCE_SECONDS = 120.0
"""Who ships from time to time is done by then."""
_LEASE_SECONDS = 300


class Lease(msgspec.Struct):
    """What the lock at a destination says."""

    holder: str
    until: float


@contextmanager
def alone(data_dir: Path, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """The only one on this machine, as soon as nobody else is; a killed process holds nothing.

    Raises `ShippingBusy` where that takes longer than `patience`, in seconds.
    """
    (data_dir / "ledger").mkdir(parents=True, exist_ok=True)
    file = os.open(data_dir / "ledger" / "lock", os.O_RDWR | os.O_CREAT, 0o640)
    deadline = time.monotonic() + patience
    try:
        while not _locked(file):
            if time.monotonic() >= deadline:
                raise ShippingBusy
            time.sleep(0.1)
        yield
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def workspace(data_dir: Path) -> Iterator[Path]:
    """A folder for who is `alone`; what a killed one left goes."""
    prefix = f"sekisho-{source_of(data_dir)}-"
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix) as made:
        yield Path(made)


@contextmanager
def leased(store: Store, seconds: float = _LEASE_SECONDS) -> Iterator[None]:
    """The only one of all machines. A dead holder's lock is taken over when its time is up. Raises `ShippingBusy`."""
    holder = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
    if not store.create(LOCK, _lease(holder, seconds)):
        if _held(store) is not None:
            raise ShippingBusy
        store.delete([LOCK])
        if not store.create(LOCK, _lease(holder, seconds)):
            raise ShippingBusy
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(store, holder, seconds, ended), name="lease", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()
        if _held(store) == holder:
            store.delete([LOCK])


def _renew(store: Store, holder: str, seconds: float, ended: threading.Event) -> None:
    while not ended.wait(seconds / 5):
        with contextlib.suppress(StoreError):
            store.put(LOCK, _lease(holder, seconds))


def _lease(holder: str, seconds: float) -> bytes:
    return msgspec.json.encode(Lease(holder, time.time() + seconds))


def _held(store: Store) -> str | None:
    """Who holds it now; nobody whose time is up."""
    content = store.get(LOCK)
    lease = msgspec.json.decode(content, type=Lease) if content else None
    return lease.holder if lease and lease.until > time.time() else None
