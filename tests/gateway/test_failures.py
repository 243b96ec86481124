"""Files and databases that refuse are told in one line with a remedy, never as a stack trace."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.casing import lower
from gateway.failures import in_words
from install.options import given_secret

COMMANDS = (
    ("keys", "create", "--alias", "a"),
    ("usage", "summary"),
    ("usage", "forget", "alice@example.com"),
    ("ledger", "status"),
)


def _called(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    file = folder / "sekisho.yaml"
    file.write_text("data_dir: data\nserver: {port: 0}\nmodels: []\n")
    call = [sys.executable, "-m", "gateway", *arguments, "--config", str(file)]
    return subprocess.run(call, capture_output=True, text=True, check=False, timeout=120)


def _told(done: subprocess.CompletedProcess[str]) -> None:
    output = done.stdout + done.stderr
    assert "Traceback" not in output, output
    assert done.returncode in (0, 1, 2), output
    if done.returncode:
        assert "error: " in done.stderr or " ERROR " in done.stderr, output


def _file_as_folder(data: Path) -> None:
    data.write_text("x")


def _folder_as_database(data: Path) -> None:
    (data / "sekisho.db").mkdir(parents=True)


def _no_database(data: Path) -> None:
    data.mkdir()
    (data / "sekisho.db").write_text("this is no database, however long one looks at it " * 50)


def _folder_as_secret(data: Path) -> None:
    (data / "key-secret").mkdir(parents=True)


def _file_as_ledger(data: Path) -> None:
    data.mkdir()
    (data / "ledger").write_text("x")


def _file_as_segments(data: Path) -> None:
    (data / "ledger").mkdir(parents=True)
    (data / "ledger" / "segments").write_text("x")


def _broken_parquet(data: Path) -> None:
    hour = data / "ledger" / "parquet" / "dt=2026-11-01" / "hour=01"
    hour.mkdir(parents=True)
    (hour / "a.b.parquet").write_text("x")


BROKEN = (
    _file_as_folder,
    _folder_as_database,
    _no_database,
    _folder_as_secret,
    _file_as_ledger,
    _file_as_segments,
    _broken_parquet,
)


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_end_in_words(tmp_path: Path, broken: Callable[[Path], None], command: tuple[str, ...]) -> None:
    broken(tmp_path / "data")
    _told(_called(tmp_path, *command))


@pytest.mark.parametrize("broken", BROKEN[:-1])
def test_serve_ends_in_words(tmp_path: Path, broken: Callable[[Path], None]) -> None:
    broken(tmp_path / "data")
    done = _called(tmp_path, "serve")
    assert done.returncode in (1, 2)
    _told(done)


def test_a_locked_database(tmp_path: Path) -> None:
    assert _called(tmp_path, "keys", "create", "--alias", "a").returncode == 0
    with sqlite3.connect(tmp_path / "data" / "sekisho.db", isolation_level=None) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        done = _called(tmp_path, "keys", "create", "--alias", "b")
    assert done.returncode == 2
    assert done.stderr.startswith("error: database: ")
    _told(done)


def test_bugs_are_not_hidden() -> None:
    assert in_words(ValueError("a bug")) is None
    assert in_words(KeyError("a bug")) is None
    words = in_words(PermissionError(13, "Permission denied", "/srv/data"))
    assert words == "/srv/data: permission denied. Check its owner and rights, or run this as another user."


@pytest.mark.parametrize("given", ["", "  ", "sk-xxxx", "<key>", "changeme"])
def test_secrets_of_the_command_line(given: str) -> None:
    from typer import BadParameter

    with pytest.raises(BadParameter):
        given_secret(given)
    assert given_secret("admin-canary-77aa").reveal() == "admin-canary-77aa"


def test_lower_case_is_that_of_sql() -> None:
    """Every letter there is, in every way that a word can end."""
    import duckdb

    letters = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000]
    words = [*letters, "ΣΟΦΟΣ", "İPEK", "Straße", "ǅ", "I\u0307"]
    with duckdb.connect() as connection:
        (found,) = connection.execute("SELECT list_transform(?, lambda each: lower(each))", [words]).fetchone() or ((),)
    assert list(map(lower, words)) == found
