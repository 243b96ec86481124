"""Prometheus metrics, fed from the records and from the living parts when they are asked for."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.ledger.record import Record

if TYPE_CHECKING:
    from gateway.runtime import Runtime

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_TOKENS = ("input", "output", "cached_input", "cache_write", "reasoning")


M = TypeVar("M", Counter, Histogram)


class Metrics:
    """Counts what the records say; labels are names of the configuration, never of persons."""

    def __init__(self) -> None:
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

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)


class Living(Collector):
    """What is true at the moment of asking: queues, deployments, ledger."""

    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime

    def collect(self) -> Iterable[Metric]:
        runtime = self._runtime
        yield _gauge("sekisho_running", "Requests that run at deployments.", [((), runtime.gate.running)])
        waiting = [((name,), count) for name, count in runtime.gate.waiting_by_class().items()]
        yield _gauge("sekisho_waiting", "Requests in the queue.", waiting, ("class",))
        yield from self._deployments()
        yield _count("sekisho_ledger_records", "Records that this process wrote.", runtime.ledger.records_in)
        yield _count("sekisho_ledger_lost", "Records that could not be written.", runtime.ledger.records_lost)
        yield from self._shipping()

    def _shipping(self) -> Iterator[Metric]:
        """Of this machine, over all its processes and their predecessors."""
        ledger, shipped = self._runtime.ledger, self._runtime.ledger.shipped()
        yield _count("sekisho_ledger_records_in", "Records of shipped segments.", shipped.records_in)
        yield _count("sekisho_ledger_records_out", "Records in Parquet.", shipped.records_out)
        yield _gauge("sekisho_ledger_waiting_bytes", "Segments not in Parquet.", [((), ledger.room.waiting_bytes)])
        yield _gauge("sekisho_ledger_lag_seconds", "Age of the oldest of them.", [((), ledger.room.lag)])
        yield _gauge("sekisho_ledger_shipping_failed", "1 while shipping fails.", [((), bool(shipped.problem))])

    def _deployments(self) -> Iterator[Metric]:
        targets = list(self._runtime.current.routes.all_targets())
        labels = ("deployment",)
        up = [((each.id,), 0 if each.health.failures else 1) for each in targets]
        yield _gauge("sekisho_deployment_up", "0 after a failure until a probe works.", up, labels)
        running = [((each.id,), each.health.running) for each in targets]
        yield _gauge("sekisho_deployment_running", "Requests that run there.", running, labels)
        tokens = [((each.id,), each.health.tokens) for each in targets]
        yield _gauge("sekisho_deployment_tokens", "Estimated outstanding tokens.", tokens, labels)


def _gauge(
    name: str, help: str, values: Iterable[tuple[tuple[str, ...], float]], labels: tuple[str, ...] = ()
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help, labels=labels)
    for label, value in values:
        family.add_metric(label, value)
    return family


def _count(name: str, help: str, value: float) -> CounterMetricFamily:
    family = CounterMetricFamily(name, help)
    family.add_metric((), value)
    return family
