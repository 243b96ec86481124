"""Metrics of finished requests, read off their records in batches."""

import asyncio
from collections import defaultdict
from collections.abc import Collection
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram

from gateway.ledger.record import Record

_MOST_PENDING = 1000
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_TOKENS = ("input", "output", "cached_input", "cache_write", "reasoning")
_FIELDS = tuple((kind, f"{kind}_tokens") for kind in _TOKENS)
_TIMES = (
    ("sekisho_request_seconds", "From arrival to the last byte.", "duration_ms"),
    ("sekisho_first_token_seconds", "From arrival to the first event of a stream.", "first_token_ms"),
    ("sekisho_queue_seconds", "Waiting for a free place.", "queue_ms"),
)
"""Histograms: name, help, and the record's field."""

M = TypeVar("M", Counter, Histogram)
Finished = tuple[Record, str]
"""A record that is complete, and the traffic class of its request."""


class RequestMetrics:
    """Counts what the records say; labels are names of the configuration, never of persons."""

    def __init__(self, registry: CollectorRegistry, flush_seconds: float) -> None:
        """Count a finished request after `flush_seconds` at the latest."""
        self._flush_seconds = flush_seconds
        self._pending: list[Finished] = []
        self._children: dict[tuple[Any, tuple[str, ...]], Any] = {}
        who = ("model", "class")
        self._requests = Counter(
            "sekisho_requests", "Requests by outcome.", (*who, "api", "outcome", "status"), registry=registry
        )
        self._tokens = Counter("sekisho_tokens", "Tokens by kind.", ("model", "kind"), registry=registry)
        self._cost = Counter("sekisho_cost_usd", "Cost in USD.", ("model",), registry=registry)
        self._times = tuple(
            (Histogram(name, help, who, buckets=_SECONDS, registry=registry), field) for name, help, field in _TIMES
        )

    def observe(self, record: Record, traffic_class: str) -> None:
        """Note a finished request; it is counted with the next batch. Needs a running event loop."""
        pending = self._pending
        pending.append((record, traffic_class))
        if len(pending) == 1:
            asyncio.get_running_loop().call_later(self._flush_seconds, self.flush)
        elif len(pending) >= _MOST_PENDING:
            self.flush()

    def flush(self) -> None:
        """Count every request that was noted."""
        pending, self._pending = self._pending, []
        if pending:
            self._count_requests(pending)
            self._count_tokens(pending)
            self._observe_times(pending)

    def _count_requests(self, pending: Collection[Finished]) -> None:
        requests: dict[tuple[str, str, str, str, int], int] = defaultdict(int)
        for record, traffic_class in pending:
            requests[_model(record), traffic_class, record.api, record.outcome, record.status] += 1
        for (*labels, status), count in requests.items():
            self._child(self._requests, *labels, f"{status}").inc(count)

    def _count_tokens(self, pending: Collection[Finished]) -> None:
        tokens: dict[tuple[str, str], int] = defaultdict(int)
        costs: dict[str, int] = defaultdict(int)
        for record, _ in pending:
            model = _model(record)
            for kind, field in _FIELDS:
                if count := getattr(record, field):
                    tokens[model, kind] += count
            if record.cost_nano_usd:
                costs[model] += record.cost_nano_usd
        for labels, count in tokens.items():
            self._child(self._tokens, *labels).inc(count)
        for model, nano_usd in costs.items():
            self._child(self._cost, model).inc(nano_usd / 1e9)

    def _observe_times(self, pending: Collection[Finished]) -> None:
        for histogram, field in self._times:
            by_labels: dict[tuple[str, str], list[int]] = defaultdict(list)
            for record, traffic_class in pending:
                milliseconds = getattr(record, field)
                if milliseconds is not None:
                    by_labels[_model(record), traffic_class].append(milliseconds)
            for labels, values in by_labels.items():
                observe = self._child(histogram, *labels).observe
                for milliseconds in values:
                    observe(milliseconds / 1000)

    def _child(self, metric: M, *labels: str) -> M:
        """Return a metric under its labels; looking it up here costs a tenth of the library's own checks."""
        name = (metric, labels)
        child = self._children.get(name)
        if child is None:
            child = self._children[name] = metric.labels(*labels)
        return child


def _model(record: Record) -> str:
    return record.model if record.deployment and record.model else "-"
