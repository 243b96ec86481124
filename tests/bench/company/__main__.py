"""`python -m tests.bench.company`: how often document search claims what is right, and what is not there."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from plugins.document_search.verdict import CERTAINTY
from tests.bench.company.measure import LANGUAGES, Report, Tally, measured_company, measured_corpus
from tests.bench.search_corpus import MISSING


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} % of {whole}" if whole else "-"


def table(reports: dict[str, Report]) -> Table:
    heads = ("pages", "kind", "clear answers that are right", "answered clearly", "claims on unanswerable ones")
    shown = Table(*heads, box=None, header_style="bold")
    for name, report in reports.items():
        rows: dict[str, Tally] = {**(report.kinds if len(report.kinds) > 1 else {}), "all": report.total}
        for kind, tally in rows.items():
            figures = (share(tally.right, tally.clear), share(tally.clear, tally.answerable))
            shown.add_row(name, kind, *figures, share(tally.claims, tally.unanswerable))
    return shown


def main(
    questions: Annotated[int, typer.Option(min=1, help="Of each language of the encyclopaedia.")] = 500,
    certainty: Annotated[float, typer.Option(min=0.5, max=1.0)] = CERTAINTY,
    calibration: Annotated[bool, typer.Option(help="The half of the questions on which settings are chosen.")] = False,
    wrong: Annotated[bool, typer.Option(help="Print what was claimed wrongly.")] = False,
) -> None:
    company = measured_company(not calibration, certainty)
    reports: dict[str, Report] = {f"company, {language}": company[language] for language in LANGUAGES}
    for language in LANGUAGES if not MISSING else ():
        reports[f"encyclopaedia, {language}"] = measured_corpus(language, questions, certainty)
    console = Console(stderr=True, width=150)
    console.print(MISSING or table(reports))
    for question, said in [each for report in reports.values() for each in report.wrong] if wrong else ():
        console.print(f"{question}\n    {said[:300]}", markup=False)
    typer.echo(
        json.dumps({name: {kind: asdict(t) for kind, t in each.kinds.items()} for name, each in reports.items()})
    )


if __name__ == "__main__":
    typer.run(main)
