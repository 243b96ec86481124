"""What the sections share: what they are given, a legend's form, and charts that may have nothing to show."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from gateway.reports.monthly.axes import Spec
from gateway.reports.monthly.colours import variable
from gateway.reports.monthly.drawing import draw
from gateway.reports.monthly.html import Html, element, figure, legend, text
from gateway.reports.monthly.words import Words

Figures = Mapping[str, Any]
Days = tuple[date, date]
Marks = Mapping[date, str]
Section = Callable[[Figures, Words, Days, Marks], Html]


def named_colours(shown: Mapping[str, str], words: Words) -> Html:
    return legend({words.of(name): variable(colour) for name, colour in shown.items()})


def no_data(words: Words) -> Html:
    return element("p", text(words["no data"]), class_="empty")


def drawn(values: Sequence[object], spec: Spec, words: Words) -> Html:
    """Return a chart, or that there is nothing to show."""
    return draw(spec) if values else no_data(words)


def days_figure(values: Sequence[object], spec: Spec, words: Words, title: str = "") -> Html:
    """Return a chart by day; where a page is too narrow for it the newest days are seen first."""
    return figure(drawn(values, spec, words), title=title, class_="days")
