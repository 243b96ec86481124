"""What the sections share: what they are given, and a legend's form."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from gateway.reports.monthly.colours import variable
from gateway.reports.monthly.html import Html, legend
from gateway.reports.monthly.words import Words

Figures = Mapping[str, Any]
Days = tuple[date, date]
Marks = Mapping[date, str]
Section = Callable[[Figures, Words, Days, Marks], Html]


def named_colours(shown: Mapping[str, str], words: Words) -> Html:
    return legend({words.of(name): variable(colour) for name, colour in shown.items()})
