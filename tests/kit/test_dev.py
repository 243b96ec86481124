"""`sekisho dev` beside the real Open WebUI: save, check, push, log."""

import os
import re
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from install.kit.logs import Log
from install.kit.watch import saved
from tests.e2e.stack import put_back, until
from tests.fixtures.open_webui import OpenWebUIServer
from tests.kit.conftest import ROOT, Run

PUSHES = 7
SLOWEST_MS = 10_000
"""Generous: a push is a request and a check, on a machine that does other things too."""


@dataclass(frozen=True)
class Bench:
    """A running `sekisho dev`."""

    process: "subprocess.Popen[str]"
    output: Path

    @property
    def text(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def says(self, line: str, times: int = 1) -> None:
        until(lambda: self.text.count(line) >= times, f"never said {line!r}:\n{self.text}", 60)


@pytest.fixture
def server(open_webui: OpenWebUIServer) -> Iterator[OpenWebUIServer]:
    with put_back(open_webui):
        yield open_webui


def options(server: OpenWebUIServer, tmp_path: Path) -> dict[str, str]:
    return {
        "SEKISHO_OPEN_WEBUI_URL": server.url,
        "SEKISHO_OPEN_WEBUI_TOKEN": server.admin_token,
        "SEKISHO_STATE": str(tmp_path / "state"),
    }


@contextmanager
def developing(server: OpenWebUIServer, folder: Path, *arguments: object) -> Iterator[Bench]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **options(server, folder)}
    output = folder / "dev.txt"
    command = [sys.executable, "-m", "install", "dev", *map(str, arguments)]
    with (
        output.open("w") as file,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=file, stderr=file, text=True) as process,
    ):
        try:
            yield Bench(process, output)
        finally:
            process.kill()


def stored(server: OpenWebUIServer, id: str) -> dict[str, Any]:
    rows = server.request("GET", "/api/v1/functions/export?include_valves=true")
    return next(dict(row) for row in rows if row["id"] == id)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_each_save_is_checked_and_pushed(server: OpenWebUIServer, tmp_path: Path, plugins: dict[str, Path]) -> None:
    pipe = plugins["pipe"]
    with developing(server, tmp_path, "pipes", "--log", server.log) as bench:
        bench.says("new     pipes/my_pipe.py")
        row = stored(server, "my_pipe")
        assert (row["type"], row["is_active"], row["name"]) == ("pipe", True, "Travel desk")
        assert row["meta"]["i18n"]["ja-JP"]["name"] == "出張窓口"
        assert "my_pipe" in {model["id"] for model in server.request("GET", "/api/models")["data"]}

        server.request("POST", "/api/v1/functions/id/my_pipe/valves/update", {"model": "gemma-3-27b"})
        for number in range(PUSHES):
            change(pipe, "Answer briefly", f"Answer briefly {number}")
            bench.says("changed pipes/my_pipe.py", number + 1)
        row = stored(server, "my_pipe")
        assert f"Answer briefly {PUSHES - 1}" in row["content"]
        assert row["valves"] == {"model": "gemma-3-27b"}
        pushes = [float(ms) for ms in re.findall(r"changed pipes/my_pipe\.py  (\d+) ms", bench.text)]
        assert statistics.median(pushes) < SLOWEST_MS

        change(pipe, "await Users.get_user_by_id(user_id)", "Users.get_user_by_id(user_id)")
        bench.says("stopped pipes/my_pipe.py")
        assert "→ Write `await Users.get_user_by_id(…)`." in bench.text
        assert stored(server, "my_pipe")["content"] == row["content"]

        change(pipe, "Users.get_user_by_id(user_id)", "await Users.get_user_by_id(user_id)")
        change(pipe, "\n\nclass Pipe:", '\n\nraise RuntimeError("no luck today")\n\n\nclass Pipe:')
        bench.says("Open WebUI cannot load my_pipe.py")
        assert "no luck today" in bench.text
        row = stored(server, "my_pipe")
        assert "no luck today" not in row["content"]
        assert row["is_active"]

        change(pipe, 'raise RuntimeError("no luck today")', 'log.warning("the desk opens")')
        bench.says("changed pipes/my_pipe.py", PUSHES + 1)
        bench.says("the desk opens")
        assert "HTTP/1.1" not in bench.text

        bench.process.send_signal(signal.SIGINT)
        assert bench.process.wait(30) == 0
        assert "Stopped." in bench.text


def test_a_setting_with_a_stored_value_is_not_lost_unseen(
    server: OpenWebUIServer, sekisho: Run, tmp_path: Path, plugins: dict[str, Path]
) -> None:
    action, settings = plugins["action"], options(server, tmp_path)
    assert sekisho("dev", action, "--once", "--everywhere", **settings).returncode == 0
    assert stored(server, "my_action")["is_global"]
    change(action, "valves.speed", "valves.pace")
    change(action, "speed: int", "pace: int")
    assert sekisho("dev", action, "--once", **settings).returncode == 0, "nothing is stored, so nothing is lost"
    server.request("POST", "/api/v1/functions/id/my_action/valves/update", {"pace": 300})
    change(action, "valves.pace", "valves.tempo")
    change(action, "pace: int", "tempo: int")
    refused = sekisho("dev", action, "--once", **settings)
    assert refused.returncode == 1
    assert "The valve pace is gone (→ tempo?)" in refused.stdout
    assert sekisho("dev", action, "--once", "--ignore", "valve-lost", **settings).returncode == 0
    assert "tempo: int" in stored(server, "my_action")["content"]


def test_what_somebody_else_put_there_is_not_overwritten(
    server: OpenWebUIServer, sekisho: Run, tmp_path: Path, plugins: dict[str, Path]
) -> None:
    settings = options(server, tmp_path)
    form = {"id": "my_filter", "name": "Theirs", "content": "class Filter:\n    pass\n", "meta": {"description": ""}}
    server.request("POST", "/api/v1/functions/create", form)
    refused = sekisho("dev", plugins["filter"], "--once", **settings)
    assert refused.returncode == 1
    assert "which this file did not come from" in refused.stdout
    assert stored(server, "my_filter")["content"] == form["content"]
    assert sekisho("dev", plugins["filter"], "--once", "--force", **settings).returncode == 0
    assert stored(server, "my_filter")["content"] == plugins["filter"].read_text(encoding="utf-8")


def test_a_tool_is_pushed_as_a_tool(
    server: OpenWebUIServer, sekisho: Run, tmp_path: Path, plugins: dict[str, Path]
) -> None:
    settings = options(server, tmp_path)
    try:
        assert "new" in sekisho("dev", plugins["tool"], "--once", **settings).stdout
        [row] = [each for each in server.request("GET", "/api/v1/tools/export") if each["id"] == "my_tool"]
        assert [spec["name"] for spec in row["specs"]] == ["working_days"]
        assert "same" in sekisho("dev", plugins["tool"], "--once", **settings).stdout
    finally:
        server.request("DELETE", "/api/v1/tools/id/my_tool/delete")


def test_wrong_use_is_told_with_a_remedy(sekisho: Run, tmp_path: Path, plugins: dict[str, Path]) -> None:
    here = {"SEKISHO_OPEN_WEBUI_URL": "http://127.0.0.1:1", "SEKISHO_STATE": str(tmp_path / "state")}
    nowhere = sekisho("dev", "--once", SEKISHO_OPEN_WEBUI_TOKEN="sk-secret", **here)
    assert nowhere.returncode == 1
    assert "sk-secret" not in nowhere.stderr
    assert sekisho("dev", "--once", **here).returncode == 2
    log = sekisho("dev", "--log", "missing.log", SEKISHO_OPEN_WEBUI_TOKEN="sk-secret", **here)
    assert log.returncode == 2
    assert "There is no log missing.log" in log.stderr


def test_a_saved_file_is_seen_once_and_a_new_one_too(tmp_path: Path) -> None:
    folder = tmp_path / "pipes"
    folder.mkdir()
    first, second = folder / "first.py", folder / "second.py"
    first.write_text("a")
    looks = saved([tmp_path], poll_seconds=0)
    assert next(looks) == [first]
    assert next(looks) == []
    first.write_text("ab")
    assert next(looks) == [first]
    second.write_text("a")
    assert next(looks) == [second]
    first.unlink()  # as an editor does for a moment
    assert next(looks) == []
    first.write_text("abc")
    assert next(looks) == [first]


LINE = "2026-11-21 18:14:28.815 | {level:8} | {name}:{function}:12 - {message}\n"


def test_only_lines_of_the_plugins_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "open-webui.log"
    path.write_text(LINE.format(level="ERROR", name="function_desk", function="pipe", message="long ago"))
    log = Log(path)
    own = LINE.format(level="INFO", name=f"function_desk_{'0a' * 16}", function="pipe", message="asked")
    failed = LINE.format(level="ERROR", name="open_webui.utils.plugin", function="load", message="Error loading: desk")
    with path.open("a") as file:
        file.write(LINE.format(level="INFO", name="uvicorn", function="send", message='"GET /functions/id/desk"'))
        file.write(own + "  a second line\n")
        file.write(LINE.format(level="INFO", name="function_desktop", function="pipe", message="another's"))
        file.write("  of another\n" + failed + "Traceback (most recent call last):\n  begin")
    shown = [*own.splitlines(), "  a second line", *failed.splitlines(), "Traceback (most recent call last):"]
    assert list(log.new({"desk"})) == shown
    with path.open("a") as file:
        file.write("ning\n")
    assert list(log.new({"desk"})) == ["  beginning"]
    path.write_text(own)  # rotated
    assert list(log.new({"desk"})) == own.splitlines()
    path.unlink()
    assert list(log.new({"desk"})) == []
