"""The ledger on Azure Blob Storage: written, asked, compacted, forgotten, and refused."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from gateway.config.schema import Config
from gateway.ledger.destination import open_store
from gateway.ledger.errors import StoreError
from gateway.ledger.record import Record
from gateway.ledger.status import status_of
from gateway.maintenance.compaction import compact
from gateway.maintenance.forget import forget
from gateway.maintenance.shipping import ship
from tests.bench.month import CODER, GEMMA, Month, records, write_segments
from tests.ledger.ask import ask, configured, count
from tests.ledger.azure import CONTAINER, AzureServer

pytestmark = pytest.mark.timeout(400)

SMALL = Month(90, 10, {CODER: 60_000, GEMMA: 50_000}, days=2)


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureServer]:
    server = AzureServer(tmp_path_factory.mktemp("azurite"))
    yield server
    server.stop()


def _on_azure(folder: Path, azure: AzureServer, prefix: str, **options: str) -> Config:
    made = configured(folder, destination=f"az://{CONTAINER}/{prefix}", store_options=azure.options(**options))
    write_segments(made.data_dir, records(SMALL), segment_seconds=86400)
    return made


def _paths(config: Config) -> set[str]:
    return {item.path for item in open_store(config).list()}


def test_ships_to_azure_and_asks_there(tmp_path: Path, azure: AzureServer) -> None:
    config = _on_azure(tmp_path, azure, "a/ledger")
    done = ship(config)
    shipped = {path for path in _paths(config) if path.startswith("dt=2025-04-") and "/hour=" in path}
    assert len(shipped) == done.files
    assert count(config) == (SMALL.requests, SMALL.requests)
    tokens = dict(ask(config, "SELECT model, sum(input_tokens + output_tokens) FROM ledger GROUP BY 1"))
    assert tokens == SMALL.tokens
    assert status_of(config).agrees


def test_large_files_go_up_in_blocks(tmp_path: Path, azure: AzureServer) -> None:
    config = configured(tmp_path, destination=f"az://{CONTAINER}/blocks", store_options=azure.options())
    many = [
        Record(request_id=f"{number}", started_at=number, api="chat", user_name=Random(number).randbytes(30_000).hex())
        for number in range(300)
    ]
    write_segments(config.data_dir, many)
    ship(config)
    (item,) = (item for item in open_store(config).list("dt=1970-01-01/"))
    assert item.size > 5 * 1024 * 1024
    assert count(config) == (300, 300)


def test_small_files_become_one_and_a_person_is_forgotten(tmp_path: Path, azure: AzureServer) -> None:
    config = configured(tmp_path, destination=f"az://{CONTAINER}/small", store_options=azure.options())
    hour = 1_772_323_200 * 10**6
    for number in range(6):
        user = ("alice@example.com", "bob@example.com")[number % 2]
        made = [Record(request_id=f"{number}-{n}", started_at=hour + n, api="chat", user_id=user) for n in range(5)]
        write_segments(config.data_dir, made)
        ship(config)
    before = {path for path in _paths(config) if path.startswith("dt=")}
    assert len(before) == 6

    compact(config, hour / 10**6 + 10 * 3600)

    [left] = (path for path in _paths(config) if path.startswith("dt="))
    assert left not in before
    assert count(config) == (30, 30)
    forget(config, "alice@example.com")
    assert dict(ask(config, "SELECT coalesce(user_id, ''), count(*) FROM ledger GROUP BY 1")) == {
        "": 15,
        "bob@example.com": 15,
    }


def test_only_one_writes_where_nothing_is(tmp_path: Path, azure: AzureServer) -> None:
    """What the lease of compaction and the names of files rely on."""
    store = open_store(configured(tmp_path, destination=f"az://{CONTAINER}/lock", store_options=azure.options()))
    assert store.create("lock", b"first")
    assert not store.create("lock", b"second")
    assert store.get("lock") == b"first"
    store.delete(["lock", "never-there"])
    assert store.get("lock") is None


def test_a_wrong_key_is_told_and_loses_nothing(tmp_path: Path, azure: AzureServer) -> None:
    wrong = "d3JvbmctY2FuYXJ5LXdyb25nLWNhbmFyeQ=="
    config = _on_azure(tmp_path, azure, "refused", azure_storage_account_key=wrong)
    with pytest.raises(StoreError) as told:
        ship(config)
    assert wrong not in str(told.value)
    assert f"az://{CONTAINER}/refused" in str(told.value)
    assert status_of(config).waiting == SMALL.requests
