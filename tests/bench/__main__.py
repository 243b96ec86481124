"""`python -m tests.bench`: measure, print, keep."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests.bench import bench, figures, peers, report
from tests.bench.install import Unavailable
from tests.bench.processes import NotStarted
from tests.bench.running import FULL, QUICK

_ROOT = Path(__file__).parents[2]


def _named(given: str | None, known: tuple[str, ...], option: str) -> list[str]:
    """The names in a list with commas; all where there is none."""
    names = given.split(",") if given else list(known)
    if unknown := set(names) - set(known):
        raise typer.BadParameter(
            f"{', '.join(sorted(unknown))}: unknown; there are {', '.join(known)}", param_hint=option
        )
    return names


def main(
    quick: Annotated[bool, typer.Option("--quick", help="One short run of everything, to see that it works.")] = False,
    peer_names: Annotated[str | None, typer.Option("--peers", help=f"Of {','.join(peers.NAMES)}.")] = None,
    only: Annotated[str | None, typer.Option(help=f"Of {','.join(figures.NAMES)}.")] = None,
    runs: Annotated[int | None, typer.Option(min=1, help="Medians of so many.")] = None,
    seconds: Annotated[float | None, typer.Option(min=1, help="Each run under full load.")] = None,
    soak: Annotated[float | None, typer.Option(min=5, help="Seconds of the soak; 600 unless --quick.")] = None,
    source: Annotated[Path, typer.Option(help="The folder of another gateway/, for before and after.")] = _ROOT,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Measure the gateway with everything on beside its peers, on this machine, in one run.

    Installs what is missing into tests/bench/.env-* and keeps the JSON in bench-results/.

    Example: python -m tests.bench --quick --peers nginx,sekisho --only chat,streams
    """
    effort = QUICK if quick else FULL
    effort = replace(effort, runs=runs or effort.runs, seconds=seconds or effort.seconds, soak=soak or effort.soak)
    progress = Console(stderr=True, highlight=False)
    wanted = _named(peer_names, peers.NAMES, "--peers"), _named(only, figures.NAMES, "--only")
    try:
        results = bench.run(*wanted, effort, source.resolve(), progress.print)
    except (Unavailable, NotStarted) as error:
        progress.print(f"Nothing can be measured: {error}")
        raise typer.Exit(1) from None
    file = report.write(results, _ROOT / "bench-results")
    if as_json:
        typer.echo(report.as_json(results))
    else:
        report.show(results)
    progress.print(f"Kept in {file.relative_to(_ROOT)}")


if __name__ == "__main__":
    typer.run(main)
