"""The lock for changes of the ledger's files on this machine; `gateway.ledger.lease` is for all machines."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.files import try_lock
from gateway.ledger.errors import ShippingBusy
from gateway.ledger.source import source_of

PATIENCE_SECONDS = 120.0
"""Seconds; regular shipping has ended by then."""


@contextmanager
def process_lock(data_dir: Path, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the machine's lock for the block; wait for it first. A killed process holds nothing.

    Raises `ShippingBusy` where that takes longer than `patience`, in seconds.
    """
    (data_dir / "ledger").mkdir(parents=True, exist_ok=True)
    file = os.open(data_dir / "ledger" / "lock", os.O_RDWR | os.O_CREAT, 0o640)
    deadline = time.monotonic() + patience
    try:
        while not try_lock(file):
            if time.monotonic() >= deadline:
                raise ShippingBusy
            time.sleep(0.1)
        yield
    finally:
        os.close(file)


@contextmanager
def workspace(data_dir: Path) -> Iterator[Path]:
    """Return a temporary folder for the holder of the process lock; what a killed process left is deleted first."""
    prefix = f"sekisho-{source_of(data_dir)}-"
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix) as made:
        yield Path(made)
