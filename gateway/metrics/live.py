"""Collectors of values that are read at the moment of a scrape, for `/metrics`."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.admission import Gate
from gateway.ledger.writer import SegmentWriter
from gateway.routing.target import Target

Probe = tuple[str, Callable[[], bool]]
"""Help text of a gauge, and whether the part that it is about can be reached."""


class ProcessCollector(Collector):
    """Collects queues, deployments, records and reachable parts of this process."""

    def __init__(
        self,
        gate: Gate,
        targets: Callable[[], Iterable[Target]],
        ledger: SegmentWriter,
        probes: Mapping[str, Probe],
    ) -> None:
        """Collect `probes`, by the name of their gauge."""
        self._gate = gate
        self._targets = targets
        self._ledger = ledger
        self._probes = probes

    def collect(self) -> Iterable[Metric]:
        yield _gauge("sekisho_running", "Requests that run at deployments.", [((), self._gate.running)])
        waiting = [((name,), count) for name, count in self._gate.waiting_by_class().items()]
        yield _gauge("sekisho_waiting", "Requests in the queue.", waiting, ("class",))
        yield from self._deployments()
        yield _count("sekisho_ledger_records", "Records that this process wrote.", self._ledger.records_in)
        yield _count("sekisho_ledger_lost", "Records that could not be written.", self._ledger.records_lost)
        for name, (help, reachable) in self._probes.items():
            yield _gauge(name, help, [((), reachable())])

    def _deployments(self) -> Iterator[Metric]:
        targets = list(self._targets())
        labels = ("deployment",)
        up = [((each.id,), 0 if each.health.failures else 1) for each in targets]
        yield _gauge("sekisho_deployment_up", "0 after a failure until a probe works.", up, labels)
        running = [((each.id,), each.health.running) for each in targets]
        yield _gauge("sekisho_deployment_running", "Requests that run there.", running, labels)
        tokens = [((each.id,), each.health.tokens) for each in targets]
        yield _gauge("sekisho_deployment_tokens", "Estimated outstanding tokens.", tokens, labels)


class MachineCollector(Collector):
    """Collects the progress of shipping, over all processes of this machine and their predecessors."""

    def __init__(self, ledger: SegmentWriter) -> None:
        self._ledger = ledger

    def collect(self) -> Iterable[Metric]:
        ledger, shipped = self._ledger, self._ledger.shipped()
        yield _count("sekisho_ledger_records_in", "Records of shipped segments.", shipped.records_in)
        yield _count("sekisho_ledger_records_out", "Records in Parquet.", shipped.records_out)
        yield _gauge("sekisho_ledger_waiting_bytes", "Segments not in Parquet.", [((), ledger.quota.waiting_bytes)])
        yield _gauge("sekisho_ledger_lag_seconds", "Age of the oldest of them.", [((), ledger.quota.lag)])
        yield _gauge("sekisho_ledger_shipping_failed", "1 while shipping fails.", [((), bool(shipped.problem))])


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
