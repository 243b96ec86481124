"""Prometheus metrics, fed from the records and from the living parts when they are asked for.

Several workers share theirs through files (the client library's multiprocess mode), so that each answers for all:
counters are sums, of ended workers too; gauges are of the living, at most a second old.
"""

import asyncio
import contextlib
import os
import shutil
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from gateway.ledger.record import Record

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_TOKENS = ("input", "output", "cached_input", "cache_write", "reasoning")


M = TypeVar("M", Counter, Histogram)

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The client library's variable; read when it is imported."""
_PUSH_SECONDS = 1.0
_LEAST = ("sekisho_deployment_up", "sekisho_key_database_up", "sekisho_shared_state_up")
"""Of these the least of all workers tells, of others the sum."""


def share_metrics(data_dir: Path) -> None:
    """Let the worker processes that this one starts from now on share their metrics, from nothing.

    Raises `OSError` where they cannot be written.
    """
    folder = data_dir / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[_FOLDER] = str(folder.absolute())


class Metrics:
    """Counts what the records say; labels are names of the configuration, never of persons."""

    def __init__(self) -> None:
        self._folder = os.environ.get(_FOLDER)
        self._machine: Collector | None = None
        self._pushed: _Pushed | None = None
        self._pushing: asyncio.Task[None] | None = None
        self.registry = CollectorRegistry()
        self._children: dict[tuple[Any, tuple[str, ...]], Any] = {}
        who = ("model", "class")
        self._requests = Counter(
            "sekisho_requests", "Requests by outcome.", (*who, "api", "outcome", "status"), registry=self.registry
        )
        self._tokens = Counter("sekisho_tokens", "Tokens by kind.", ("model", "kind"), registry=self.registry)
        self._cost = Counter("sekisho_cost_usd", "Cost in USD.", ("model",), registry=self.registry)
        self._duration = Histogram(
            "sekisho_request_seconds", "From arrival to the last byte.", who, buckets=_SECONDS, registry=self.registry
        )
        self._first = Histogram(
            "sekisho_first_token_seconds",
            "From arrival to the first event of a stream.",
            who,
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._queue = Histogram(
            "sekisho_queue_seconds", "Waiting for a free place.", who, buckets=_SECONDS, registry=self.registry
        )

    def observe(self, record: Record, traffic_class: str) -> None:
        """Count one finished request."""
        model = record.model if record.deployment and record.model else "-"
        self._child(self._requests, model, traffic_class, record.api, record.outcome, str(record.status)).inc()
        for kind in _TOKENS:
            if count := getattr(record, f"{kind}_tokens"):
                self._child(self._tokens, model, kind).inc(count)
        if record.cost_nano_usd:
            self._child(self._cost, model).inc(record.cost_nano_usd / 1e9)
        for histogram, milliseconds in (
            (self._duration, record.duration_ms),
            (self._first, record.first_token_ms),
            (self._queue, record.queue_ms),
        ):
            if milliseconds is not None:
                self._child(histogram, model, traffic_class).observe(milliseconds / 1000)

    def _child(self, metric: M, *labels: str) -> M:
        """A metric under its labels; looking it up here costs a tenth of the library's own checks."""
        name = (metric, labels)
        child = self._children.get(name)
        if child is None:
            child = self._children[name] = metric.labels(*labels)
        return child

    def watch(self, process: Collector, machine: Collector) -> None:
        """Add what is true at the moment of asking: of this process, and of the machine, which all workers know."""
        self._machine = machine
        if self._folder:
            self._pushed = _Pushed(process, self.registry)
        else:
            self.registry.register(process)
            self.registry.register(machine)

    def start(self) -> None:
        """Tell the other workers, from time to time, what is true here."""
        if self._pushed:
            self._pushing = asyncio.create_task(self._push_forever(self._pushed), name="metrics")

    async def stop(self) -> None:
        if self._pushing:
            self._pushing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pushing

    async def exposition(self) -> bytes:
        """Return the exposition format, of all workers."""
        if not self._folder:
            return generate_latest(self.registry)
        if self._pushed:
            self._pushed.push()
        return await asyncio.to_thread(self._merged, self._folder)

    def _merged(self, folder: str) -> bytes:
        for path in Path(folder).glob("gauge_live*_*.db"):
            pid = path.stem.rpartition("_")[2]
            if pid.isdecimal() and not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
                mark_process_dead(int(pid), folder)  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        if self._machine:
            registry.register(self._machine)
        return generate_latest(registry)

    async def _push_forever(self, pushed: "_Pushed") -> None:
        while True:
            pushed.push()
            await asyncio.sleep(_PUSH_SECONDS)


class _Pushed:
    """What a collector gives, as metrics that other processes read."""

    def __init__(self, collector: Collector, registry: CollectorRegistry) -> None:
        self._collector = collector
        self._registry = registry
        self._metrics: dict[str, Gauge | Counter] = {}
        self._told: dict[tuple[str, tuple[str, ...]], float] = {}

    def push(self) -> None:
        """Set gauges to what is true now, those that are no longer told to 0; raise counters by what they grew."""
        now = {}
        for family in self._collector.collect():
            for sample in family.samples:
                labels = tuple(sample.labels.values())
                now[family.name, labels] = sample.value
                self._set(family, tuple(sample.labels), labels, sample.value)
        for name, labels in self._told.keys() - now.keys():
            metric = self._metrics[name]
            if isinstance(metric, Gauge):
                (metric.labels(*labels) if labels else metric).set(0)
        self._told = now

    def _set(self, family: Metric, names: tuple[str, ...], labels: tuple[str, ...], value: float) -> None:
        metric = self._metrics.get(family.name) or self._made(family, names)
        child = metric.labels(*labels) if labels else metric
        if isinstance(child, Counter):
            child.inc(max(0.0, value - self._told.get((family.name, labels), 0.0)))
        else:
            child.set(value)

    def _made(self, family: Metric, names: tuple[str, ...]) -> Gauge | Counter:
        made: Gauge | Counter
        if family.type == "counter":
            made = Counter(family.name, family.documentation, names, registry=self._registry)
        else:
            mode: Any = "livemin" if family.name in _LEAST else "livesum"
            made = Gauge(family.name, family.documentation, names, registry=self._registry, multiprocess_mode=mode)
        self._metrics[family.name] = made
        return made
