"""One run: every peer, every measurement, one after the other; what fails is part of the result."""

import datetime
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.bench.figures import MEASUREMENTS, Measurement, Values
from tests.bench.install import Unavailable
from tests.bench.load import LoadFailed
from tests.bench.measure import busy, cores, cpu_model
from tests.bench.peers import OURS, PEERS, Peer
from tests.bench.processes import NotStarted
from tests.bench.running import Effort, Running, Site, upstreams

Say = Callable[[str], None]
_FAILURES = (LoadFailed, NotStarted, OSError, subprocess.SubprocessError, ValueError)
"""What may go wrong with one peer or one measurement without ending the run; ValueError: answers that are no JSON."""


@dataclass
class Results:
    """Figures by peer. `failures` say what could not be measured and why."""

    date: str
    cpu: str
    cores: str
    effort: Effort
    busy: float
    """The share of the CPUs that others took before the run: with more than a tenth, believe ratios at most."""
    values: dict[str, Values] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def run(peers: Sequence[str], measurements: Sequence[str], effort: Effort, source: Path, say: Say) -> Results:
    """Measure the named peers. Raises `Unavailable` where not even the upstream can be had."""
    measured, driving = (",".join(map(str, sorted(each))) for each in cores())
    date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    placed = f"each candidate on core {measured}, load and upstreams on {driving}"
    results = Results(date, cpu_model(), placed, effort, busy())
    rows = [each for each in MEASUREMENTS if each.name in measurements]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sekisho-bench-")))
        site = stack.enter_context(upstreams(folder, source, effort))
        for peer in (each for each in PEERS if each.name in peers):
            say(f"{peer.name} {peer.version} ({peer.note})")
            try:
                results.values[peer.name] = _peer(peer, site, rows, results, say)
            except (Unavailable, *_FAILURES) as error:
                _failed(results, say, peer.name, error)
    return results


def _peer(peer: Peer, site: Site, rows: Sequence[Measurement], results: Results, say: Say) -> Values:
    running, values = Running(peer, site), Values()
    try:
        for row in rows:
            if row.ours and peer.name != OURS:
                continue
            try:
                values |= _medians(row, running, 1 if row.ours else site.effort.runs)
            except _FAILURES as error:
                _failed(results, say, f"{peer.name}, {row.name}", error)
                continue
            found = (f"{each.title} {values[each.name]:.4g} {each.unit}" for each in row.figures if each.name in values)
            say(f"  {row.name}: {'; '.join(found)}")
    finally:
        running.stop()
    return values


def _medians(row: Measurement, running: Running, runs: int) -> Values:
    taken = [row.take(running) for _ in range(runs)]
    return {name: median(each[name] for each in taken) for name in taken[0]}


def _failed(results: Results, say: Say, what: str, error: Exception) -> None:
    results.failures.append(f"{what}: {error or type(error).__name__}")
    say(f"  FAILED {results.failures[-1]}")
