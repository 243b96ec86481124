"""A tool server and its guard as a process of this machine."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from gateway.mcp.errors import UpstreamDown
from gateway.mcp.stdio.command import StdioCommand

_GUARD = str(Path(__file__).with_name("guard.py"))
_LAST_RESORT_SECONDS = 1.0
"""Between asking the guard to kill and killing its group from here."""
_SIGNALS: dict[int, str] = {signal.SIGXCPU: "used more CPU seconds than it may", signal.SIGKILL: "was killed"}


class Process:
    """A running server. `ended` is set when nothing of it lives; `report` then says how it ended."""

    def __init__(self, popen: "subprocess.Popen[bytes]", control: socket.socket) -> None:
        self._popen, self._control = popen, control
        self.pid = popen.pid
        self.ended = asyncio.Event()
        self.report = ""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(control, self._heard)

    @classmethod
    async def start(cls, command: StdioCommand) -> "Process":
        """Start a server; raise UpstreamDown where that cannot be."""
        ours, its = socket.socketpair()
        ours.setblocking(False)
        try:
            popen = await asyncio.to_thread(_popen, command, its)
        except BaseException as error:
            ours.close()  # a start that was cancelled goes on in its thread; the guard then ends by itself
            if isinstance(error, OSError | ValueError):
                raise UpstreamDown(command.name, f"it cannot be started ({error})") from None
            raise
        return cls(popen, ours)

    @property
    def pipes(self) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
        """Stdin, stdout and stderr of the server."""
        popen = self._popen
        assert popen.stdin
        assert popen.stdout
        assert popen.stderr
        return popen.stdin, popen.stdout, popen.stderr

    def terminate(self) -> None:
        """Send SIGTERM to the server's group."""
        self._ask(b"T")

    def kill(self) -> None:
        """Kill the server and everything it started, however it hides."""
        self._ask(b"K")
        self._loop.call_later(_LAST_RESORT_SECONDS, self.kill_group)

    def kill_group(self) -> None:
        """Kill the group of the guard. Its number is safe: the guard is not yet collected."""
        if not self.ended.is_set():
            with suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)

    def _ask(self, what: bytes) -> None:
        with suppress(OSError):
            self._control.send(what)

    def _heard(self) -> None:
        """Read the guard's report; the end of the control connection is the end of the guard."""
        try:
            data = self._control.recv(64)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.report = _words(data.decode())
            return
        self._loop.remove_reader(self._control)
        self._control.close()
        self.kill_group()
        self._popen.wait()  # it has closed its last descriptor: this does not block
        self.report = self.report or "was killed"
        self.ended.set()


def _popen(command: StdioCommand, control: socket.socket) -> "subprocess.Popen[bytes]":
    """Start the guard with its end of the control connection, which closes here."""
    with control:
        start = command.prepare()
        program = command.program(start)
        guard = [sys.executable, "-I", "-S", _GUARD, str(control.fileno()), command.limits()]
        return subprocess.Popen(
            [*guard, program, *command.command[1:]],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=start,
            env=command.environment(),
            start_new_session=True,
            pass_fds=(control.fileno(),),
        )


def _words(report: str) -> str:
    """Return how a server ended, in words that complete "server X …"."""
    kind, _, number = report.partition(" ")
    if kind == "exit":
        return f"exited with status {number}"
    return _SIGNALS.get(int(number), f"was ended by signal {number}")
