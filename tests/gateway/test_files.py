"""Files that appear whole or not at all, also where the process dies in between."""

import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gateway.files import create_once, private_folder, replacing, write_file
from gateway.ledger.progress import Progress, load_progress, save_progress
from gateway.spending.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

OLD, NEW = b"old " * 1000, b"new " * 100_000

DIES_WHILE_WRITING = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, ({len(NEW) // 2}, {len(NEW) // 2}))
"""
DIES_BEFORE_RENAMING = """
import os, signal
sys.addaudithook(lambda event, _: os.kill(os.getpid(), signal.SIGKILL) if event == "os.rename" else None)
"""
WRITES = f"""
from pathlib import Path
from gateway.files import write_file
write_file(Path(sys.argv[1]), {NEW[:4]!r} * {len(NEW) // 4})
"""


@pytest.mark.parametrize("dies", [DIES_WHILE_WRITING, DIES_BEFORE_RENAMING])
def test_a_crash_in_between_leaves_the_old_content(dies: str, tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    write_file(file, OLD)

    ended = subprocess.run([sys.executable, "-c", f"import sys\n{dies}{WRITES}", str(file)], check=False)

    assert ended.returncode in (-signal.SIGXFSZ, -signal.SIGKILL)
    assert file.read_bytes() == OLD
    write_file(file, NEW)
    assert file.read_bytes() == NEW


def test_a_full_disk_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    write_file(file, OLD)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(NEW) // 2, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_file(file, NEW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert file.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [file]


def test_content_is_on_the_disk_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, order, fsync = tmp_path / "state.json", [], os.fsync

    def watched(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        order.append(f"{kind} {'after' if file.exists() else 'before'} the name")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    write_file(file, NEW)
    file.unlink()
    create_once(file, NEW)

    assert order == ["file before the name", "folder after the name"] * 2


def test_a_block_that_raises_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    file.write_bytes(OLD)

    def fail() -> None:
        with replacing(file) as partial:
            partial.write_bytes(NEW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert file.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [file]


def test_many_who_create_a_file_at_once_agree_on_it(tmp_path: Path) -> None:
    file, found = tmp_path / "folder" / "source", []
    threads = [threading.Thread(target=lambda n=n: found.append(create_once(file, b"%d" % n))) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(found) == {file.read_bytes()}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_checkpoint_and_progress_are_written_this_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ledger").mkdir()
    synced, fsync = [], os.fsync

    def watched(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    save_progress(tmp_path, Progress(records_in=7))
    save_checkpoint(tmp_path, Checkpoint(read={"a": 1}))

    assert [name.split(".")[1] for name in synced[::2]] == ["shipping", "spending"]
    assert synced[1::2] == ["ledger", "ledger"]
    assert load_progress(tmp_path).records_in == 7
    assert load_checkpoint(tmp_path).read == {"a": 1}


def test_a_folder_of_the_owners_own(tmp_path: Path) -> None:
    private_folder(tmp_path / "new/own")
    assert stat.S_IMODE((tmp_path / "new/own").stat().st_mode) == 0o700

    (tmp_path / "open").mkdir(mode=0o755)
    private_folder(tmp_path / "open")
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o700
