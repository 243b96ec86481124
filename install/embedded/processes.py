"""The stack's processes: started with a log each, watched, ended together."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from install.errors import InstallError
from install.open_webui.proxies import no_proxy

STOP_SECONDS = 15
MOST_RESTARTS, RESTART_WINDOW = 5, 600
"""So often in so many seconds a part is started again."""
_LOG_TAIL = 12


@dataclass
class Part:
    """One process of the stack."""

    name: str
    command: list[str]
    ready: str
    """The address that answers 200 when it is up."""
    log: Path
    patience: float = 60
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    process: subprocess.Popen[bytes] | None = None
    restarts: list[float] = field(default_factory=list)
    """When it was started again, in monotonic seconds."""

    def revive(self) -> str | None:
        """Start the part again where it has ended; return what to tell, None where all is well.

        One that keeps ending is left alone, so that the rest can go on.
        """
        if self.process is None or (code := self.process.poll()) is None:
            return None
        now = time.monotonic()
        self.restarts = [each for each in self.restarts if each > now - RESTART_WINDOW]
        if len(self.restarts) >= MOST_RESTARTS:
            self.process = None
            return f"{self.name} keeps ending (the last time with {code}) and stays off; its log is {self.log}"
        self.restarts.append(now)
        self.start()
        return f"{self.name} ended with {code} and is started again; its log is {self.log}"

    def start(self) -> None:
        environment = {**os.environ, **no_proxy(dict(os.environ)), **self.environment}
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches us alone, and we end the parts in order.
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment, start_new_session=True
            )

    def wait(self) -> None:
        """Wait until the part answers. Raises `InstallError` with the end of its log."""
        assert self.process
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise self._did_not_start(f"it ended with {self.process.returncode}")
            if _answers(self.ready):
                return
            time.sleep(0.1)
        raise self._did_not_start(f"no answer after {self.patience:.0f} s")

    def _did_not_start(self, why: str) -> InstallError:
        return InstallError(
            f"{self.name} did not come up: {why}.", f"Its log is {self.log}; it ends with:\n{self.tail()}"
        )

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_TAIL:])


@contextmanager
def all_stopped(parts: list[Part]) -> Iterator[list[Part]]:
    """Stop every part when the block ends, the last one first."""
    try:
        yield parts
    finally:
        for part in reversed(parts):
            part.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(port: int, what: str, option: str) -> None:
    """Check that nobody listens on the port. Raises `InstallError`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise InstallError(
                f"Port {port}, where {what} should listen, is taken by another program.",
                f"Stop that program, or choose another port with {option}.",
            ) from error


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _answers(url: str) -> bool:
    try:
        with _DIRECT.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
