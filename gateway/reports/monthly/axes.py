"""Common parts of the charts, as Vega-Lite: frame, axis of days, weekends and marked days."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from gateway.reports.monthly.colours import GRID, MARK, MUTED
from gateway.reports.monthly.words import Words

Spec = dict[str, Any]

WHOLE, HALF = 760, 340
"""Widths in the page's own pixels; drawings scale with the page."""

_PLOT = WHOLE - 60
_DAY_LABELS = 15
_DAY_STEPS = (1, 2, 3, 5, 7, 14, 30, 61, 122, 365)

CONFIG: Spec = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "gridColor": GRID,
        "domainColor": MUTED,
        "tickColor": GRID,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "axisY": {"domain": False, "ticks": False, "labelPadding": 6, "tickCount": 5},
    "axisX": {"grid": False, "labelPadding": 5, "labelFlush": False},
    "legend": {"disable": True},
}


def days(span: tuple[date, date], words: Words) -> Spec:
    """Return labels under the middle of every first, second, fifth … day."""
    first, last = span
    count = (last - first).days + 1
    step = next((step for step in _DAY_STEPS if count <= _DAY_LABELS * step), _DAY_STEPS[-1])
    labels = [_utc(first + timedelta(days=number)) for number in range(0, count, step)]
    axis: Spec = {"title": None, "format": words.day_format, "labelOverlap": False, "grid": False, "values": labels}
    axis |= {"labelOffset": _PLOT / count / 2, "ticks": False}
    return {
        "field": "day",
        "type": "temporal",
        "timeUnit": "utcyearmonthdate",
        "scale": {"type": "utc", "domain": [_utc(first), _utc(last + timedelta(days=1))]},
        "axis": axis,
    }


def _utc(day: date) -> Spec:
    return {"year": day.year, "month": day.month, "date": day.day, "utc": True}


def weekends(span: tuple[date, date], words: Words) -> Spec:
    """Return a shade behind Saturdays and Sundays, if days are wide enough."""
    first, last = span
    every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    found = [{"day": f"{day}", "next": f"{day + timedelta(days=1)}"} for day in every if day.weekday() >= 5]
    return {
        "data": {
            "values": found if len(every) <= 100 else [],
            "format": {"parse": {"day": "utc:'%Y-%m-%d'", "next": "utc:'%Y-%m-%d'"}},
        },
        "mark": {"type": "rect", "color": GRID, "opacity": 0.45, "aria": False},
        "encoding": {
            "x": {**days(span, words), "timeUnit": None},
            "x2": {"field": "next"},
        },
    }


def marked(marks: Mapping[date, str], span: tuple[date, date], words: Words) -> list[Spec]:
    within = [
        {"day": f"{day}", "text": text, "tip": f"{words.day(f'{day}')}: {text}"}
        for day, text in marks.items()
        if span[0] <= day <= span[1]
    ]
    if not within:
        return []
    data = {"values": within}
    x = days(span, words)
    line = {"type": "rule", "color": MARK, "strokeDash": [4, 3], "strokeWidth": 1.5}
    text = {"type": "text", "color": MARK, "align": "left", "dx": 4, "dy": -6, "fontSize": 11, "fontWeight": "bold"}
    shown = {"x": {**x, "bandPosition": 0}, "description": {"field": "tip"}}
    return [
        {"data": data, "mark": line, "encoding": shown},
        {"data": data, "mark": text, "encoding": {**shown, "y": {"value": 0}, "text": {"field": "text"}}},
    ]


def counts(words: Words) -> Spec:
    return {"title": None, "labelExpr": words.numbers}


def chart(layers: Sequence[Spec], *, width: int = _PLOT, height: int) -> Spec:
    return {"width": width, "height": height, "padding": 4, "layer": list(layers), "config": CONFIG}
