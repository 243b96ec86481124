"""The parent of one tool server: `python -I -S guard.py CONTROL_FD LIMITS PROGRAM ARGUMENT…`.

It is a program of its own because only a parent that outlives the gateway can end what a killed gateway leaves, and
only a process with one thread may run code between fork and exec. It adopts whatever the server leaves behind, and
kills all of it when the server ends, when CONTROL says so, or when CONTROL closes because the gateway is gone.

On CONTROL it reads `T` (SIGTERM for the server's group) and `K` (SIGKILL for everything), and writes at its end how the
server ended: `exit 3` or `signal 9`. Nothing but the standard library; it starts in 20 ms.
"""

import ctypes
import os
import resource
import select
import signal
import sys
from contextlib import suppress

SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36
CANNOT_START = 127


def main(control: int, limits: str, command: list[str]) -> None:
    os.set_inheritable(control, False)
    wakeup = _signals()
    _prctl(SET_CHILD_SUBREAPER, 1)
    guard = os.getpid()
    leader = os.fork()
    if leader == 0:
        _become(guard, limits, command)
    _let_go_of_pipes()
    status = _watch(control, wakeup, leader)
    status = _kill_all(leader, status)
    with suppress(OSError):
        os.write(control, _report(status))


def _signals() -> int:
    """Make signals wake the poll; handlers, unlike ignored signals, do not pass to the server."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    os.set_blocking(reading, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for each in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, lambda number, frame: None)
    return reading


def _prctl(option: int, value: int) -> None:
    """Call prctl, which only Linux has; elsewhere the group is killed, but not what left the group."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _become(guard: int, limits: str, command: list[str]) -> None:
    """Turn the child into the server."""
    try:
        _prctl(SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(CANNOT_START)
        for each in filter(None, limits.split(",")):
            name, _, value = each.partition("=")
            _limit(getattr(resource, f"RLIMIT_{name}"), int(value))
        signal.set_wakeup_fd(-1)
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(ignored, signal.SIG_DFL)
        os.execv(command[0], command)
    except OSError as error:
        os.write(2, f"cannot be started: {error.strerror}\n".encode())
    os._exit(CANNOT_START)


def _limit(which: int, value: int) -> None:
    """Lower a limit; the end of CPU time is told by SIGXCPU a second before SIGKILL."""
    _, most = resource.getrlimit(which)
    soft = value if most == resource.RLIM_INFINITY else min(value, most)
    hard = soft + 1 if which == resource.RLIMIT_CPU and soft != most else soft
    resource.setrlimit(which, (soft, hard))


def _let_go_of_pipes() -> None:
    """Leave stdin, stdout and stderr to the server, so that they close when it does."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for each in range(3):
        os.dup2(nowhere, each)


def _watch(control: int, wakeup: int, leader: int) -> int | None:
    """Return the wait status of the server when it ends; None when it shall be killed."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(wakeup, select.POLLIN)
    terminating = False
    while True:
        ready = [number for number, _ in poll.poll()]
        asked = _read(control) if control in ready else None
        if asked == b"" or (asked and b"K" in asked):
            return None
        signals = set(_read(wakeup)) if wakeup in ready else set()
        if not terminating and (asked or signals - {signal.SIGCHLD}):
            terminating = True
            os.killpg(0, signal.SIGTERM)
        if (status := _reap(leader)) is not None:
            return status


def _read(number: int) -> bytes:
    try:
        return os.read(number, 512)
    except OSError:
        return b""


def _reap(leader: int) -> int | None:
    """Collect the dead; return the wait status of the server if it is among them."""
    status = None
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            status = found[1] if found[0] == leader else status
    return status


def _kill_all(leader: int, status: int | None) -> int | None:
    """Kill every descendant: children of the killed become ours, until there is none left."""
    with suppress(ChildProcessError):
        while True:
            for child in _children():
                with suppress(OSError):
                    os.kill(child, signal.SIGKILL)
            pid, this = os.waitpid(-1, 0)
            status = this if pid == leader else status
    return status


def _children() -> list[int]:
    """Return the children of this process; where the system does not list them, end the whole group and this."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(each) for each in file.read().split()]
    except OSError:
        os.killpg(0, signal.SIGKILL)
        raise


def _report(status: int | None) -> bytes:
    code = os.waitstatus_to_exitcode(status or 0)
    return f"exit {code}".encode() if code >= 0 else f"signal {-code}".encode()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
