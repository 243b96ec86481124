"""A full disk, a bounded folder, a clock that steps back, a process that comes back under its old number."""

import contextlib
import os
import resource
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from gateway.config.schema import Ledger
from gateway.ledger.disk_quota import opened_at
from gateway.ledger.record import Record
from gateway.ledger.segments import ask_to_close, folder, read, recover
from gateway.ledger.writer import SegmentWriter
from gateway.maintenance.shipping import ship
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import GatewayProcess, deployment, model
from tests.ledger.ask import ROOT, configured, count, started

DISK_MIB = 4


def _until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def _record(number: int, attempts: int = 1) -> Record:
    return Record(request_id=f"r{number}", started_at=time.time_ns() // 1000, api="chat", attempts=attempts)


def _ids(data_dir: Path) -> list[str]:
    return sorted(record.request_id for record in read(folder(data_dir)))


def test_a_full_disk_refuses_the_new_and_keeps_the_running(small_disk: Path) -> None:
    writer = SegmentWriter(small_disk, Ledger(fsync_seconds=0.02))
    writer.start()
    assert writer.healthy
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes((DISK_MIB - 2) * 1024 * 1024))
    number = 0
    while not writer.refusing:
        writer.write(_record(number))
        number += 1
        assert number < 100_000
    for _ in range(300):  # requests that run already, longer than the reserve
        writer.write(_record(number))
        number += 1
    assert not writer.healthy
    assert writer.records_lost == 0
    ballast.unlink()
    _until(lambda: writer.healthy)
    writer.write(_record(number))
    writer.stop()
    assert writer.records_lost == 0
    assert _ids(small_disk) == sorted(f"r{each}" for each in range(number + 1))


def test_losing_is_counted_where_it_is_chosen(small_disk: Path) -> None:
    writer = SegmentWriter(small_disk, Ledger(fsync_seconds=0.02, when_full="drop"))
    writer.start()
    (small_disk / "ballast").write_bytes(bytes((DISK_MIB - 2) * 1024 * 1024))
    for number in range(8_000):
        writer.write(_record(number))
    assert not writer.refusing
    writer.stop()
    assert writer.records_lost > 0
    assert len(_ids(small_disk)) == writer.records_in - writer.records_lost


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """The kernel's limit on a file's size: a torn line, then a segment that is whole again."""
    script = f"""
        import resource, time
        from pathlib import Path
        from gateway.config.schema import Ledger
        from gateway.ledger.record import Record
        from gateway.ledger.writer import SegmentWriter
        writer = SegmentWriter(Path({str(tmp_path)!r}), Ledger(fsync_seconds=3600))
        writer.start()
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
        for number in range(50):
            writer.write(Record(request_id=f"r{{number}}", started_at=1, api="chat", attempts=1))
        assert not writer.healthy
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        writer.write(Record(request_id="r50", started_at=1, api="chat", attempts=1))
        writer.stop()
        assert writer.records_lost == 0, writer.records_lost
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert _ids(tmp_path) == sorted(f"r{each}" for each in range(51))


def test_what_waits_is_bounded(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, Ledger(fsync_seconds=0.01, max_bytes=256 * 1024))
    writer.start()
    number = 0
    while not writer.refusing:
        writer.write(_record(number, attempts=0))
        number += 1
    lost = writer.records_lost
    writer.write(_record(number, attempts=0))
    assert writer.records_lost == lost + 1, "what was refused leaves no record in a full folder"
    ask_to_close(tmp_path)
    _until(lambda: bool(list(folder(tmp_path).glob("*.jsonl"))))
    for path in folder(tmp_path).glob("*.jsonl"):
        path.unlink()
    _until(lambda: not writer.refusing)
    writer.stop()


def test_a_gateway_with_a_full_disk_says_so_and_forgets_no_answer(
    small_disk: Path, upstream: tuple[FakeUpstream, str]
) -> None:
    config = {"ledger": {"fsync_seconds": 0.05}, "models": [model("mine", deployment(upstream[1]))]}
    gateway = started(GatewayProcess(small_disk, config))
    headers = {"authorization": f"Bearer {gateway.key('a')}"}
    body = {"model": "mine", "messages": [{"role": "user", "content": "hi"}]}
    answered: set[str] = set()
    with httpx2.Client(base_url=gateway.url, headers=headers, timeout=20, trust_env=False) as http:

        def ask() -> None:
            answer = http.post("/v1/chat/completions", json=body)
            if answer.status_code == 200:
                answered.add(answer.headers["x-sekisho-request-id"])

        def ready() -> bool:
            return http.get("/readyz").status_code == 200

        def full() -> bool:
            ask()
            return not ready()

        ask()
        _fill(small_disk / "ballast")
        _until(full)
        for _ in range(20):
            ask()
        (small_disk / "ballast").unlink()
        _until(ready)
        ask()
    assert gateway.stop() == 0, gateway.log
    assert len(answered) >= 2
    assert answered <= {record.request_id for record in gateway.records()}


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while ballast.write(bytes(4096)):
            pass


def test_a_segment_of_a_process_with_our_number_is_recovered(tmp_path: Path) -> None:
    """A container's gateway is number 1 every time."""
    directory = folder(tmp_path)
    directory.mkdir(parents=True)
    writer = SegmentWriter(tmp_path, Ledger())
    writer.start()
    left = directory / f"20260101T000000-{os.getpid()}-00000000.open"
    (mine,) = directory.glob("*.open")
    writer.write(_record(1))
    left.write_bytes(mine.read_bytes())
    recover(directory)
    assert left.with_suffix(".jsonl").exists(), "nobody holds its lock"
    assert mine.exists(), "the running one's is held"
    writer.stop()


def test_segments_close_by_age_without_traffic(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, Ledger(fsync_seconds=0.01, segment_max_seconds=0.05))
    writer.start()
    writer.write(_record(1))
    _until(lambda: len(list(folder(tmp_path).glob("*.jsonl"))) == 1)
    writer.stop()


def test_the_clock_steps_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, rotation, shipping and lag bear with a clock that was two days ahead."""
    config = configured(tmp_path, fsync_seconds=0.01)
    real = time.gmtime
    writer = SegmentWriter(config.data_dir, config.ledger)
    with monkeypatch.context() as ahead:
        ahead.setattr(time, "gmtime", lambda: real(time.time() + 2 * 86400))
        writer.start()
        writer.write(Record(request_id="ahead", started_at=(time.time_ns() // 1000) + 2 * 86400 * 10**6, api="chat"))
        ask_to_close(config.data_dir)
        _until(lambda: bool(list(folder(config.data_dir).glob("*.jsonl"))))
    writer.write(Record(request_id="back", started_at=time.time_ns() // 1000, api="chat"))
    writer.quota.measure()
    assert writer.quota.lag >= 0
    writer.stop()
    names = [path.name for path in folder(config.data_dir).glob("*.jsonl")]
    assert len(names) == 2
    assert max(map(opened_at, names)) > time.time() + 86400
    assert ship(config).records == 2
    assert count(config) == (2, 2)


def test_writing_costs_no_file_descriptors(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    writer = SegmentWriter(tmp_path, Ledger(segment_max_bytes=4096, fsync_seconds=0.01))
    writer.start()
    for number in range(500):
        writer.write(_record(number))
    writer.stop()
    assert len(os.listdir("/proc/self/fd")) == before
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > before
