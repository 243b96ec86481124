"""The chart: stacked bars, one a day."""

import re
from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable
from html import escape
from typing import Any

from plugins.my_usage.rows import Row, cost_of, number, tokens_of
from plugins.my_usage.shown import Shown

COLOURS = ("#4269d0", "#e08e0b", "#3ca951", "#d1495b", "#8661c1", "#2aa5a0", "#8a8f98")  # the last: all others
WIDTH, HEIGHT, LEFT, BOTTOM = 640, 170, 84, 26  # of the chart, in pixels
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def colour(name: str, index: int) -> str:
    return COLOURS[index] if name else COLOURS[-1]


def compact(tokens: float) -> str:
    size = next((size for size in ((1e6, "M"), (1e3, "k")) if tokens >= size[0]), (1, ""))
    return f"{tokens / size[0]:.3g}{size[1]}"


def days_of(usage: dict[str, Any], rows: list[Row]) -> list[str]:
    """Return all days of the month that the usage begins in; those of the rows if it does not say."""
    start = str(usage.get("from"))
    if DAY.fullmatch(start) and 1 <= int(start[5:7]) <= 12 and start[:4] != "0000":
        days = monthrange(int(start[:4]), int(start[5:7]))[1]
        return [f"{start[:8]}{day:02}" for day in range(1, days + 1)]
    return sorted({day for row in rows if DAY.fullmatch(day := str(row.get("day"))[:10])})[:31]


def grid(highest: float, label: Callable[[float], str]) -> str:
    lines = []
    for share in (0.0, 0.5, 1.0):
        y = HEIGHT - share * (HEIGHT - 10)
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(label(highest * share))}</text>')
    return "".join(lines)


def bar(
    day: str,
    place: int,
    slot: float,
    amounts: dict[tuple[str, str], float],
    names: list[str],
    highest: float,
    label: Callable[[float], str],
) -> str:
    x, y, parts = LEFT + place * slot, float(HEIGHT), []
    for index, name in enumerate(names):
        height = amounts[day, name] / highest * (HEIGHT - 10)
        y -= height
        if height > 0:
            parts.append(
                f'<rect x="{x + slot * 0.15:.1f}" y="{y:.1f}" width="{slot * 0.7:.1f}" height="{height:.1f}" '
                f'fill="{colour(name, index)}"><title>{escape(day)} {escape(name)}: '
                f"{escape(label(amounts[day, name]))}</title></rect>"
            )
    if place % 5 == 0:
        parts.append(f'<text x="{x + slot / 2:.1f}" y="{HEIGHT + 20}" text-anchor="middle">{int(day[8:10])}</text>')
    return "".join(parts)


def chart(usage: dict[str, Any], rows: list[Row], models: dict[str, Row], shown: Shown) -> str:
    """Draw stacked bars, one a day; by cost, or by tokens if nothing has a price."""
    measure = cost_of if any(number(row, "cost_usd") for row in rows) else tokens_of
    days = days_of(usage, rows)
    amounts: dict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        name = str(row.get("model") or "?")
        amounts[str(row.get("day"))[:10], name if name in models else ""] += measure(row)
    highest = max((sum(amounts[day, name] for name in models) for day in days), default=0) or 1
    label = shown.money if measure is cost_of else compact
    slot = (WIDTH - LEFT) / max(1, len(days))
    bars = "".join(bar(day, place, slot, amounts, list(models), highest, label) for place, day in enumerate(days))
    title = shown.text["per_day" if measure is cost_of else "per_day_tokens"]
    return (
        f"<h2>{title}</h2>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + BOTTOM}" role="img" aria-label="{title}">'
        f"{grid(highest, label)}{bars}</svg>"
    )
