"""`sekisho new`, `check`, `dev` and `test`: for those who write plugins."""

# ruff: noqa: PT028 -- `test` is a verb of the command line here

import os
import signal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from install import report
from install.errors import InstallError
from install.kit.check import check as check_file
from install.kit.check import committed, graded, known_rules, plugin_files
from install.kit.finding import Finding, Language
from install.options import Json, ServerOptions, takes_server_options
from install.wording import language_of, spoken


class Kind(StrEnum):
    pipe = "pipe"
    filter = "filter"
    tool = "tool"
    action = "action"


Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        exists=True,
        metavar="[FILE|FOLDER]…",
        help="Plugin files, or folders with pipes/, filters/, tools/, functions/.",
        show_default="this folder",
    ),
]
Ignore = Annotated[list[str] | None, typer.Option(help="Accept what breaks this rule; may be repeated.")]
Lang = Annotated[Language | None, typer.Option(help="Of the sentences.", show_default="that of the terminal")]
HERE = Path()


def new(
    kind: Annotated[Kind, typer.Argument(help="An agent in the model menu, a filter, tools for models, a button.")],
    name: Annotated[str, typer.Argument(help="Its id and file name: a-z, 0-9 and _.")],
    folder: Annotated[Path, typer.Option(file_okay=False, help="Where your plugins are.")] = HERE,
    title: Annotated[str | None, typer.Option(help="What people read.", show_default="made of the name")] = None,
    title_ja: Annotated[str | None, typer.Option(help="The same in Japanese.", show_default="the title")] = None,
) -> None:
    """Write a small plugin that works at once, in English and Japanese, with a test and recorded conversations."""
    from install.kit.scaffold import scaffold

    plugin, *others = scaffold(kind, name, folder, title, title_ja)
    for path in (plugin, *others):
        print(path)
    print(
        f"\nNext:\n  sekisho check {plugin}\n  sekisho test {plugin}\n  sekisho dev {plugin} --url http://localhost:8080"
    )


def check(
    paths: Paths = None,
    ignore: Ignore = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Warnings and matters of style (two languages, …) are errors, too.")
    ] = False,
    compare: Annotated[bool, typer.Option(help="Compare the settings with the last commit.")] = True,
    lang: Lang = None,
    json: Json = False,
) -> None:
    """Check plugins against the rules of Open WebUI, without running them. Exits with 1 if one has an error.

    An error breaks at run time, a warning is risky.
    """
    from install.kit import screen

    ignored = known_rules(ignore or ())
    files = plugin_files(paths or [HERE])
    every = {path: check_file(path, former=committed(path) if compare else None, ignored=ignored) for path in files}
    found = {path: graded(findings, strict=strict) for path, findings in every.items()}
    if json:
        print(screen.findings_as_json(found))
    else:
        _show(found, language_of(lang, os.environ))
    if errors := sum(each.severity == "error" for each in _every(found)):
        lines = "1 line breaks a rule" if errors == 1 else f"{errors} lines break rules"
        raise InstallError(f"{lines}.", "Each is named above with its remedy; `--ignore RULE` accepts one.")


def test(
    plugins: Annotated[list[Path], typer.Argument(exists=True, metavar="FILE|FOLDER…", help="Plugin files.")],
    conversation: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Recorded conversations; may be repeated.",
            show_default="tests/conversations/NAME.yaml",
        ),
    ] = None,
    python: Annotated[
        Path | None,
        typer.Option(
            envvar="SEKISHO_OPEN_WEBUI_PYTHON",
            help="Python of an environment with Open WebUI.",
            show_default=".venv-open-webui/bin/python here or above",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Play recorded conversations to plugins inside the real Open WebUI. Exits with 1 if one goes another way."""
    from install.kit import screen
    from install.kit.drive import conversations_of, open_webui_python, play, running

    interpreter = open_webui_python(python)
    recorded = {plugin: conversations_of(plugin, conversation or ()) for plugin in plugin_files(plugins)}
    out = report.quiet() if json else report.console()
    with out.status("Starting Open WebUI …"), running(interpreter) as host:
        played = [each for plugin, found in recorded.items() for each in play(host, plugin, found)]
    if json:
        print(screen.played_as_json(played))
    else:
        screen.played(played, out)
    if failed := sum(not each.passed for each in played):
        raise InstallError(f"{failed} of {len(played)} conversations failed.", "What differs is listed above.")


@takes_server_options
def dev(
    server: ServerOptions,
    paths: Paths = None,
    once: Annotated[
        bool, typer.Option("--once", help="Push, then end; exits with 1 if something was kept back.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what was not pushed from here.")] = False,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="New filters and buttons work in every chat, for everybody.")
    ] = False,
    log: Annotated[Path | None, typer.Option(help="Follow this log of Open WebUI for lines of the plugins.")] = None,
    ignore: Ignore = None,
) -> None:
    """Push plugins into a running Open WebUI whenever they are saved, once the rules hold. Ctrl-C ends it."""
    from install.kit.dev import Bench
    from install.kit.logs import Log
    from install.kit.push import Pusher

    signal.signal(signal.SIGTERM, _interrupt)
    followed = Log(log) if log else None
    files = paths or [HERE]
    plugin_files(files)
    with server.connected() as client:
        pusher = Pusher(client, force, everywhere, known_rules(ignore or ()))
        bench = Bench(pusher, report.console(), spoken(), followed)
        try:
            kept_back = bench.push_all(files) if once else bench.watch(files)
        except KeyboardInterrupt:
            print("Stopped.")
            return
    if kept_back:
        count = "1 file was" if kept_back == 1 else f"{kept_back} files were"
        raise InstallError(f"{count} kept back.", "The reasons are above.")


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _every(found: dict[Path, list[Finding]]) -> list[Finding]:
    return [each for findings in found.values() for each in findings]


def _show(found: dict[Path, list[Finding]], language: Language) -> None:
    from install.kit import screen

    out = report.console()
    for path, findings in found.items():
        for each in findings:
            out.print(screen.finding(path, each, language))
    out.print(f"{_count(len(found), 'file')}, {_count(len(_every(found)), 'finding')}.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
