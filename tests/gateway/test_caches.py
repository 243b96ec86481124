"""Bounded caches let go of what was used longest ago, not of everything."""

import os
from pathlib import Path

from sqlalchemy.ext.asyncio import create_async_engine

from gateway.audit.log import AuditLog
from gateway.identity.keys import KeyStore
from gateway.ledger.encryption import Keys


def test_a_key_of_content_in_use_stays_open(tmp_path: Path) -> None:
    keys = Keys(tmp_path, os.urandom(32))
    busy = keys.tag("busy@example.com")
    sealed = keys.seal(busy, b"prompt", b"r-1")
    for number in range(1100):
        keys.seal(keys.tag(f"{number}@example.com"), b"prompt", b"r-2")
        if number % 100 == 0:
            keys.seal(busy, b"prompt", b"r-3")
    (tmp_path / f"{busy}.key").write_bytes(b"not a key")

    assert keys.unseal(busy, sealed, b"r-1") == b"prompt", "read again from the file although it was in use"


async def test_what_was_derived_for_a_caller_in_use_stays(tmp_path: Path) -> None:
    engine = create_async_engine("sqlite+aiosqlite://")
    store = KeyStore(engine, b"secret", AuditLog(tmp_path, b"secret"))
    for number in range(10_050):
        store.derived[f"key:{number}",] = number
        assert store.derived.get(("key:0",)) == 0

    assert len(store.derived) == 10_000
    assert ("key:1",) not in store.derived
    await engine.dispose()
