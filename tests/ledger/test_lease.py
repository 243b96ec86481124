"""The lock of a destination excludes: whatever clocks say, whoever is slow, and however many find a dead one."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from gateway.ledger.destination import open_store
from gateway.ledger.errors import ShippingBusy, StoreError
from gateway.ledger.lease import LOCK, Lease, store_lease
from gateway.ledger.status import status_of
from gateway.ledger.store import Store
from gateway.maintenance.shipping import ship
from tests.bench.month import write_segments
from tests.ledger.ask import configured
from tests.ledger.s3 import BUCKET, S3Server
from tests.ledger.test_forgotten_machines import _records
from tests.limits.tcp_proxy import tcp_proxy

Opened = Callable[[], Store]


@pytest.fixture(params=["s3", "folder"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Opens the same destination as another machine would."""
    if request.param == "folder":
        yield lambda: open_store(configured(tmp_path, destination=str(tmp_path / "shared")))
        return
    server: S3Server = request.getfixturevalue("s3")
    place = f"s3://{BUCKET}/lease-{tmp_path.name}"
    yield lambda: open_store(configured(tmp_path, destination=place, store_options=server.options()))


def _lock(until: float, seconds: float | None = None) -> bytes:
    return msgspec.json.encode(Lease("another/1/x", until, seconds))


def _is_free(store: Store) -> bool:
    with suppress(ShippingBusy), store_lease(store):
        return True
    return False


@pytest.mark.parametrize("clock", [-360, 360])
def test_a_holder_whose_clock_is_wrong_is_alive(opened: Opened, clock: float) -> None:
    """Six minutes: by one's own clock the lock would be over, or hold for too long."""
    store = opened()
    store.put(LOCK, _lock(time.time() + clock + 300, 300))
    assert not _is_free(store)
    store.put(LOCK, _lock(time.time() + clock + 1, 1))
    time.sleep(2.5)
    assert _is_free(store)


def test_locks_of_older_versions(opened: Opened) -> None:
    store = opened()
    store.put(LOCK, _lock(time.time() + 60))
    assert not _is_free(store)
    store.put(LOCK, _lock(time.time() - 5))
    assert _is_free(store)


@pytest.mark.parametrize("content", [b"", b"garbage", b'{"holder": 1}', b"{}"])
def test_what_is_no_lock_is_nobodys(opened: Opened, content: bytes) -> None:
    store = opened()
    store.put(LOCK, content)
    assert _is_free(store)
    assert store.get(LOCK) is None


def test_of_many_that_find_a_dead_lock_one_takes_it(opened: Opened) -> None:
    for _ in range(5):
        opened().put(LOCK, _lock(time.time() - 60))
        at_once, inside, most = threading.Barrier(6), 0, 0
        counting = threading.Lock()

        def work(at_once: threading.Barrier = at_once, counting: threading.Lock = counting) -> None:
            nonlocal inside, most
            store = opened()
            at_once.wait()
            with suppress(ShippingBusy), store_lease(store):
                with counting:
                    inside += 1
                    most = max(most, inside)
                time.sleep(0.3)
                with counting:
                    inside -= 1

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == 1


def test_who_has_lost_the_lock_changes_nothing_more(opened: Opened) -> None:
    store, other = opened(), opened()
    with store_lease(store, seconds=4):
        store.put("a", b"1")
        other.put(LOCK, _lock(time.time() + 300, 300))
        time.sleep(4)
        with pytest.raises(ShippingBusy):
            store.put("a", b"2")
        with pytest.raises(ShippingBusy):
            store.delete(["a"])
        with pytest.raises(ShippingBusy):
            store.create("b", b"")
    assert other.get("a") == b"1"
    assert other.get("b") is None
    assert b"another" in (other.get(LOCK) or b""), "it is left to whom it belongs to"


def test_who_cannot_renew_changes_nothing_more(tmp_path: Path, s3: S3Server) -> None:
    """The store swallows everything for longer than the lock holds, and another takes it over."""
    place = f"s3://{BUCKET}/renewing"
    other = open_store(configured(tmp_path, destination=place, store_options=s3.options()))
    with tcp_proxy(s3.port) as proxy:
        options = s3.options(aws_endpoint=f"http://127.0.0.1:{proxy.port}")
        config = configured(tmp_path, destination=place, store_options=options, store_timeout_seconds=0.3)
        store = open_store(config)
        with suppress(StoreError), store_lease(store, seconds=2):
            proxy.swallow = True
            time.sleep(2.2)
            with pytest.raises(ShippingBusy):
                store.put("a", b"1")
            proxy.swallow = False
        proxy.swallow = False
    assert other.get("a") is None


@pytest.mark.parametrize(
    "options",
    [{"aws_endpoint": "http://[::bad"}, {"timeout": "x"}, {"aws_endpoint": "http://a b"}, {"nonsense": "x"}],
)
def test_options_that_make_the_store_panic_are_a_failure_of_shipping(
    tmp_path: Path, s3: S3Server, options: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    given = {**s3.options(), **options}
    config = configured(tmp_path, destination=f"s3://{BUCKET}/x", store_options=given, store_timeout_seconds=0.5)
    write_segments(config.data_dir, _records("r"))
    with pytest.raises(StoreError):
        ship(config)
    status = status_of(config)
    assert status.problem
    assert (status.waiting, status.records_out) == (30, 0)


def test_a_renewal_that_comes_too_late_gives_the_lock_up(tmp_path: Path) -> None:
    """The thread that renews ends by itself; an exception in it would fail this test."""
    store = open_store(configured(tmp_path))
    with store_lease(store, seconds=0.000001):
        time.sleep(0.5)
        with pytest.raises(ShippingBusy):
            store.put("a", b"1")
    assert store.get("a") is None
