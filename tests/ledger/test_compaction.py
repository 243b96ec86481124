"""Small files become large ones, old partitions go, and whoever asks meanwhile sees every record once."""

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from gateway.config.schema import Config
from gateway.ledger.destination import open_store
from gateway.ledger.errors import ClockDoubtful, ShippingBusy
from gateway.ledger.files import JOURNAL, Journal
from gateway.ledger.lease import LOCK, Lease, store_lease
from gateway.ledger.lines import to_line
from gateway.ledger.record import Record
from gateway.ledger.segments import folder
from gateway.ledger.store import Store
from gateway.maintenance.compaction import compact, expire
from gateway.maintenance.shipping import ship
from tests.ledger.ask import ask, configured, count
from tests.ledger.s3 import BUCKET, S3Server

HOURS, FILES, LINES = 3, 6, 5
BEGAN = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
NOW = BEGAN + 10 * 3600
ALL = HOURS * FILES * LINES


def _write(config: Config, name: str, hour: int, first: int, lines: int = LINES) -> None:
    path = folder(config.data_dir) / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    at = (BEGAN + hour * 3600) * 10**6
    made = (Record(request_id=f"r{first + each}", started_at=at + each, api="chat") for each in range(lines))
    path.write_bytes(b"".join(map(to_line, made)))


def _shipped(config: Config) -> Config:
    for number in range(HOURS * FILES):
        _write(config, f"20260301T000000-1-{number:08x}", number % HOURS, number * LINES)
    ship(config)
    return config


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return _shipped(configured(tmp_path))


def _files(store: Store) -> list[str]:
    return sorted(item.path for item in store.list() if item.path.startswith("dt="))


def test_small_files_of_an_hour_become_one(config: Config) -> None:
    done = compact(config, NOW)
    assert (done.partitions, done.before) == (HOURS, HOURS * FILES)
    files = _files(open_store(config))
    assert len(files) == HOURS
    assert all("/compacted." in path for path in files)
    assert count(config) == (ALL, ALL)
    assert compact(config, NOW).partitions == 0


def test_on_object_storage(tmp_path: Path, s3: S3Server) -> None:
    config = _shipped(configured(tmp_path, destination=f"s3://{BUCKET}/compact", store_options=s3.options()))
    assert compact(config, NOW).before == HOURS * FILES
    assert len(_files(open_store(config))) == HOURS
    assert count(config) == (ALL, ALL)


def test_an_hour_that_is_not_over_is_left(config: Config) -> None:
    assert compact(config, BEGAN + 3600 + 60).partitions == 0
    assert compact(config, BEGAN + 3 * 3600).partitions == 1


def test_compacted_files_are_joined_with_later_ones(config: Config) -> None:
    compact(config, NOW)
    for number in range(3):
        _write(config, f"late-1-{number}", 0, ALL + number * LINES)
    ship(config)
    assert compact(config, NOW).before == 4
    assert count(config) == (ALL + 3 * LINES, ALL + 3 * LINES)


def test_killed_after_the_new_file_was_written(config: Config, tmp_path: Path) -> None:
    """New file and old ones are there, and the journal says which count."""
    parquet = config.data_dir / "ledger" / "parquet"
    shutil.copytree(parquet, tmp_path / "before")
    compact(config, NOW)
    shutil.copytree(tmp_path / "before", parquet, dirs_exist_ok=True)
    for path in (parquet / JOURNAL).iterdir():
        journal = msgspec.json.decode(path.read_bytes(), type=Journal)
        journal.done_at = None
        path.write_bytes(msgspec.json.encode(journal))
    assert count(config) == (ALL, ALL)
    compact(config, NOW)
    assert len(_files(open_store(config))) == HOURS
    assert count(config) == (ALL, ALL)


def test_killed_before_the_new_file_was_written(config: Config) -> None:
    store = open_store(config)
    sources = _files(store)[:FILES]
    journal = Journal(sources[0].rsplit("/", 1)[0] + "/compacted.x.y.parquet", sources)
    store.put(f"{JOURNAL}x.json", msgspec.json.encode(journal))
    assert count(config) == (ALL, ALL)
    compact(config, NOW)
    assert count(config) == (ALL, ALL)
    assert f"{JOURNAL}x.json" not in {item.path for item in store.list(JOURNAL)}


def test_a_segment_whose_shipping_was_cut_short_is_not_joined(config: Config) -> None:
    """Its Parquet may be written again; it must find its name free."""
    segments = folder(config.data_dir)
    again = sorted(segments.glob("*.shipped"))[0]
    again.rename(again.with_suffix(".jsonl"))
    compact(config, NOW)
    assert count(config) == (ALL, ALL)
    ship(config)
    assert count(config) == (ALL, ALL)


def test_files_of_other_machines_are_theirs_to_join(config: Config) -> None:
    (config.data_dir / "ledger" / "source").write_text("another")
    assert compact(config, NOW).partitions == 0


def test_one_machine_at_a_time(config: Config) -> None:
    store = open_store(config)
    with store_lease(store), pytest.raises(ShippingBusy):
        compact(config, NOW)
    store.put(LOCK, msgspec.json.encode(Lease("dead", time.time() - 1)))
    assert compact(config, NOW).partitions == HOURS, "a dead machine's lock is taken over"
    assert store.get(LOCK) is None


def test_a_lock_is_held_for_as_long_as_it_takes(config: Config) -> None:
    store = open_store(config)
    with store_lease(store, seconds=4):
        time.sleep(5)
        with pytest.raises(ShippingBusy):
            compact(config, NOW)
    assert store.get(LOCK) is None


def test_a_lock_that_another_has_taken_over_is_left_to_it(config: Config) -> None:
    store = open_store(config)
    other = msgspec.json.encode(Lease("another", time.time() + 60))
    with store_lease(store):
        store.put(LOCK, other)
    assert store.get(LOCK) == other


def test_old_days_are_dropped_whole(tmp_path: Path) -> None:
    config = configured(tmp_path, retention_days=2)
    for day in range(5):
        _write(config, f"day{day}", day * 24, day * LINES)
    ship(config)
    now = BEGAN + 4 * 86400
    assert expire(config, now) == ["2026-03-01", "2026-03-02"]
    assert ask(config, "SELECT DISTINCT date_part('day', started_at) AS day FROM ledger ORDER BY day") == [
        (3,),
        (4,),
        (5,),
    ]
    assert expire(config, now) == []
    with pytest.raises(ClockDoubtful, match="2099"):
        expire(config, datetime(2099, 1, 1, tzinfo=UTC).timestamp())
    assert count(config)[0] == 3 * LINES


def test_without_retention_nothing_is_dropped(config: Config) -> None:
    assert expire(config, NOW) == []
    assert count(config)[0] == ALL
