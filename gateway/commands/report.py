"""`sekisho usage report`: a month as one HTML file."""

import re
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli_options import takes
from gateway.commands.common import DEFAULT, AsJson, ConfigFile, load, print_json
from gateway.commands.days import From, To, Zone, wrong_use
from gateway.errors import ConfigError
from gateway.files import write_file
from gateway.reports.connection import ask
from gateway.reports.monthly.comparison import OnPremises, priced_embedding, priced_models
from gateway.reports.monthly.drawing import warm_up
from gateway.reports.monthly.figures import Wanted, collect
from gateway.reports.monthly.page import Look, page
from gateway.reports.monthly.words import Language, Words
from gateway.reports.span import day_of, span_of

_PANEL = "The same month elsewhere"
_LONGEST_MARK = 60

Output = Annotated[Path, typer.Option("--output", "-o", help="The HTML file.", dir_okay=False)]
Marks = Annotated[
    list[str] | None, typer.Option("--mark", metavar="DAY=TEXT", help='A day to mark, e.g. 2025-04-18="training".')
]
Hide = Annotated[bool, typer.Option("--hide-names", help="Number people instead of naming them; teams stay.")]
Hours = Annotated[str, typer.Option(metavar="FROM-UNTIL", help="Working hours of Monday to Friday.")]
Compare = Annotated[
    list[str] | None,
    typer.Option(metavar="PROVIDER:MODEL", help="Whose price to compare with; repeatable.", rich_help_panel=_PANEL),
]
Currency = Annotated[str, typer.Option(help="What amounts are shown in; needs --per-usd.", rich_help_panel=_PANEL)]
PerUsd = Annotated[float | None, typer.Option(min=0, help="So much of it is one USD.", rich_help_panel=_PANEL)]


@dataclass(frozen=True, slots=True)
class OwnMachines:
    """What own machines cost in the report's time, in USD."""

    gpu_hours: Annotated[float, typer.Option(min=0, help="GPUs times hours.", rich_help_panel=_PANEL)] = 0
    gpu_hour_usd: Annotated[float, typer.Option(min=0, help="What one of them costs.", rich_help_panel=_PANEL)] = 0
    power_kwh: Annotated[float, typer.Option(min=0, help="Power used.", rich_help_panel=_PANEL)] = 0
    kwh_usd: Annotated[float, typer.Option(min=0, help="What a kWh costs.", rich_help_panel=_PANEL)] = 0
    people_usd: Annotated[float, typer.Option(min=0, help="People who run them.", rich_help_panel=_PANEL)] = 0


@takes(OwnMachines)
def report(
    machines: OwnMachines,
    output: Output,
    first: From = None,
    to: To = None,
    timezone: Zone = "UTC",
    lang: Annotated[Language, typer.Option(help="English or Japanese.")] = "en",
    mark: Marks = None,
    hide_names: Hide = False,
    working_hours: Hours = "9-18",
    compare: Compare = None,
    currency: Currency = "USD",
    per_usd: PerUsd = None,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Write one HTML file about a month: it needs nothing else, is light and dark, and prints well."""
    loaded = load(config).config
    words = Words(lang, *_money(currency, per_usd))
    with wrong_use():
        span, look = span_of(first, to, timezone), Look(words, _marks(mark or []))
    warm_up()
    priced, own = priced_models(loaded, compare or ()), OnPremises(**asdict(machines))
    settings = Wanted(span, hide_names, _hours(working_hours), priced, priced_embedding(loaded), own)
    figures = ask(loaded, span, lambda connection: collect(connection, settings))
    _write(output, page(figures, look).encode())
    if as_json:
        print_json(figures)
    else:
        typer.echo(f"{output}: {figures['totals']['requests']:,} requests of {span.first} to {span.last}.")


def _write(output: Path, content: bytes) -> None:
    """Write a file, whole or not at all; a device or a pipe as it is."""
    if output.exists() and not output.is_file():
        output.write_bytes(content)
    else:
        write_file(output.resolve(), content)


def _money(currency: str, per_usd: float | None) -> tuple[str, float]:
    if not re.fullmatch("[A-Z]{3}", currency):
        raise ConfigError(f"currency: '{currency}' is not one such as JPY")
    if currency != "USD" and not per_usd:
        raise ConfigError(f"per-usd: say how many {currency} one USD is, e.g. --currency JPY --per-usd 150")
    return currency, per_usd or 1.0


def _marks(marks: list[str]) -> dict[date, str]:
    pairs = (each.partition("=") for each in marks)
    return {day_of("mark", day): text.strip().strip('"')[:_LONGEST_MARK] or "•" for day, _, text in pairs}


def _hours(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,2})-(\d{1,2})", text)
    first, last = (int(each) for each in match.groups()) if match else (0, 0)
    if not 0 <= first < last <= 24:
        raise ConfigError(f"working-hours: '{text}' is not such as 9-18")
    return first, last
