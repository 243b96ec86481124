"""Programs that the bench starts, watches and stops: by their own process id, never by name."""

import contextlib
import http.client
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.measure import on

_STOP_SECONDS = 10


class NotStarted(Exception):
    """A program ended or never answered; the message holds the end of its log."""


@contextmanager
def started(
    command: Sequence[str],
    *,
    log: Path,
    cores: set[int],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program on some cores, its output in a log; stopped at the end with everything it started."""
    with log.open("ab") as output, on(cores):
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            # A group of its own, so that its children end with it.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _stop(process)


def wait_for(process: "subprocess.Popen[bytes]", log: Path, answers: "Probe", seconds: float) -> float:
    """Ask until the answer is 200; gives the seconds waited. Raises `NotStarted`."""
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        if process.poll() is not None:
            raise NotStarted(f"it ended with {process.returncode}: {tail(log)}")
        if answers.ask() == 200:
            return time.perf_counter() - begun
        time.sleep(0.005)
    raise NotStarted(f"no answer in {seconds:.0f} s (last: {answers.last}): {tail(log)}")


class Probe:
    """One request, sent again and again on new connections."""

    def __init__(
        self,
        port: int,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._port = port
        self._call = (method, path, body, dict(headers or {}))
        self.last = "nothing listens"
        """What came last, for messages."""

    def ask(self) -> int:
        """The status, or 0 where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request(*self._call)
            response = connection.getresponse()
            self.last = f"{response.status} {response.read(300).decode(errors='replace')}"
            return response.status
        except (OSError, http.client.HTTPException) as error:
            self.last = repr(error)
            return 0
        finally:
            connection.close()


def tail(log: Path, lines: int = 3) -> str:
    """The end of a log in one line."""
    return " | ".join(log.read_text(errors="replace").splitlines()[-lines:])[-500:] or "it said nothing"


def _stop(process: "subprocess.Popen[bytes]") -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
