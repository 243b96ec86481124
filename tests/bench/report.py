"""The results as a table for people and as JSON for programs."""

import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console, Group
from rich.table import Table

from tests.bench.bench import Results
from tests.bench.figures import MEASUREMENTS, Figure, Verdict, judge
from tests.bench.peers import OURS, PEERS

_WIDTH = 180
_MARKS = {True: "[green]yes[/]", False: "[red]no[/]", None: "–"}


def table(results: Results) -> Group:
    """Figures down, peers across, and what is to be reached."""
    peers = [peer for peer in PEERS if peer.name in results.values or _failed(results, peer.name)]
    grid = Table("figure", title=f"Sekisho beside its peers · {results.date} · {results.cpu}", header_style="bold")
    for peer in peers:
        grid.add_column(f"{peer.name}\n{peer.version}", justify="right")
    for heading in ("to reach", "is", "reached"):
        grid.add_column(heading)
    for figure in _measured(results):
        cells = [_number(results.values.get(peer.name, {}).get(figure.name)) for peer in peers]
        found = verdicts(results, figure)
        grid.add_row(
            f"{figure.title}{', ' + figure.unit if figure.unit else ''}",
            *cells,
            "\n".join(each.rule.text(figure.unit) for each in found),
            "\n".join(f"{_number(each.ratio)} ×" if each.ratio else "" for each in found),
            "\n".join(_MARKS[each.reached] for each in found),
        )
    effort = results.effort
    notes = [
        f"Before the run, other programs took {results.busy:.0%} of the CPUs.",
        f"One worker each, {results.cores}. Medians of {effort.runs}, {effort.seconds:g} s each under full load; "
        f"{effort.streams} streams of {effort.chunks} chunks, {effort.rate:g} a second each.",
        *(f"{peer.name} {peer.version}: {peer.note}." for peer in peers),
        *(f"[red]Not measured:[/] {each}" for each in results.failures),
    ]
    return Group(grid, *notes)


def show(results: Results, width: int | None = None) -> None:
    """Print the table; `width` in characters where the output is no terminal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=width or _WIDTH)
    console.print(table(results))


def verdicts(results: Results, figure: Figure) -> list[Verdict]:
    """The figure's rules held against the results."""
    ours = results.values.get(OURS, {}).get(figure.name)
    return [
        judge(figure, rule, ours, results.values.get(rule.peer, {}).get(figure.name) if rule.peer else None)
        for rule in figure.rules
    ]


def as_json(results: Results) -> str:
    """Everything, with the verdicts by figure."""
    judged = {figure.name: [asdict(each) for each in verdicts(results, figure)] for figure in _measured(results)}
    return json.dumps(
        {**asdict(results), "verdicts": {name: found for name, found in judged.items() if found}}, indent=2
    )


def write(results: Results, folder: Path) -> Path:
    """Keep the JSON, one file a run."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{results.date[:16].replace(' ', 'T').replace(':', '')}.json"
    file.write_text(as_json(results) + "\n")
    return file


def _measured(results: Results) -> list[Figure]:
    every = [figure for measurement in MEASUREMENTS for figure in measurement.figures]
    return [figure for figure in every if any(figure.name in values for values in results.values.values())]


def _failed(results: Results, peer: str) -> bool:
    return any(failure.startswith((f"{peer}:", f"{peer},")) for failure in results.failures)


def _number(value: float | None) -> str:
    """Three figures that count."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
