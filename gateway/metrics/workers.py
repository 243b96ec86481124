"""Metrics of several worker processes, shared through files (the client library's multiprocess mode)."""

import os
import shutil
from itertools import chain
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The client library's variable; read when it is imported."""
_MINIMUM = ("sekisho_deployment_up", "sekisho_key_database_up", "sekisho_shared_state_up", "sekisho_mcp_server_up")
"""Gauges of which the minimum of all workers is shown; of others it is the sum."""


def share_metrics(data_dir: Path) -> None:
    """Let the worker processes that this one starts from now on share their metrics, from nothing.

    Raises `OSError` where they cannot be written.
    """
    folder = data_dir / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[_FOLDER] = str(folder.absolute())


def shared_folder() -> str | None:
    """Return the folder through which workers share their metrics, or None for a single process."""
    return os.environ.get(_FOLDER)


def merged(folder: str) -> CollectorRegistry:
    """Return the metrics of all workers: counters of ended ones too, gauges of living ones."""
    for path in Path(folder).glob("gauge_live*_*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
            mark_process_dead(int(pid), folder)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return registry


class PushedCollector:
    """Writes what a collector gives as metrics that other processes read."""

    def __init__(self, collector: Collector, registry: CollectorRegistry) -> None:
        self._collectors = [collector]
        self._registry = registry
        self._metrics: dict[str, Gauge | Counter] = {}
        self._last: dict[tuple[str, tuple[str, ...]], float] = {}

    def add(self, collector: Collector) -> None:
        """Write what another collector gives, too."""
        self._collectors.append(collector)

    def push(self) -> None:
        """Set gauges to their value, those that the collector no longer gives to 0; raise counters by their growth."""
        now = {}
        for family in chain.from_iterable(collector.collect() for collector in self._collectors):
            for sample in family.samples:
                labels = tuple(sample.labels.values())
                now[family.name, labels] = sample.value
                self._set(family, tuple(sample.labels), labels, sample.value)
        for name, labels in self._last.keys() - now.keys():
            metric = self._metrics[name]
            if isinstance(metric, Gauge):
                (metric.labels(*labels) if labels else metric).set(0)
        self._last = now

    def _set(self, family: Metric, names: tuple[str, ...], labels: tuple[str, ...], value: float) -> None:
        metric = self._metrics.get(family.name) or self._create(family, names)
        child = metric.labels(*labels) if labels else metric
        if isinstance(child, Counter):
            child.inc(max(0.0, value - self._last.get((family.name, labels), 0.0)))
        else:
            child.set(value)

    def _create(self, family: Metric, names: tuple[str, ...]) -> Gauge | Counter:
        metric: Gauge | Counter
        if family.type == "counter":
            metric = Counter(family.name, family.documentation, names, registry=self._registry)
        else:
            mode: Any = "livemin" if family.name in _MINIMUM else "livesum"
            metric = Gauge(family.name, family.documentation, names, registry=self._registry, multiprocess_mode=mode)
        self._metrics[family.name] = metric
        return metric
