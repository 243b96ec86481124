"""Measures a command in a process of its own, whatever the size of the process that asks for it.

A process that is started counts the memory of who started it as its own largest; so one that is small stands between.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

_BETWEEN = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]), file=sys.stderr)
sys.exit(code)
"""


@dataclass(frozen=True)
class Measured:
    """What a command printed, its seconds of CPU, and its largest memory in bytes."""

    printed: bytes
    cpu_seconds: float
    bytes: int


def measured(call: Sequence[str]) -> Measured:
    """Run a command. Raises `subprocess.CalledProcessError` where it fails."""
    done = subprocess.run([sys.executable, "-S", "-c", _BETWEEN, *call], capture_output=True, check=True)
    cpu, size = json.loads(done.stderr.splitlines()[-1])
    return Measured(done.stdout, cpu, size)
