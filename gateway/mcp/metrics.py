"""Gauges of the hub, read at the moment of a scrape."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.mcp.hub import Hub


class HubCollector(Collector):
    """Collects connections, sessions, waiting calls and servers that do not answer."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterable[Metric]:
        hub = self._hub
        connections: Counter[str] = Counter({name: 0 for name in hub.mcp.servers})
        running: Counter[str] = Counter({name: 0 for name in hub.mcp.servers})
        for group in hub.pool.groups():
            for connection in group.living():
                connections[group.way.name] += 1
                running[group.way.name] += connection.in_use
        yield _gauge("sekisho_mcp_connections", "Open processes and sessions of tool servers.", connections)
        yield _gauge("sekisho_mcp_running", "Calls that run at tool servers.", running)
        up = {name: int(name not in hub.catalog.failures) for name in hub.mcp.servers}
        yield _gauge("sekisho_mcp_server_up", "0 while the lists of a tool server cannot be read.", up)
        yield _plain("sekisho_mcp_sessions", "Sessions of older clients.", len(hub.sessions))
        yield _plain("sekisho_mcp_listeners", "Streams of newer clients.", len(hub.events))
        yield _plain("sekisho_mcp_parked", "Calls that wait for an answer of a person.", len(hub.parked))
        yield _plain("sekisho_mcp_pending", "Definitions of tools that wait to be accepted.", len(hub.pins.pending()))


def _gauge(name: str, help: str, values: dict[str, int] | Counter[str]) -> Metric:
    family = GaugeMetricFamily(name, help, labels=("server",))
    for server, value in values.items():
        family.add_metric((server,), value)
    return family


def _plain(name: str, help: str, value: int) -> Metric:
    return GaugeMetricFamily(name, help, value=value)
