"""The report's figures, worked out again from the records in plain Python: no SQL, no shared code but the records."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import ceil
from statistics import median
from typing import Any

from gateway.ledger.record import Record

JAPAN = timedelta(hours=9)
TASKS = ("title_generation", "tags_generation")


def moment(year: int, month: int, day: int) -> int:
    """A midnight in UTC, as the ledger counts."""
    return int(datetime(year, month, day, tzinfo=UTC).timestamp() * 1e6)


def clock(record: Record) -> datetime:
    """A record's start on a wall in Japan."""
    return datetime(1970, 1, 1) + timedelta(microseconds=record.started_at) + JAPAN


def day(record: Record) -> str:
    return str(clock(record).date())


def kind(record: Record) -> str:
    if record.api in ("embeddings", "completions"):
        return {"embeddings": "embedding", "completions": "completion"}[record.api]
    if record.task in TASKS:
        return "task"
    return "agent" if record.client in ("claude-code", "codex") else "chat"


def person(record: Record) -> str | None:
    found = record.user_email or record.user_id
    return found.lower() if found else None


def tokens(record: Record) -> int:
    return (record.input_tokens or 0) + (record.output_tokens or 0)


def usd(records: Iterable[Record]) -> float:
    return sum(record.cost_nano_usd or 0 for record in records) / 1e9


def grouped(records: Iterable[Record], *by: Callable[[Record], Any]) -> dict[Any, list[Record]]:
    groups: dict[Any, list[Record]] = defaultdict(list)
    for record in records:
        key = tuple(each(record) for each in by)
        groups[key if len(by) > 1 else key[0]].append(record)
    return dict(groups)


def sums(records: Sequence[Record]) -> dict[str, Any]:
    return {
        "requests": len(records),
        "people": len({person(record) for record in records} - {None}),
        "input_tokens": sum(record.input_tokens or 0 for record in records),
        "output_tokens": sum(record.output_tokens or 0 for record in records),
        "cached_input_tokens": sum(record.cached_input_tokens or 0 for record in records),
        "cost_usd": usd(records),
    }


def totals(records: Sequence[Record], first: date, last: date) -> dict[str, Any]:
    outcomes = Counter(record.outcome for record in records)
    return {
        "from": str(first),
        "to": str(last),
        "timezone": "Asia/Tokyo",
        "days": (last - first).days + 1,
        **sums(records),
        "ok": outcomes["ok"],
        "errors": outcomes["error"],
        "refused": outcomes["refused"],
        "cancelled": outcomes["cancelled"],
        "without_price": sum(1 for record in records if record.cost_nano_usd is None and tokens(record)),
        "days_with_traffic": len({day(record) for record in records}),
        "models": len({record.model for record in records} - {None}),
        "embedding_requests": len(embedded := [record for record in records if kind(record) == "embedding"]),
        "embedding_tokens": sum(record.input_tokens or 0 for record in embedded),
        "embedding_cost_usd": usd(embedded),
    }


def kinds(records: Sequence[Record]) -> list[dict[str, Any]]:
    groups = sorted(grouped(records, kind).items(), key=lambda each: (-len(each[1]), each[0]))
    return [{"kind": name, **sums(those), "share": len(those) / len(records)} for name, those in groups]


def models(records: Sequence[Record]) -> list[dict[str, Any]]:
    groups = grouped(records, lambda record: record.model or "–")
    told = [{"model": name, **sums(those)} for name, those in groups.items()]
    for row in told:
        row["cache_share"] = row["cached_input_tokens"] / row["input_tokens"] if row["input_tokens"] else 0
    return sorted(told, key=lambda row: (-row["input_tokens"] - row["output_tokens"], row["model"]))


def requests_by_day(records: Sequence[Record]) -> list[dict[str, Any]]:
    groups = sorted(grouped(records, day, kind).items())
    return [{"day": at, "kind": name, "requests": len(those)} for (at, name), those in groups]


def tokens_by_day(records: Sequence[Record]) -> list[dict[str, Any]]:
    groups = sorted(grouped(records, day, lambda record: record.model or "–").items())
    told = [{"day": at, "model": model, "tokens": sum(map(tokens, those))} for (at, model), those in groups]
    return [row for row in told if row["tokens"]]


def cache_by_day(records: Sequence[Record]) -> list[dict[str, Any]]:
    told = [(at, sums(those)) for at, those in sorted(grouped(records, day).items())]
    return [{"day": at, "share": row["cached_input_tokens"] / row["input_tokens"]} for at, row in told]


def spread(records: Sequence[Record], name: str, width: int) -> dict[str, Any]:
    counts = sorted(Counter(person(record) for record in records if kind(record) == name and person(record)).values())
    bins = Counter(count // width * width for count in counts)
    busiest = counts[-ceil(len(counts) / 10) :]
    return {
        "kind": name,
        "people": len(counts),
        "mean": sum(counts) / len(counts),
        "median": median(counts),
        "most": counts[-1],
        "share_of_busiest_tenth": sum(busiest) / sum(counts),
        "bin_width": width,
        "histogram": [{"first": at, "last": at + width - 1, "people": many} for at, many in sorted(bins.items())],
    }


def cost_rows(records: Sequence[Record], name: str, by: Callable[[Record], str | None]) -> list[dict[str, Any]]:
    rows = [
        {name: who, "requests": len(those), "tokens": sum(map(tokens, those)), "cost_usd": usd(those)}
        for who, those in grouped(records, by).items()
    ]
    return sorted(rows, key=lambda row: (-row["cost_usd"], -row["requests"], str(row[name])))


def bursts(records: Sequence[Record], seconds: int) -> dict[str, Any]:
    times = sorted(record.started_at for record in records)
    counts = [bisect_left(times, time + seconds * 10**6) - number for number, time in enumerate(times)]
    peak = max(counts)
    moment = datetime(1970, 1, 1) + timedelta(microseconds=times[counts.index(peak)]) + JAPAN
    return {
        "seconds": seconds,
        "peak": peak,
        "peak_at": moment.isoformat(),
        "mean": sum(counts) / len(counts),
        "p99": sorted(counts)[ceil(0.99 * len(counts)) - 1],
        "histogram": [{"arrivals": size, "requests": many} for size, many in sorted(Counter(counts).items())],
    }


class Running:
    """Seconds at each level, by hour of the wall's time; a sweep over starts and ends."""

    def __init__(self, records: Iterable[Record], first: date, last: date) -> None:
        self.begin = datetime(first.year, first.month, first.day)
        self.end = datetime(last.year, last.month, last.day) + timedelta(days=1)
        self.pieces: list[tuple[datetime, float, int]] = []
        steps: Counter[datetime] = Counter()
        for record in records:
            self._add(record, steps)
        hours = int((self.end - self.begin).total_seconds() // 3600)
        moments = sorted({*steps, *(self.begin + timedelta(hours=hour) for hour in range(hours + 1))})
        level = 0
        for moment, following in pairwise(moments):
            level += steps[moment]
            self.pieces.append((moment, (following - moment).total_seconds(), level))

    def _add(self, record: Record, steps: "Counter[datetime]") -> None:
        if record.outcome == "refused" or record.model is None or record.duration_ms is None:
            return
        begins = clock(record) + timedelta(milliseconds=record.queue_ms or 0)
        ends = min(clock(record) + timedelta(milliseconds=record.duration_ms), self.end)
        if begins < ends:
            steps[begins] += 1
            steps[ends] -= 1

    def figures(self, wanted: Callable[[datetime], bool] = lambda _: True) -> dict[str, float]:
        those = [piece for piece in self.pieces if wanted(piece[0])]
        whole = sum(seconds for _, seconds, _ in those)
        return {
            "peak": max(level for _, _, level in those),
            "mean": sum(seconds * level for _, seconds, level in those) / whole,
            "busy_share": sum(seconds for _, seconds, level in those if level) / whole,
        }


def quantile(values: Iterable[int | None], share: float) -> float | None:
    """Linear between the two nearest."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    place = share * (len(known) - 1)
    low = int(place)
    high = min(low + 1, len(known) - 1)
    return known[low] + (known[high] - known[low]) * (place - low)
