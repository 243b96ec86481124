"""What is true at the moment of asking, for `/metrics`."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from gateway.runtime import Runtime


class ProcessState(Collector):
    """What is true of this process at the moment of asking: queues, deployments, what it reaches."""

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
        yield _gauge("sekisho_key_database_up", "0 while the database of keys does not answer.", self._up("keys"))
        yield _gauge("sekisho_shared_state_up", "0 while the shared state is away.", self._up("limiter"))

    def _up(self, part: str) -> Iterator[tuple[tuple[str, ...], float]]:
        yield (), float(getattr(self._runtime, part).healthy)

    def _deployments(self) -> Iterator[Metric]:
        targets = list(self._runtime.current.routes.all_targets())
        labels = ("deployment",)
        up = [((each.id,), 0 if each.health.failures else 1) for each in targets]
        yield _gauge("sekisho_deployment_up", "0 after a failure until a probe works.", up, labels)
        running = [((each.id,), each.health.running) for each in targets]
        yield _gauge("sekisho_deployment_running", "Requests that run there.", running, labels)
        tokens = [((each.id,), each.health.tokens) for each in targets]
        yield _gauge("sekisho_deployment_tokens", "Estimated outstanding tokens.", tokens, labels)


class MachineState(Collector):
    """How shipping stands, over all processes of this machine and their predecessors."""

    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime

    def collect(self) -> Iterable[Metric]:
        ledger, shipped = self._runtime.ledger, self._runtime.ledger.shipped()
        yield _count("sekisho_ledger_records_in", "Records of shipped segments.", shipped.records_in)
        yield _count("sekisho_ledger_records_out", "Records in Parquet.", shipped.records_out)
        yield _gauge("sekisho_ledger_waiting_bytes", "Segments not in Parquet.", [((), ledger.room.waiting_bytes)])
        yield _gauge("sekisho_ledger_lag_seconds", "Age of the oldest of them.", [((), ledger.room.lag)])
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
