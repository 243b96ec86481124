"""Charts as data: the template draws them as SVG, sizes in its units, without a style."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

WIDTH, HEIGHT = 640, 150
_LEFT, _BOTTOM, _TOP = 4, 26, 24
_GAP = 0.25
_MOST_LABELS = 8
Place = Literal["first", "inner", "last"]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a chart."""

    x: float
    y: float
    width: float
    height: float
    label: str
    shown: str
    """The value, as people read it."""
    place: Place | None
    """How its label stands below it; None = it does not, as with many bars only some do."""

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)

    @property
    def right(self) -> float:
        return round(self.x + self.width, 1)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with a bar for each value."""

    title: str
    bars: Sequence[Bar]
    highest: str
    """The largest value, as people read it."""
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def ground(self) -> int:
        return HEIGHT - _BOTTOM


def columns(title: str, values: Sequence[tuple[str, float, str]]) -> Chart:
    """Return a chart of columns; `values` are label, value and the value as people read it."""
    highest = max((value for _, value, _ in values), default=0)
    step = (WIDTH - _LEFT) / max(len(values), 1)
    every = max(1, -(-len(values) // _MOST_LABELS))
    room = HEIGHT - _BOTTOM - _TOP
    bars = []
    for number, (label, value, shown) in enumerate(values):
        height = round(room * value / highest, 1) if highest > 0 else 0.0
        x, width = round(_LEFT + number * step, 1), round(step * (1 - _GAP), 1)
        place = _place(number, len(values), every)
        bars.append(Bar(x, HEIGHT - _BOTTOM - height, width, height, label, shown, place))
    top = next((shown for _, value, shown in values if value == highest), "") if highest > 0 else ""
    return Chart(title, bars, top)


def _place(number: int, count: int, every: int) -> Place | None:
    """Return how a label stands: the ends at the chart's sides, some between them, none close to the last."""
    if number == 0:
        return "first"
    if number == count - 1:
        return "last"
    return "inner" if number % every == 0 and count - 1 - number >= every else None


def share(part: float, whole: float) -> int:
    """Return a part in percent of a whole, 0 to 100, for a meter."""
    return round(max(0.0, min(1.0, part / whole)) * 100) if whole > 0 else 100
