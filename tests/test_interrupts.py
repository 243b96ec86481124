"""Tests that send Ctrl-C do not wait for ever where the suite was started with SIGINT ignored."""

import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
WAITS = "print('here', flush=True); import time; time.sleep(60)"


def test_a_child_can_be_interrupted() -> None:
    with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout
        assert child.stdout.readline() == b"here\n"
        child.send_signal(signal.SIGINT)
        try:
            assert child.wait(30) == -signal.SIGINT
        finally:
            child.kill()


def test_so_it_can_where_the_suite_runs_in_the_background() -> None:
    """`trap '' INT` is what a shell does for a command that ends with &."""
    test = f"{Path(__file__).relative_to(ROOT)}::{test_a_child_can_be_interrupted.__name__}"
    command = f"trap '' INT; exec {sys.executable} -m pytest -q -p no:cacheprovider {test}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout
