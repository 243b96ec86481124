"""Colours by role. Charts are drawn with stand-ins that become CSS variables, so that one drawing is light and dark."""

INK, MUTED, GRID, PAPER, MARK = "#010101", "#020202", "#030303", "#040404", "#050505"
SERIES = tuple(f"#0a000{number}" for number in range(1, 9))
"""Told apart also by people who see colours differently (Okabe and Ito's set, toned for paper and screen)."""

_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    PAPER: "--paper",
    MARK: "--mark",
    **{colour: f"--c{number}" for number, colour in enumerate(SERIES, 1)},
}

KINDS = ("completion", "chat", "agent", "task", "embedding", "other")
OUTCOMES = ("error", "refused", "cancelled")


def of_kind(kind: str) -> str:
    """Return the colour of a kind, the same on every page."""
    return SERIES[KINDS.index(kind)] if kind in KINDS else SERIES[-1]


def of_outcome(outcome: str) -> str:
    return dict(zip(OUTCOMES, (SERIES[5], SERIES[1], SERIES[6]), strict=True)).get(outcome, MUTED)


def variable(colour: str) -> str:
    """Return a colour as CSS."""
    return f"var({_VARIABLES[colour]})"


def themed(svg: str) -> str:
    """Return a drawing whose colours follow the page."""
    for colour in _VARIABLES:
        svg = svg.replace(f'"{colour}"', f'"{variable(colour)}"')
    return svg
