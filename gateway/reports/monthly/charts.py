"""Build the charts as Vega-Lite specifications."""

from collections.abc import Mapping, Sequence
from datetime import date

from gateway.reports.monthly.axes import HALF, Spec, chart, counts, days, marked, weekends
from gateway.reports.monthly.colours import INK, PAPER, SERIES
from gateway.reports.monthly.words import Words
from gateway.reports.rows import Row

_WAITS = [base * 10**power for power in range(7) for base in (1, 3)]
"""Milliseconds under a logarithmic axis."""
_MOST_BARS = 60


def stacked_days(
    rows: Sequence[Row],
    *,
    series: str,
    value: str,
    colours: dict[str, str],
    span: tuple[date, date],
    words: Words,
    marks: Mapping[date, str],
) -> Spec:
    """Return bars by day, one colour a series, with marked days."""
    order = list(colours)
    data = [
        {
            "day": row["day"],
            "series": row[series],
            "value": row[value],
            "rank": order.index(row[series]),
            "tip": f"{words.day(row['day'])} · {words.of(row[series])}: {words.number(row[value])}",
        }
        for row in rows
    ]
    bars = {
        "data": {"values": data},
        "mark": {"type": "bar", "width": {"band": 0.8}},
        "encoding": {
            "x": days(span, words),
            "y": {"field": "value", "type": "quantitative", "stack": True, "axis": counts(words)},
            "color": {
                "field": "series",
                "type": "nominal",
                "scale": {"domain": order, "range": list(colours.values())},
            },
            "order": {"field": "rank"},
            "description": {"field": "tip"},
        },
    }
    return chart([weekends(span, words), bars, *marked(marks, span, words)], height=210)


def line_of_days(rows: Sequence[Row], *, value: str, span: tuple[date, date], words: Words) -> Spec:
    """Return a line of shares by day."""
    data = [
        {"day": row["day"], "value": row[value], "tip": f"{words.day(row['day'])}: {words.share(row[value])}"}
        for row in rows
    ]
    x = {**days(span, words), "bandPosition": 0.5}
    y = {"field": "value", "type": "quantitative", "scale": {"domain": [0, 1]}, "axis": {"format": "%", "title": None}}
    encoding = {"x": x, "y": y, "description": {"field": "tip"}}
    mark = {"type": "line", "color": SERIES[0], "point": {"color": SERIES[0], "size": 36, "filled": True}}
    line = {"data": {"values": data}, "mark": mark, "encoding": encoding}
    return chart([weekends(span, words), line], height=130)


def histogram(bars: Sequence[tuple[int, int, int]], *, colour: str, x: str, y: str, words: Words) -> Spec:
    """Return bars of (first, last, count); tooltips show the range."""
    data = [
        {"first": first, "end": last + 1, "count": count, "tip": f"{words.range(first, last)}: {words.number(count)}"}
        for first, last, count in _merged(bars)
    ]
    encoding = {
        "x": {
            "field": "first",
            "type": "quantitative",
            "bin": {"binned": True},
            "axis": {"title": x, "tickCount": 5, "labelExpr": words.numbers},
        },
        "x2": {"field": "end"},
        "y": {"field": "count", "type": "quantitative", "axis": {**counts(words), "title": y}},
        "description": {"field": "tip"},
    }
    mark = {"type": "bar", "color": colour, "binSpacing": 1}
    return chart([{"data": {"values": data}, "mark": mark, "encoding": encoding}], width=HALF, height=150)


def _merged(bars: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Merge series until as many are left as can be told apart."""
    width = -(-(bars[-1][1] - bars[0][0] + 1) // _MOST_BARS) if bars else 1
    if bars and bars[0][0] != bars[0][1]:
        return list(bars)
    sums: dict[int, int] = {}
    for first, _, count in bars:
        begin = (first - 1) // width * width + 1
        sums[begin] = sums.get(begin, 0) + count
    return [(begin, begin + width - 1, count) for begin, count in sums.items()]


def hours(rows: Sequence[Row], *, value: str, share: bool, colour: str, words: Words) -> Spec:
    """Return a bar for each hour of the day."""
    told = words.share if share else words.decimal
    data = [{"hour": row["hour"], "value": row[value], "tip": f"{row['hour']}:00 – {told(row[value])}"} for row in rows]
    axis = {"title": None, "format": "%"} if share else {"title": None}
    encoding = {
        "x": {
            "field": "hour",
            "type": "ordinal",
            "axis": {"labelAngle": 0, "title": words["hour of the day"], "values": [0, 3, 6, 9, 12, 15, 18, 21]},
        },
        "y": {"field": "value", "type": "quantitative", "axis": axis},
        "description": {"field": "tip"},
    }
    mark = {"type": "bar", "color": colour}
    return chart([{"data": {"values": data}, "mark": mark, "encoding": encoding}], width=HALF, height=150)


def waits(rows: Sequence[Row], *, prefix: str, colour: str, words: Words) -> Spec:
    """Return a line a model from the median to the 99th percentile, with the 90th between; logarithmic."""
    names = ("p50", "p90", "p99")
    points = [
        {
            "model": row["model"],
            "ms": max(row[f"{prefix}_{name}"], 1),
            "tip": f"{row['model']} · {name}: {words.wait(row[f'{prefix}_{name}'])}",
            "size": size,
        }
        for row in rows
        for name, size in zip(names, (110, 60, 25), strict=True)
        if row[f"{prefix}_{name}"] is not None
    ]
    low = max((each for each in _WAITS if all(each <= point["ms"] for point in points)), default=1)
    high = min((each for each in _WAITS if all(each >= point["ms"] for point in points)), default=10**7)
    x = {
        "field": "ms",
        "type": "quantitative",
        "scale": {"type": "log", "domain": [low, high]},
        "axis": {"title": None, "grid": True, "values": _WAITS, "labelExpr": words.waits, "labelOverlap": True},
    }
    y = {
        "field": "model",
        "type": "nominal",
        "sort": None,
        "axis": {"title": None, "labelLimit": 180, "labelColor": INK},
    }
    size = {"field": "size", "type": "quantitative", "scale": None}
    shown = {"x": x, "y": y}
    layers = [
        {
            "mark": {"type": "line", "color": colour, "strokeWidth": 2},
            "encoding": {**shown, "detail": {"field": "model"}},
        },
        {
            "mark": {"type": "circle", "color": colour, "opacity": 1, "stroke": PAPER, "strokeWidth": 1},
            "encoding": {**shown, "size": size, "description": {"field": "tip"}},
        },
    ]
    height = 26 * max(len({point["model"] for point in points}), 1) + 10
    return {**chart(layers, width=HALF - 80, height=height), "data": {"values": points}}
