"""Destinations: folders and clouds, written and read the same way, and told what is wrong with them."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.config.schema import Config
from gateway.ledger.destination import folder_store, open_store
from gateway.ledger.errors import StoreError
from gateway.ledger.store import Item, Store
from tests.ledger.ask import configured
from tests.ledger.s3 import BUCKET, S3Server


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return folder_store(tmp_path / "there")
    s3: S3Server = request.getfixturevalue("s3")
    destination = f"s3://{BUCKET}/store-{tmp_path.name}"
    return open_store(configured(tmp_path, destination=destination, store_options=s3.options()))


def test_what_is_put_is_there(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"from a file")
    store.put("dt=2026-01-01/hour=05/a.parquet", tmp_path / "file")
    store.put("dt=2026-01-01/hour=06/日本.parquet", b"22")
    store.put("dt=2026-01-01/hour=06/日本.parquet", b"333")
    store.settle()
    assert store.get("dt=2026-01-01/hour=05/a.parquet") == b"from a file"
    assert store.get("dt=2026-01-01/hour=05/b.parquet") is None
    assert set(store.list()) == {
        Item("dt=2026-01-01/hour=05/a.parquet", 11),
        Item("dt=2026-01-01/hour=06/日本.parquet", 3),
    }
    assert [item.path for item in store.list("dt=2026-01-01/hour=05/")] == ["dt=2026-01-01/hour=05/a.parquet"]
    assert list(store.list("dt=2027-01-01/")) == []


def test_created_once(store: Store) -> None:
    assert store.create("_lock", b"1")
    assert not store.create("_lock", b"2")
    assert store.get("_lock") == b"1"


def test_deleting_what_is_gone_is_no_error(store: Store) -> None:
    store.put("a", b"1")
    store.put("b", b"1")
    store.delete(["a", "c", "b"])
    store.delete(["a"])
    assert list(store.list()) == []


@pytest.mark.parametrize("bad", ["relative/path", "ftp://host/x", "s3:/bucket", ""])
def test_a_destination_that_is_none(bad: str) -> None:
    with pytest.raises(ValidationError, match="destination"):
        Config.model_validate({"ledger": {"destination": bad}})


@pytest.mark.parametrize(
    ("destination", "options"),
    [
        ("gs://bucket/ledger", {"google_skip_signature": "true"}),
        ("az://container/ledger", {"azure_storage_account_name": "a", "azure_storage_account_key": "c2VjcmV0"}),
    ],
)
def test_the_other_clouds_are_opened_by_their_options(
    tmp_path: Path, destination: str, options: dict[str, str]
) -> None:
    assert open_store(configured(tmp_path, destination=destination, store_options=options)).folder is None


def test_an_option_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="s3://bucket"):
        open_store(configured(tmp_path, destination="s3://bucket", store_options={"no_such_option": "canary-1"}))


def test_options_are_never_shown(tmp_path: Path) -> None:
    config = configured(tmp_path, destination="s3://b", store_options={"aws_secret_access_key": "canary-2"})
    assert "canary-2" not in repr(config) + config.model_dump_json()


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        folder_store(tmp_path / "file" / "below")
