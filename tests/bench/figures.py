"""What is measured and what is to be reached: a row a figure, a row a measurement."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.bench.every_provider import MOST_MIB, MOST_SECONDS, every_provider
from tests.bench.keystrokes import MOST_MS, superseding
from tests.bench.measure import percentile
from tests.bench.running import Running
from tests.bench.soak import soak
from tests.bench.uploads import added

Values = dict[str, float]
"""Figures by name."""


@dataclass(frozen=True)
class Rule:
    """What our value of a figure must be: by itself, or beside a peer's."""

    how: Literal["at most", "within", "better"]
    """`at most` the bound; `within` so many times a peer's value; so many times `better` than a peer's."""
    bound: float
    peer: str = ""

    def text(self, unit: str) -> str:
        beside = {"at most": unit, "within": f"× {self.peer}", "better": f"× better than {self.peer}"}
        return f"{'≥' if self.how == 'better' else '≤'} {self.bound:g} {beside[self.how]}".rstrip()


@dataclass(frozen=True)
class Figure:
    """A number with its unit. Without rules it is there for information."""

    name: str
    title: str
    unit: str
    rules: tuple[Rule, ...] = ()
    more_is_better: bool = False


@dataclass(frozen=True)
class Measurement:
    """Takes the values of its figures from a running peer, or, where `ours`, from our gateway alone."""

    name: str
    take: Callable[[Running], Values]
    figures: tuple[Figure, ...]
    ours: bool = False


@dataclass(frozen=True)
class Verdict:
    """A rule held against what was measured; None where a value is missing."""

    rule: Rule
    ratio: float | None
    reached: bool | None


def judge(figure: Figure, rule: Rule, ours: float | None, theirs: float | None) -> Verdict:
    """Whether a rule is met. `theirs` is the value of the rule's peer."""
    if rule.how == "at most":
        return Verdict(rule, None, None if ours is None else ours <= rule.bound)
    if not ours or not theirs:
        return Verdict(rule, None, None)
    ours_above = rule.how == "within" or figure.more_is_better
    ratio = ours / theirs if ours_above else theirs / ours
    return Verdict(rule, ratio, ratio <= rule.bound if rule.how == "within" else ratio >= rule.bound)


def _start(running: Running) -> Values:
    return {"start_seconds": running.restart()}


def _chat(running: Running) -> Values:
    load, cpu = running.load(words(60), connections=32)
    return {
        "requests_per_second": load.per_second,
        "cpu_per_request": cpu / load.requests * 1e6,
        "latency_p50": load.p50 / 1000,
        "latency_p99": load.p99 / 1000,
    }


def _prompts(figure: str, size: int) -> Callable[[Running], Values]:
    def take(running: Running) -> Values:
        load, cpu = running.load(words(size), connections=16, most_bodies=max(4, 4_000_000 // size))
        return {figure: cpu / load.requests * 1e6}

    return take


def _streams(running: Running) -> Values:
    read, cpu = running.streams(stagger=0.25)
    return {
        "cpu_per_chunk": cpu / read.chunks * 1e6,
        "chunk_late_p50": read.late_ms_p50,
        "chunk_late_p99": read.late_ms_p99,
    }


def _first(running: Running) -> Values:
    first: list[float] = []
    begun = time.monotonic()
    for _ in range(_STARTS):
        first += running.streams(stagger=0, only_first=True)[0].first_ms
        if time.monotonic() - begun > _STARTS_SECONDS:
            break
    return {"first_chunk_p50": percentile(first, 0.5), "first_chunk_p99": percentile(first, 0.99)}


def _memory(running: Running) -> Values:
    return {"resident": running.resident_mib()}


def words(size: int) -> str:
    """A prompt of so many bytes."""
    return ("The quick brown fox jumps over the lazy dog. " * (size // 45 + 1))[:size]


_STARTS = 5
"""So many times all streams start at once: a p99 of a hundred values alone would be their largest."""
_STARTS_SECONDS = 20
"""After this no more: one peer needs half a minute for a start."""

MEASUREMENTS = (
    Measurement(
        "start",
        _start,
        (Figure("start_seconds", "start until the first answered request", "s", (Rule("at most", 1.5),)),),
    ),
    Measurement(
        "chat",
        _chat,
        (
            Figure(
                "requests_per_second",
                "small chat, 32 connections",
                "requests/s",
                (Rule("better", 50, "litellm"), Rule("better", 3.5, "portkey")),
                more_is_better=True,
            ),
            Figure(
                "cpu_per_request",
                "CPU time a request",
                "µs",
                (Rule("within", 8, "nginx"), Rule("within", 1.52, "ungoverned")),
            ),
            Figure("latency_p50", "latency at full load, p50", "ms"),
            Figure("latency_p99", "latency at full load, p99", "ms"),
        ),
    ),
    Measurement(
        "streams",
        _streams,
        (
            Figure(
                "cpu_per_chunk",
                "CPU time a streamed chunk",
                "µs",
                (Rule("within", 4, "nginx"), Rule("better", 12, "litellm")),
            ),
            Figure("chunk_late_p50", "a chunk on its way, p50", "ms"),
            Figure("chunk_late_p99", "a chunk on its way, p99", "ms"),
        ),
    ),
    Measurement(
        "first",
        _first,
        (
            Figure("first_chunk_p50", "time to the first chunk, 100 starts at once, p50", "ms"),
            Figure("first_chunk_p99", "time to the first chunk, p99", "ms", (Rule("within", 5, "nginx"),)),
        ),
    ),
    Measurement(
        "prompt-50k",
        _prompts("cpu_per_50k", 50_000),
        (Figure("cpu_per_50k", "CPU time a 50 KB prompt", "µs", (Rule("within", 4, "nginx"),)),),
    ),
    Measurement(
        "prompt-1m",
        _prompts("cpu_per_1m", 1_000_000),
        (Figure("cpu_per_1m", "CPU time a 1 MB prompt", "µs", (Rule("within", 4, "nginx"),)),),
    ),
    Measurement(
        "keystrokes",
        lambda running: superseding(),
        (
            Figure("superseded_p50", "older completion's upstream call closed after a newer keystroke, p50", "ms"),
            Figure("superseded_p99", "the same, p99", "ms"),
            Figure("superseded_most", "the same, longest of 380", "ms", (Rule("at most", MOST_MS),)),
        ),
        ours=True,
    ),
    Measurement(
        "uploads",
        lambda running: added(),
        (
            Figure("upload_untouched", "a recording of 25 MB adds to resident memory", "MiB", (Rule("at most", 5),)),
            Figure("upload_gemini", "one of 15 MB, as base64 to Gemini", "MiB", (Rule("at most", 5),)),
        ),
        ours=True,
    ),
    Measurement(
        "memory",
        _memory,
        (Figure("resident", "resident memory after the runs", "MiB", (Rule("at most", 120),)),),
    ),
    Measurement(
        "every_provider",
        lambda running: every_provider(),
        (
            Figure("every_provider_start", "start with every example's models", "s", (Rule("at most", MOST_SECONDS),)),
            Figure("every_provider_resident", "resident memory then", "MiB", (Rule("at most", MOST_MIB),)),
        ),
        ours=True,
    ),
    Measurement(
        "soak",
        soak,
        (
            Figure("soak_requests", "soak: requests sent", ""),
            Figure("soak_cancelled", "soak: left by the client", ""),
            Figure("soak_failed", "soak: failed for the client", ""),
            Figure("soak_growth", "soak: memory growth after the warm-up", "%", (Rule("at most", 5),)),
            Figure("soak_missing", "soak: records missing", "", (Rule("at most", 0),)),
            Figure("soak_surplus", "soak: records too many", "", (Rule("at most", 0),)),
            Figure("soak_open", "soak: upstream streams left open", "", (Rule("at most", 0),)),
        ),
        ours=True,
    ),
)
NAMES = tuple(measurement.name for measurement in MEASUREMENTS)
