"""Readings of processes and of the machine, from /proc, and the little statistics that the figures need."""

import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def cpu_seconds(pids: Sequence[int]) -> float:
    """CPU time of processes and all their descendants, user and system; in steps of 10 ms."""
    return sum(_cpu_ticks(each) for each in tree(pids)) / _TICKS


def resident_mib(pids: Sequence[int]) -> float:
    """Resident memory of processes and all their descendants, in MiB."""
    return sum(_resident_kib(each) for each in tree(pids)) / 1024


def tree(pids: Sequence[int]) -> list[int]:
    """The processes that are alive, with their descendants."""
    found, left = [], list(pids)
    while left:
        pid = left.pop()
        if (_PROC / str(pid)).exists() and pid not in found:
            found.append(pid)
            left += _children(pid)
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not pass."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * share // 1).__int__() - 1))]


def growth(samples: Sequence[float], warm_up: float = 0.25) -> float:
    """How much the last fifth of the samples lies above the first fifth after the warm-up, as a share of it."""
    settled = samples[int(len(samples) * warm_up) :]
    fifth = max(1, len(settled) // 5)
    return median(settled[-fifth:]) / median(settled[:fifth]) - 1


def cpu_model() -> str:
    """The CPU's name, with how many of them there are."""
    lines = (_PROC / "cpuinfo").read_text().splitlines()
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)
    return f"{os.cpu_count()} × {name or platform.machine()}"


def busy(seconds: float = 0.5) -> float:
    """The share of all CPU time that somebody took, while we only waited."""
    before = _machine_ticks()
    time.sleep(seconds)
    took = [after - earlier for after, earlier in zip(_machine_ticks(), before, strict=True)]
    return 1 - sum(took[3:5]) / max(1, sum(took))  # the fourth and fifth are idle and waiting for a disk


def cores() -> tuple[set[int], set[int]]:
    """Where the measured gateway runs, and where the load and the upstreams do.

    One core for every candidate, so that a worker is a worker whatever its threads; what drives it
    never takes time away from it.
    """
    usable = sorted(os.sched_getaffinity(0))
    return ({usable[0]}, set(usable[1:])) if len(usable) > 1 else (set(usable), set(usable))


@contextmanager
def on(cores: set[int]) -> Iterator[None]:
    """Processes started inside run on these cores; a child inherits its parent's."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _machine_ticks() -> list[int]:
    return [int(each) for each in (_PROC / "stat").read_text().splitlines()[0].split()[1:9]]


def _children(pid: int) -> list[int]:
    children: list[int] = []
    for path in (_PROC / str(pid) / "task").glob("*/children"):
        try:
            children += map(int, path.read_text().split())
        except OSError:  # the thread ended meanwhile
            continue
    return children


def _cpu_ticks(pid: int) -> int:
    try:
        # The name is in parentheses and may hold spaces; utime, stime, cutime and cstime are fields 14 to 17.
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15]))


def _resident_kib(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)
