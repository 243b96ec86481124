"""All metrics of a gateway, as Prometheus reads them.

Several workers share theirs through files, so that each answers for all: counters are sums, of ended workers too;
gauges are of the living, at most a second old.
"""

import asyncio
import contextlib

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from gateway.ledger.record import Record
from gateway.metrics.requests import RequestMetrics
from gateway.metrics.workers import PushedCollector, merged, shared_folder

_PUSH_SECONDS = 1.0
_FLUSH_SECONDS = 1.0
_SHARED_FLUSH_SECONDS = 0.1
"""With several workers, a scrape of one waits for the others to count."""
_LATE_SECONDS = 0.05
"""What a worker's timer may be late."""


class Metrics:
    """Collects the metrics of this process, and answers for all of its machine."""

    def __init__(self) -> None:
        self._folder = shared_folder()
        self._machine: Collector | None = None
        self._pushed: PushedCollector | None = None
        self._pushing: asyncio.Task[None] | None = None
        self.registry = CollectorRegistry()
        self._requests = RequestMetrics(self.registry, _SHARED_FLUSH_SECONDS if self._folder else _FLUSH_SECONDS)

    def observe(self, record: Record, traffic_class: str) -> None:
        """Note one finished request; it is counted before the next scrape."""
        self._requests.observe(record, traffic_class)

    def watch(self, process: Collector, machine: Collector) -> None:
        """Add collectors that are read at each scrape: of this process, and of the machine, which all workers know."""
        self._machine = machine
        if self._folder:
            self._pushed = PushedCollector(process, self.registry)
        else:
            self.registry.register(process)
            self.registry.register(machine)

    def add(self, collector: Collector) -> None:
        """Add a collector of a part of this process that not every configuration has."""
        if self._pushed:
            self._pushed.add(collector)
        else:
            self.registry.register(collector)

    def start(self) -> None:
        """Share the values of this process with the other workers from time to time."""
        if self._pushed:
            self._pushing = asyncio.create_task(self._push_forever(self._pushed), name="metrics")

    async def stop(self) -> None:
        self._requests.flush()
        if self._pushing:
            self._pushing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pushing

    async def exposition(self) -> bytes:
        """Return the exposition format, of all workers, with every request that ended before the call."""
        self._requests.flush()
        if not self._folder:
            return generate_latest(self.registry)
        if self._pushed:
            self._pushed.push()
        await asyncio.sleep(_SHARED_FLUSH_SECONDS + _LATE_SECONDS)  # until the other workers have counted theirs
        return await asyncio.to_thread(self._generate_merged, self._folder)

    def _generate_merged(self, folder: str) -> bytes:
        registry = merged(folder)
        if self._machine:
            registry.register(self._machine)
        return generate_latest(registry)

    async def _push_forever(self, pushed: PushedCollector) -> None:
        while True:
            pushed.push()
            await asyncio.sleep(_PUSH_SECONDS)
