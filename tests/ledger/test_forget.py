"""A person is forgotten everywhere, provably; what everybody used stays what it was."""

import asyncio
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from gateway.config.models import Deployment, Model, Price
from gateway.config.schema import Config
from gateway.identity import key_admin
from gateway.identity.keys import Budget, Key, opened
from gateway.ledger.destination import open_store
from gateway.ledger.errors import ShippingBusy
from gateway.ledger.lease import store_lease
from gateway.ledger.record import Record
from gateway.maintenance.compaction import compact
from gateway.maintenance.forget import forget
from gateway.maintenance.reprice import reprice
from gateway.maintenance.shipping import ship
from gateway.spending.checkpoint import load_checkpoint
from gateway.spending.reader import SpendingReader
from tests.bench.month import write_segments
from tests.ledger.ask import ask, configured, count
from tests.ledger.s3 import BUCKET, S3Server

ALICE = {"user_id": "8c1f-alice", "user_email": "Alice@Example.com", "user_name": "Alice 山田", "client_ip": "10.9.9.9"}
OWN_KEY = {"user_id": "alice@example.com", "user_email": "alice@example.com", "identity_source": "key"}
BOB = {"user_id": "bob", "user_email": "bob@example.com", "user_name": "Bob"}
CANARIES = (b"8c1f-alice", b"alice@example.com", "山田".encode(), b"10.9.9.9", b"alice-laptop", b"chat-of-alice")
EVERYTHING = "SELECT count(*), sum(input_tokens), sum(cost_nano_usd), count(DISTINCT team) FROM ledger"


def _records(count_: int = 60) -> list[Record]:
    began = int(datetime.now(UTC).timestamp() // 86400 * 86400) * 10**6
    made = []
    for number in range(count_):
        who = (
            {
                **ALICE,
                "chat_id": "chat-of-alice",
                "user_groups": ("hr",),
                "identity_source": "jwt",
                "key_alias": "chat",
            },
            {**OWN_KEY, "key_id": "k-alice", "key_alias": "alice-laptop"},
            {**BOB, "key_alias": "bob-laptop"},
        )[number % 3]
        used = {"input_tokens": number, "cost_nano_usd": 10, "team": "research", "deployment": "m/vllm@gpu"}
        used |= {"provider": "vllm", "upstream_model": "m"}
        at = began + number * 60 * 10**6
        made.append(Record(request_id=f"r{number}", started_at=at, api="chat", **used, **who))  # type: ignore[arg-type]
    return made


def _traces(data_dir: Path) -> list[tuple[str, bytes]]:
    """Where any of the canaries stands in a file, as bytes; Parquet is asked by column elsewhere."""
    files = [path for path in data_dir.rglob("*") if path.is_file() and path.suffix != ".parquet"]
    return [(path.name, canary) for path in files for canary in CANARIES if canary in path.read_bytes().lower()]


def _named(config: Config) -> list[tuple[object, ...]]:
    return ask(config, "SELECT * FROM ledger WHERE ledger::VARCHAR ILIKE '%alice%' OR ledger::VARCHAR LIKE '%山田%'")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = configured(tmp_path)
    write_segments(made.data_dir, _records(), segment_seconds=600)
    return made


@pytest.mark.parametrize("who", ["alice@example.com", "8c1f-ALICE"])
def test_a_person_goes_under_every_name_and_the_sums_stay(config: Config, who: str) -> None:
    before = ask(config, EVERYTHING)
    assert _traces(config.data_dir)
    spending = SpendingReader(config.data_dir)
    spending.restore()
    spending.save()
    done = forget(config, who)
    assert (done.identities, done.records, done.found_after, done.totals_kept) == (2, 40, 0, True)
    assert (done.records_checked, done.files) == (60, done.files_checked)
    assert ask(config, EVERYTHING) == before
    assert _named(config) == []
    assert _traces(config.data_dir) == []
    spending.save()
    assert _traces(config.data_dir) == [], "what a running gateway saves later does not name them either"
    assert load_checkpoint(config.data_dir).days, "others' and the team's spending is still there"
    kept = ask(config, "SELECT DISTINCT user_id, user_email, user_name, key_alias FROM ledger ORDER BY ALL")
    assert kept == [("bob", "bob@example.com", "Bob", "bob-laptop"), (None,) * 3 + ("chat",), (None,) * 4]
    again = forget(config, who)
    assert (again.records, again.files) == (0, 0)


def test_in_compacted_and_repriced_files_and_those_they_replaced(config: Config) -> None:
    ship(config)
    compact(config, datetime.now(UTC).timestamp() + 2 * 86400)
    deployment = Deployment(provider="vllm", model="m", base_url="http://gpu")
    models = (Model(name="m", price=Price(input=Decimal(7)), deployments=(deployment,)),)
    today = date.today()
    first = date.fromordinal(today.toordinal() - 2)
    assert reprice(config.model_copy(update={"models": models}), first, date.fromordinal(today.toordinal() + 2)).files
    before = ask(config, EVERYTHING)
    assert forget(config, "alice@example.com").records == 80, "old and new files"
    assert ask(config, EVERYTHING) == before
    assert _named(config) == []


def test_somebody_elses_name_and_group_that_is_the_address(tmp_path: Path) -> None:
    """What others are called after the person goes as well; who they are stays."""
    config = configured(tmp_path)
    carol = {"user_id": "carol", "user_name": "ALICE@example.com", "user_groups": ("hr", "Alice@example.com")}
    made = [msgspec.structs.replace(each, **carol) if each.user_id == "bob" else each for each in _records()]
    write_segments(config.data_dir, made, segment_seconds=600)
    done = forget(config, "alice@example.com")
    assert (done.found_after, done.totals_kept) == (0, True)
    assert _named(config) == []
    assert _traces(config.data_dir) == []
    kept = ask(config, "SELECT DISTINCT user_id, user_name, user_groups FROM ledger WHERE user_id IS NOT NULL")
    assert kept == [("carol", None, ["hr"])]


@pytest.mark.parametrize("who", ["İpek@example.com", "i̇pek@example.com", "ΣΟΦΟΣ@example.com"])
def test_letters_that_python_and_duckdb_lower_differently(tmp_path: Path, who: str) -> None:
    config = configured(tmp_path)
    person = {"user_id": None, "user_email": who, "user_name": "x"}
    made = [msgspec.structs.replace(each, **person) for each in _records(6)]
    write_segments(config.data_dir, made, segment_seconds=600)
    done = forget(config, who)
    assert (done.records, done.found_after) == (6, 0)
    assert ask(config, "SELECT count(*) FROM ledger WHERE user_email IS NOT NULL") == [(0,)]


def test_keys_and_budgets_name_the_person_no_longer(config: Config) -> None:
    """Own keys are revoked, a key that speaks for others goes on; SQLite keeps no copy in its log or free pages."""

    async def made() -> None:
        async with opened(config) as store:
            for number in range(50):
                await key_admin.create(store, f"alice-laptop-{number}", owner="Alice@example.com", team="research")
            await key_admin.create(store, "chat", owner="alice@example.com", identity="open-webui")
            await key_admin.create(store, "shared-with-alice@example.com", owner="bob@example.com")
            await key_admin.create(store, "bob-laptop", owner="bob@example.com")
            for who in ("alice@example.com", "8c1f-alice", "bob@example.com"):
                await key_admin.set_budget(store, Budget(f"person:{who}", 10**9, "month", True))

    async def left() -> tuple[list[Key], set[str]]:
        async with opened(config) as store:
            return store.all(), set(store.budgets)

    asyncio.run(made())
    done = forget(config, "alice@example.com")
    assert (done.keys, done.budgets, done.found_after) == (52, 2, 0)
    keys, budgets = asyncio.run(left())
    assert budgets == {"person:bob@example.com"}
    valid = {key.alias for key in keys if key.revoked_at is None}
    assert {"chat", "bob-laptop"} < valid
    assert len(valid) == 3
    assert {key.owner for key in keys} == {None, "bob@example.com"}
    assert _traces(config.data_dir) == []


@pytest.mark.parametrize("prefixes", [{}, {"team_prefix": True, "key_prefix": True}])
def test_the_second_copy_names_the_person_no_longer(tmp_path: Path, prefixes: dict[str, bool]) -> None:
    config = configured(tmp_path, litellm={"destination": str(tmp_path / "copy"), **prefixes})
    write_segments(config.data_dir, _records(), segment_seconds=600)
    ship(config)
    copies = list((tmp_path / "copy").rglob("*.json"))
    spent = sorted(json.loads(path.read_bytes())["response_cost"] for path in copies)
    assert len(copies) == 60
    (tmp_path / "copy" / "odd.json").write_text('["alice@example.com"]')
    (tmp_path / "copy" / "torn.json").write_text('{"torn')
    done = forget(config, "alice@example.com")
    assert (done.copies, done.found_after) == (41, 0)
    assert _traces(tmp_path / "copy") == []
    assert not [path for path in (tmp_path / "copy").rglob("*.json") if "alice" in str(path)]
    left = [json.loads(path.read_bytes()) for path in (tmp_path / "copy").rglob("time-*.json")]
    assert sorted(each["response_cost"] for each in left) == spent
    assert sum(each["metadata"]["user_api_key_user_email"] == "bob@example.com" for each in left) == 20
    assert forget(config, "alice@example.com").copies == 0


def test_on_object_storage(tmp_path: Path, s3: S3Server) -> None:
    config = configured(tmp_path, destination=f"s3://{BUCKET}/forget", store_options=s3.options())
    write_segments(config.data_dir, _records(), segment_seconds=3600)
    done = forget(config, "alice@example.com")
    assert (done.records, done.found_after) == (40, 0)
    assert _named(config) == []
    assert count(config) == (60, 60)
    content = b"".join(open_store(config).get(item.path) or b"" for item in open_store(config).list())
    assert not any(canary in content for canary in CANARIES)


def test_what_another_machine_has_not_shipped_goes_out_without_the_person(tmp_path: Path) -> None:
    """Both ship to one destination; the other's records are older than the day on which somebody is forgotten."""
    here, there = (configured(tmp_path / name, destination=str(tmp_path / "shared")) for name in ("here", "there"))
    yesterday = [msgspec.structs.replace(each, started_at=each.started_at - 86400 * 10**6) for each in _records()]
    for config in (here, there):
        write_segments(config.data_dir, yesterday, segment_seconds=3600)
    assert forget(here, "alice@example.com").records == 40
    stones = b"".join(path.read_bytes() for path in (tmp_path / "shared" / "forgotten").iterdir())
    assert not any(canary in stones for canary in CANARIES)

    ship(there)

    assert count(there) == (120, 60)
    assert _named(there) == []
    assert _traces(there.data_dir) == []
    assert ask(there, "SELECT count(*) FROM ledger WHERE user_id = 'bob'") == [(40,)]
    assert forget(there, "alice@example.com").records == 0


def test_who_comes_back_is_known_again(config: Config) -> None:
    forget(config, "alice@example.com")
    later = int(datetime.now(UTC).timestamp() + 60) * 10**6
    back = Record(request_id="new", started_at=later, api="chat", **ALICE)  # type: ignore[arg-type]
    write_segments(config.data_dir, [back])
    ship(config)
    assert ask(config, "SELECT request_id FROM ledger WHERE user_id = '8c1f-alice'") == [("new",)]


def test_nobody_is_found_where_nobody_is(config: Config) -> None:
    done = forget(config, "%' OR '1'='1")
    assert (done.identities, done.records, done.files) == (1, 0, 0)
    assert len(_named(config)) == 40


def test_not_while_another_machine_rewrites(config: Config) -> None:
    with store_lease(open_store(config)), pytest.raises(ShippingBusy):
        forget(config, "alice@example.com")
    assert len(_named(config)) == 40


def test_a_damaged_line_that_names_the_person_is_blanked(config: Config) -> None:
    segment = sorted((config.data_dir / "ledger" / "segments").glob("*.jsonl"))[0]
    segment.write_bytes(segment.read_bytes() + b'{"user_email":"alice@example.com", torn\n')
    done = forget(config, "alice@example.com")
    assert done.found_after == 0
    assert _traces(config.data_dir) == []
