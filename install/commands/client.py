"""`sekisho client`: the configuration of a coding tool or another client, printed, written or checked."""

import json as json_module
import os
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from gateway.project import find
from gateway.secret import Secret
from install.client import reports
from install.client.check import check as call_once
from install.client.keeping import KeyBox
from install.client.preparing import Wishes, for_everybody, key_folder, masked, prepare, split_command
from install.client.telling import lines
from install.client.tool import Tool
from install.client.tools import BY_NAME, TOOLS
from install.errors import UsageError
from install.options import GATEWAY, Json, Lang, given_secret
from install.wording import language_of, say, speak

MODELS = "Models"

Name = Annotated[str, typer.Argument(help=f"{', '.join(tool.name for tool in TOOLS)}.", metavar="TOOL")]
Address = Annotated[
    str | None,
    typer.Option(
        "--gateway",
        envvar="SEKISHO_GATEWAY_URL",
        help="Address of the gateway, e.g. https://gateway.example.com.",
        show_default="the one that a key is kept for, or that runs here",
        rich_help_panel=GATEWAY,
    ),
]
Key = Annotated[
    Secret | None,
    typer.Option(
        envvar="SEKISHO_API_KEY", parser=given_secret, metavar="KEY", help="Your own key.", rich_help_panel=GATEWAY
    ),
]
KeyCommand = Annotated[
    str | None,
    typer.Option(help="A command that prints the key, for tools that run one.", rich_help_panel=GATEWAY),
]
ModelName = Annotated[str | None, typer.Option("--model", rich_help_panel=MODELS, help="For the work itself.")]
Small = Annotated[
    str | None,
    typer.Option(
        "--small-model", rich_help_panel=MODELS, help="For titles and quick tasks.", show_default="the cheapest"
    ),
]
Completion = Annotated[
    str | None, typer.Option("--completion-model", rich_help_panel=MODELS, help="For completion while typing.")
]


def client(
    name: Name,
    gateway: Address = None,
    key: Key = None,
    key_command: KeyCommand = None,
    model: ModelName = None,
    small_model: Small = None,
    completion_model: Completion = None,
    write: Annotated[bool, typer.Option("--write", help="Write it into the tool's files, with a backup.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Make one call as the tool does, and say what is wrong.")
    ] = False,
    managed: Annotated[
        bool, typer.Option("--managed", help="Print what a company rolls out to every machine.")
    ] = False,
    mcp: Annotated[bool, typer.Option("--mcp", help="Add the gateway's tool servers.")] = False,
    show_key: Annotated[bool, typer.Option("--show-key", help="Print the key, too.")] = False,
    lang: Lang = None,
    json: Json = False,
) -> None:
    """Configure a coding tool, an editor or a library for the gateway: print it, write it, check it."""
    speak(language_of(lang, os.environ))
    tool = _tool(name)
    if managed and write:
        raise UsageError(say("--managed only prints."), say("Leave --write away, and roll out what is printed."))
    command = split_command(key_command) if key_command else None
    wishes = Wishes(
        address=_address(gateway),
        key=key,
        command=command,
        model=model,
        small=small_model,
        completion=completion_model,
        written=write or show_key,
    )
    setup = prepare(wishes, tool)
    if managed:
        _tell(reports.managed(tool, for_everybody(setup, tool)), json)
        return
    told = (
        reports.written(tool, setup, mcp, _tell_refused)
        if write
        else reports.printed(tool, setup if show_key else masked(setup), mcp)
    )
    failure = call_once(tool, setup, setup.key) if check and setup.key else None
    if check:
        told |= {"ready": reports.unwritten(tool, setup, mcp), "check": reports.checked(failure)}
    _tell(told, json)
    if failure:
        raise typer.Exit(1)


def _tool(name: str) -> Tool:
    tool = BY_NAME.get(name)
    if tool is None:
        raise UsageError(
            say("There is no client {name!r}.", name=name[:60]), say("There are: {names}.", names=", ".join(BY_NAME))
        )
    return tool


def _address(given: str | None) -> str:
    if given:
        return given
    if kept := KeyBox(key_folder()).newest():
        return kept
    project = find()
    if project:
        return project.gateway_url
    raise UsageError(say("The address of the gateway is missing."), say("Pass --gateway or set SEKISHO_GATEWAY_URL."))


def _tell(told: Mapping[str, Any], json: bool, *, err: bool = False) -> None:
    if json:
        typer.echo(json_module.dumps(told, ensure_ascii=False, indent=2))
        return
    for line in lines(told):
        typer.echo(line, err=err)


def _tell_refused(told: Mapping[str, Any]) -> None:
    _tell(told, False, err=True)
