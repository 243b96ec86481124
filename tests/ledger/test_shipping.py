"""Segments become Parquet: every record once, whatever happens in between."""

import os
import shutil
import signal
import threading
import time
from pathlib import Path
from random import Random
from tempfile import gettempdir
from zlib import crc32

import pytest

from gateway.config.schema import Config
from gateway.ledger.duck import COLUMNS, connect
from gateway.ledger.errors import RowsDiffer, ShippingBusy
from gateway.ledger.lines import to_line
from gateway.ledger.process_lock import process_lock
from gateway.ledger.progress import load_progress
from gateway.ledger.record import Record
from gateway.ledger.segments import folder
from gateway.ledger.source import source_of
from gateway.ledger.status import status_of
from gateway.maintenance.shipping import ship
from tests.bench.month import Month, records, write_segments
from tests.ledger.ask import ask, command, configured, count

MONTH = Month().scaled(0.01)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = configured(tmp_path)
    write_segments(made.data_dir, records(MONTH))
    return made


def _parquet(config: Config) -> list[Path]:
    return sorted((config.data_dir / "ledger" / "parquet").rglob("*.parquet"))


def _content(config: Config) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in _parquet(config)}


def test_every_record_arrives_with_every_field(config: Config) -> None:
    expected = {record.request_id: record for record in records(MONTH)}
    done = ship(config)
    assert (done.records, done.damaged) == (MONTH.requests, 0)
    rows = ask(config, f"SELECT {', '.join(COLUMNS).replace('started_at', 'epoch_us(started_at)')} FROM ledger")
    found = {row[0]: Record(**{**dict(zip(COLUMNS, row, strict=True)), "user_groups": tuple(row[19])}) for row in rows}
    assert len(rows) == len(found) == len(expected)
    assert found == expected


def test_files_are_sorted_typed_compressed_and_where_they_belong(config: Config) -> None:
    ship(config)
    connection = connect(config.data_dir / "spill")
    for path in _parquet(config):
        rows = connection.execute(f"SELECT user_id, started_at FROM read_parquet('{path}')").fetchall()
        assert rows == sorted(rows)
        assert {f"{at:dt=%Y-%m-%d/hour=%H}" for _, at in rows} == {"/".join(path.parts[-3:-1])}
    path = max(_parquet(config), key=lambda each: each.stat().st_size)
    kinds = connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{path}', hive_partitioning=false)").fetchall()
    assert {row[0]: row[1] for row in kinds} == COLUMNS
    assert [row[0] for row in kinds] == list(Record.__struct_fields__)
    coded = connection.execute(
        f"SELECT path_in_schema, compression, encodings FROM parquet_metadata('{path}')"
    ).fetchall()
    assert {row[1] for row in coded} == {"ZSTD"}
    assert "DICTIONARY" in next(row[2] for row in coded if row[0] == "model")


def test_shipping_again_changes_nothing(config: Config, tmp_path: Path) -> None:
    shutil.copytree(folder(config.data_dir), tmp_path / "kept")
    ship(config)
    once = _content(config)
    assert ship(config).records == 0
    shutil.copytree(tmp_path / "kept", folder(config.data_dir), dirs_exist_ok=True)
    assert count(config) == (MONTH.requests, MONTH.requests), "segments that came back count instead of their Parquet"
    ship(config)
    assert _content(config) == once


def test_two_shippers_at_once(config: Config, tmp_path: Path) -> None:
    file = tmp_path / "sekisho.yaml"
    file.write_text(f"data_dir: {config.data_dir}\n")
    both = [command(file, "ship"), command(file, "ship")]
    said = [each.communicate()[0].decode() for each in both]
    assert 0 in [each.returncode for each in both], said
    assert count(config) == (MONTH.requests, MONTH.requests)
    status = status_of(config)
    assert (status.records_in, status.records_out, status.waiting) == (MONTH.requests, MONTH.requests, 0)


def test_a_second_shipper_of_a_machine_waits_for_another_time(config: Config) -> None:
    with process_lock(config.data_dir), pytest.raises(ShippingBusy, match="Wait"):
        ship(config, patience=0)
    with process_lock(config.data_dir):
        second = threading.Thread(target=ship, args=(config,))
        second.start()
        time.sleep(0.3)
        assert not _parquet(config)
    second.join()
    assert count(config) == (MONTH.requests, MONTH.requests), "it waited until the first had ended"


@pytest.mark.timeout(600)
def test_kill_9_at_random_moments_loses_and_doubles_nothing(config: Config, tmp_path: Path) -> None:
    """Twenty shippers are killed; then one may end."""
    random = Random(5)
    file = tmp_path / "sekisho.yaml"
    file.write_text(f"data_dir: {config.data_dir}\n")
    killed = 0
    for _ in range(20):
        shipper = command(file, "ship")
        started = time.monotonic()
        while not _parquet(config) and shipper.poll() is None and time.monotonic() < started + 30:
            time.sleep(0.005)
        time.sleep(random.uniform(0, 0.3))
        shipper.kill()
        killed += shipper.wait() == -signal.SIGKILL
        shipper.communicate()
        assert count(config) == (MONTH.requests, MONTH.requests)
        if not list(folder(config.data_dir).glob("*.jsonl")):
            shutil.rmtree(config.data_dir / "ledger")
            write_segments(config.data_dir, records(MONTH))
    assert killed >= 10
    ship(config)
    assert not list(Path(gettempdir()).glob(f"sekisho-{source_of(config.data_dir)}-*")), "what they left is cleared"
    status = status_of(config)
    assert status.agrees
    assert (status.records_in, status.records_out, status.waiting) == (MONTH.requests, MONTH.requests, 0)
    assert count(config) == (MONTH.requests, MONTH.requests)


def test_whoever_asks_while_it_is_shipped_finds_every_record_once(config: Config) -> None:
    found: list[tuple[int, int]] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            found.append(count(config))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        ship(config)
    finally:
        ended.set()
        reader.join()
    assert found
    assert set(found) == {(MONTH.requests, MONTH.requests)}
    assert not list((config.data_dir / "ledger" / "reading").glob("*")), "a reader leaves no links"


def test_a_damaged_line_is_kept_aside_and_told(config: Config) -> None:
    segment = sorted(folder(config.data_dir).glob("*.jsonl"))[3]
    lines = segment.read_bytes().splitlines(keepends=True)
    broken = lines[0].replace(b'"stream":true', b'"stream":trux').replace(b'"attempts":1', b'"attempts":7')
    segment.write_bytes(b"".join([broken, *lines[1:]]))
    done = ship(config)
    assert (done.records, done.damaged) == (MONTH.requests - 1, 1)
    assert (config.data_dir / "ledger" / "damaged" / segment.name).read_bytes() == broken
    assert not status_of(config).agrees
    assert count(config)[0] == MONTH.requests - 1


def test_fewer_rows_than_records_delete_nothing(config: Config) -> None:
    """A record that JSON readers cannot take, though its sum is right."""
    segment = sorted(folder(config.data_dir).glob("*.jsonl"))[3]
    odd = to_line(Record(request_id="odd", started_at=1, api="chat"))
    body = odd[:-18].replace(b'"status":0', b'"status":"none"')
    segment.write_bytes(segment.read_bytes() + body + b',"crc":"%08x"}\n' % crc32(body))
    with pytest.raises(RowsDiffer, match=segment.name):
        ship(config)
    assert [path.name for path in folder(config.data_dir).glob("*.jsonl")] == [segment.name]
    assert "records were read" in (load_progress(config.data_dir).problem or "")
    assert count(config)[1] == MONTH.requests


def test_links_of_dead_readers_go(config: Config) -> None:
    left = config.data_dir / "ledger" / "reading" / "1-dead"
    left.mkdir(parents=True)
    os.link(next(folder(config.data_dir).glob("*.jsonl")), left / "x.jsonl")
    ship(config)
    assert not left.exists()


def test_two_machines_share_a_destination(tmp_path: Path) -> None:
    """Each sees all that was shipped, and of what was not only its own."""
    machines = [configured(tmp_path / name, destination=str(tmp_path / "shared")) for name in ("a", "b")]
    for number, machine in enumerate(machines):
        made = [Record(request_id=f"{number}-{each}", started_at=each, api="chat") for each in range(10)]
        write_segments(machine.data_dir, made)
    assert [count(machine) for machine in machines] == [(10, 10), (10, 10)]
    ship(machines[0])
    assert [count(machine) for machine in machines] == [(10, 10), (20, 20)], "segments of one name are not one"
    ship(machines[1])
    assert [count(machine) for machine in machines] == [(20, 20), (20, 20)]
