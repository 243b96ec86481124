"""Several machines and one who is forgotten: by a number at the destination, whatever clocks say and whoever ships."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from gateway.config.schema import Config
from gateway.ledger.destination import open_store
from gateway.ledger.record import Record
from gateway.maintenance.forget import forget
from gateway.maintenance.shipping import ship
from gateway.maintenance.tombstones import Tombstones
from gateway.spending.reader import SpendingReader
from tests.bench.month import write_segments
from tests.ledger.ask import ask, configured, count
from tests.ledger.s3 import BUCKET, S3Server
from tests.limits.tcp_proxy import tcp_proxy

ALICE = "alice@example.com"
NAMED = "SELECT count(*) FROM ledger WHERE lower(ledger::VARCHAR) LIKE '%alice%'"


def _records(name: str, ahead: timedelta = timedelta(0), number: int = 30) -> list[Record]:
    began = round((datetime.now(UTC) + ahead).timestamp() * 10**6)
    return [
        Record(
            request_id=f"{name}{each}",
            started_at=began + each,
            api="chat",
            user_email=(ALICE, "bob@example.com")[each % 2],
            cost_nano_usd=7,
        )
        for each in range(number)
    ]


def _machines(tmp_path: Path, *names: str) -> list[Config]:
    """Configurations that share a folder as their destination."""
    return [configured(tmp_path / name, destination=str(tmp_path / "shared")) for name in names]


def test_a_clock_that_runs_ahead_brings_nobody_back(tmp_path: Path) -> None:
    here, there = _machines(tmp_path, "here", "there")
    write_segments(here.data_dir, _records("h"))
    write_segments(there.data_dir, _records("t", timedelta(minutes=5)))
    forget(here, ALICE)
    ship(there)
    assert ask(here, NAMED) == [(0,)]
    assert count(here) == (60, 60)


def test_a_clock_that_lags_lets_somebody_come_back(tmp_path: Path) -> None:
    """What is recorded after a machine has learnt of it belongs to somebody who came back, an hour early or not."""
    here, there = _machines(tmp_path, "here", "there")
    write_segments(there.data_dir, _records("old"))
    forget(here, ALICE)
    ship(there)
    write_segments(there.data_dir, _records("new", -timedelta(hours=1)))
    ship(there)
    assert ask(here, NAMED) == [(15,)]


def test_the_proof_names_machines_that_have_not_confirmed(tmp_path: Path) -> None:
    here, there, idle = _machines(tmp_path, "here", "there", "idle")
    for config in (here, there, idle):
        write_segments(config.data_dir, _records(config.data_dir.parent.name))
        ship(config)
    write_segments(there.data_dir, _records("more"))
    first = forget(here, ALICE)
    assert len(first.unconfirmed) == 2
    ship(idle)
    second = forget(here, ALICE)
    assert len(second.unconfirmed) == 2, "of the second tombstone nobody knows yet"
    ship(there)
    ship(idle)
    store = open_store(here)
    tombstones = Tombstones(store, here.data_dir)
    assert tombstones.waiting_for(2) == []
    assert [machine.applied for machine in tombstones.waiting_for(10**15)] == [2, 2]
    assert ask(here, NAMED) == [(0,)]


def test_what_still_waits_is_not_confirmed(tmp_path: Path) -> None:
    """A segment that another process has open when its machine learns of it."""
    here, there = _machines(tmp_path, "here", "there")
    write_segments(there.data_dir, _records("t"))
    (segment,) = (there.data_dir / "ledger" / "segments").glob("*.jsonl")
    with segment.open("rb") as file:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
        opened = segment.rename(segment.with_suffix(".open"))
        forget(here, ALICE)
        ship(there)
        assert len(Tombstones(open_store(here), here.data_dir).waiting_for(1)) == 1
        opened.rename(segment)
    ship(there)
    assert Tombstones(open_store(here), here.data_dir).waiting_for(1) == []
    assert ask(here, NAMED) == [(0,)]


@pytest.mark.parametrize("late", [0.1, 0.4, 0.7, 1.2])
def test_forgotten_while_another_machine_ships(tmp_path: Path, s3: S3Server, late: float) -> None:
    """Slow object storage: the tombstone comes before, between and after the objects of a batch."""
    place = f"s3://{BUCKET}/meanwhile-{late}"
    here = configured(tmp_path / "here", destination=place, store_options=s3.options())
    with tcp_proxy(s3.port) as proxy:
        options = s3.options(aws_endpoint=f"http://127.0.0.1:{proxy.port}")
        there = configured(tmp_path / "there", destination=place, store_options=options)
        write_segments(here.data_dir, _records("h"))
        for hours in range(4):
            write_segments(there.data_dir, _records(f"t{hours}-", -timedelta(hours=hours)))
        proxy.delay = 0.2
        shipping = threading.Thread(target=ship, args=(there,))
        shipping.start()
        time.sleep(late)
        forget(here, ALICE)
        shipping.join()
        proxy.delay = 0
        assert ask(here, NAMED) == [(0,)]
        assert count(here) == (150, 150)
        assert ask(there, "SELECT sum(cost_nano_usd) FROM ledger") == [(150 * 7,)]
        ship(there)
        assert ask(here, NAMED) == [(0,)]
        spent = SpendingReader(there.data_dir).restore()
        assert sum(sum(days.values()) for scope, days in spent.items()) == 60 * 7, "bob's, once"


def test_spending_that_names_the_person_goes_on_every_machine(tmp_path: Path) -> None:
    here, there = _machines(tmp_path, "here", "there")
    write_segments(there.data_dir, _records("t"))
    ship(there)
    spending = SpendingReader(there.data_dir)
    assert f"person:{ALICE}" in spending.restore()
    spending.save()
    forget(here, ALICE)
    ship(there)
    for name in ("spending.json", "spending-shipped.json"):
        assert ALICE.encode() not in (there.data_dir / "ledger" / name).read_bytes(), name


def test_tombstones_of_older_versions_hold(tmp_path: Path) -> None:
    """They were named by their time, which is a number like any other."""
    here, there = _machines(tmp_path, "here", "there")
    forget(here, ALICE)
    (stone,) = (tmp_path / "shared" / "forgotten").iterdir()
    stone.rename(stone.with_name(f"{int(time.time())}-{stone.name.partition('-')[2]}"))
    write_segments(there.data_dir, _records("t"))
    ship(there)
    assert ask(here, NAMED) == [(0,)]
    forget(here, "bob@example.com")
    numbers = sorted(int(path.name.partition("-")[0]) for path in (tmp_path / "shared" / "forgotten").iterdir())
    assert numbers[1] == numbers[0] + 1


def test_a_damaged_state_is_learnt_anew(tmp_path: Path) -> None:
    here, there = _machines(tmp_path, "here", "there")
    forget(here, ALICE)
    ship(there)
    (there.data_dir / "ledger" / "tombstones.json").write_bytes(b"{torn")
    write_segments(there.data_dir, _records("t"))
    ship(there)
    assert ask(here, NAMED) == [(0,)]
    assert msgspec.json.decode((there.data_dir / "ledger" / "tombstones.json").read_bytes())["told"] == 1
