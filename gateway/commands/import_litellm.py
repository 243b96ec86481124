"""`sekisho config import-litellm`: a configuration of LiteLLM as ours."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.common import AsJson, print_json
from gateway.importing.importing import Imported, import_litellm

_SHOWN = 200
"""Findings that a person is shown; `--json` has all."""


def command(
    file: Annotated[Path, typer.Argument(help="LiteLLM's config.yaml.", metavar="FILE")],
    out: Annotated[Path, typer.Option(help="The folder to write into; nothing in it is overwritten.")] = Path(
        "sekisho-config"
    ),
    as_json: AsJson = False,
) -> None:
    """Write our configuration from LiteLLM's, a file a cloud, and tell what became of every setting.

    exact: the same; approximate: nearly; manual: yours to do; unsupported: has no counterpart.
    """
    done = import_litellm(file, out)
    if as_json:
        print_json(_as_json(done))
        return
    for finding in done.findings[:_SHOWN]:
        typer.echo(f"{finding.kind}: {finding.place}: {finding.dotted}: {finding.words}")
    if (more := len(done.findings) - _SHOWN) > 0:
        typer.echo(f"… and {more} more findings; --json has all")
    _tell(done, out)


def _tell(done: Imported, out: Path) -> None:
    told = ", ".join(f"{count} {kind}" for kind, count in done.counts().items())
    typer.echo(f"{len(done.files)} files in {out} with {done.models} models; {told}.")
    if done.variables:
        typer.echo(f"Set in the environment: {', '.join(sorted(done.variables))}.")
    for problem in done.problems:
        typer.echo(f"to mend: {problem}")
    typer.echo(f"Then: sekisho config check --config {out / 'sekisho.yaml'}")


def _as_json(done: Imported) -> dict[str, object]:
    return {
        "files": [str(file) for file in done.files],
        "models": done.models,
        "counts": done.counts(),
        "variables": done.variables,
        "problems": done.problems,
        "findings": [
            {"kind": each.kind, "key": each.dotted, "place": each.place, "words": each.words} for each in done.findings
        ],
    }
