"""What lives for a while: one-time entries, ends, bounds, and that nothing readable is stored."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.config.schema import Config
from gateway.db.engine import HEAD, closed, open_database
from gateway.db.expiring import LARGEST_BYTES, ExpiringStore
from gateway.db.once import run_once
from gateway.errors import Overloaded, TooLarge
from gateway.identity.forgetting import forget_in_keys
from gateway.identity.keys import hash_secret
from gateway.identity.person import Person, at_tool_servers
from gateway.notices.once import subject_of

SECRET = b"secret-of-the-tests"
VERSIONS = Path(__file__).parents[2] / "gateway" / "db" / "migrations" / "versions"


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest) -> str | None:
    return request.getfixturevalue("postgres").database() if request.param == "postgresql" else None


@pytest.fixture
async def engine(address: str | None, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    made = await open_database(Config.model_validate({"data_dir": tmp_path, "database": address}))
    yield made
    await closed(made)


@pytest.fixture
def store(engine: AsyncEngine) -> ExpiringStore:
    return ExpiringStore(engine, SECRET)


async def test_an_entry_is_taken_once_by_one_of_many(store: ExpiringStore, engine: AsyncEngine) -> None:
    other = ExpiringStore(engine, SECRET)
    id_ = await store.put("link", "alice@example.com", b"content", 60)
    assert id_
    assert len(id_) >= 43, "256 bits"
    found = await asyncio.gather(*(each.take("link", id_) for each in (store, other) * 4))
    assert [entry.content for entry in found if entry] == [b"content"]
    assert await store.get("link", id_) is None


async def test_an_entry_is_of_its_kind_and_ends(store: ExpiringStore) -> None:
    id_ = await store.put("link", "alice", b"x", 60)
    ended = await store.put("link", "alice", b"x", -1)
    assert id_
    assert ended
    assert await store.get("session", id_) is None
    assert await store.take("session", id_) is None
    assert await store.get("link", ended) is None
    assert await store.take("link", ended) is None
    assert not await store.change("link", ended, b"y", 60)
    assert [entry.content for entry in await store.list_of("link", "alice")] == [b"x"]
    assert await store.change("link", id_, b"changed", -1)
    assert await store.get("link", id_) is None


async def test_an_entry_of_another_secret_is_none(store: ExpiringStore, engine: AsyncEngine) -> None:
    other = ExpiringStore(engine, b"another")
    id_ = await store.put("link", "alice", b"x", 60, id_="same")
    assert id_ == "same"
    assert await other.get("link", "same") is None
    assert await store.put("link", "bob", b"y", 60, id_="same") is None, "the id is taken"


async def test_a_given_id_is_free_again_at_its_end(store: ExpiringStore) -> None:
    assert await store.put("code", "", b"old", -1, id_="BCDF") == "BCDF"
    assert await store.put("code", "", b"new", 60, id_="BCDF") == "BCDF"
    assert await store.delete("code", "BCDF")
    assert not await store.delete("code", "BCDF")


async def test_a_subject_has_so_many(store: ExpiringStore) -> None:
    ids = [await store.put("session", "alice", b"%d" % number, 60, most=3) for number in range(5)]
    kept = [entry.content for entry in await store.list_of("session", "alice")]
    assert kept == [b"4", b"3", b"2"]
    with pytest.raises(Overloaded):
        await store.put("session", "alice", b"x", 60, most=3, evict=False)
    await store.put("session", "bob", b"bob", 60)
    assert ids[4]
    assert await store.delete_of("session", "alice", store.handle("session", ids[4])) == 1
    assert await store.delete_of("session", "bob", store.handle("session", ids[3] or "")) == 0, "another's"
    assert await store.delete_of("session", "alice", "no handle") == 0
    assert await store.delete_of(None, "alice") == 2
    assert len(await store.list_of("session", "bob")) == 1


async def test_ended_entries_are_swept(store: ExpiringStore, engine: AsyncEngine) -> None:
    for number in range(3):
        await store.put("link", f"{number}", b"x", -1)
    await ExpiringStore(engine, SECRET).put("link", "new", b"x", 60)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM expiring"))).scalar_one() == 1


async def test_a_refusal_does_not_keep_what_has_ended(store: ExpiringStore, engine: AsyncEngine) -> None:
    await store.put("try", "mallory", b"x", 60, most=1)
    await store.put("try", "alice", b"x", -1, most=1)
    await store.put("try", "alice", b"ended ones do not count", 60, most=1, evict=False)
    await store.put("link", "bob", b"x", -1)
    with pytest.raises(Overloaded):
        await ExpiringStore(engine, SECRET).put("try", "mallory", b"x", 60, most=1, evict=False)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM expiring"))).scalar_one() == 2


async def test_contents_have_a_bound(store: ExpiringStore) -> None:
    with pytest.raises(TooLarge):
        await store.put("link", "alice", b"x" * (LARGEST_BYTES + 1), 60)


def test_nothing_readable_is_stored(tmp_path: Path) -> None:
    async def put() -> str | None:
        engine = await open_database(Config.model_validate({"data_dir": tmp_path}))
        try:
            return await ExpiringStore(engine, SECRET).put("link", "alice@example.com", b"content-canary", 60)
        finally:
            await closed(engine)

    id_ = run_once(put())
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("sekisho.db*"))
    assert b"expiring" in stored
    for secret in (b"alice@example.com", b"content-canary", str(id_).encode()):
        assert secret not in stored


def test_who_is_forgotten_is_signed_out_everywhere(tmp_path: Path) -> None:
    config = Config.model_validate({"data_dir": tmp_path})
    told = [subject_of(Person(email=f"{name}@example.com")) for name in ("alice", "bob")]
    names = ("alice@example.com", "bob@example.com", *told, at_tool_servers("alice@example.com"))

    async def kept() -> list[int]:
        engine = await open_database(config)
        try:
            store = ExpiringStore(engine, hash_secret(config))
            return [len(await store.list_of("session", name)) for name in names]
        finally:
            await closed(engine)

    async def put() -> None:
        engine = await open_database(config)
        try:
            for name in names:
                await ExpiringStore(engine, hash_secret(config)).put("session", name, b"x", 60)
        finally:
            await closed(engine)

    run_once(put())
    assert run_once(kept()) == [1, 1, 1, 1, 1]
    forget_in_keys(config, {"alice@example.com"})
    assert run_once(kept()) == [0, 1, 0, 1, 0]


def test_the_newest_migration_is_the_one_that_the_program_knows() -> None:
    assert max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py")) == HEAD


@pytest.mark.parametrize("revision", ["0001", "0003", "0004"])
def test_an_older_database_is_brought_up_to_date(revision: str, tmp_path: Path) -> None:
    async def open_and_close() -> None:
        await closed(await open_database(Config.model_validate({"data_dir": tmp_path})))

    run_once(open_and_close())
    _downgrade(tmp_path, revision)
    run_once(open_and_close())
    with closing(sqlite3.connect(tmp_path / "sekisho.db")) as connection:
        connection.execute("SELECT purpose, made_by FROM keys")
        connection.execute("SELECT * FROM expiring")


def _downgrade(folder: Path, revision: str) -> None:
    from alembic import command
    from alembic.config import Config as AlembicConfig
    from sqlalchemy import create_engine

    settings = AlembicConfig()
    settings.set_main_option("script_location", str(VERSIONS.parent))
    engine = create_engine(f"sqlite:///{folder / 'sekisho.db'}")
    with engine.begin() as opened:
        settings.attributes["connection"] = opened
        command.downgrade(settings, revision)
    engine.dispose()
