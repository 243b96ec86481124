"""What a row of the table of tools says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from install.client.documents import FormatName
from install.client.setup import OWN_KEY, VARIABLE, Setup

Wire = Literal["chat", "responses", "messages", "gemini", "infill", "models"]
"""By which wire a tool asks, for a check that asks in the same way."""


@dataclass(frozen=True, slots=True)
class File:
    """A file and the content that it has to hold; what else stands in it stays."""

    path: Path
    format: FormatName
    content: Any


def _nothing(setup: Setup) -> Sequence[Any]:
    return ()


def _no_variables(setup: Setup) -> Mapping[str, str]:
    return {}


def _own_key(setup: Setup) -> Mapping[str, str]:
    return {} if setup.command else {VARIABLE: OWN_KEY}


@dataclass(frozen=True, slots=True)
class Tool:
    """A client of the gateway and how it is configured."""

    name: str
    title: str
    wire: Wire
    files: Callable[[Setup], Sequence[File]] = _nothing
    steps: Callable[[Setup], Sequence[str]] = _nothing
    """What a person has to do by hand, sentences in their language."""
    variables: Callable[[Setup], Mapping[str, str]] = _no_variables
    """Environment variables without which the files do not work."""
    managed: Callable[[Setup], Sequence[File]] = _nothing
    """What a company rolls out to every machine; never with a person's key."""
    managed_variables: Callable[[Setup], Mapping[str, str]] = _own_key
    """Environment variables that each person, or the machine, has to have beside it."""
    machine: tuple[str, ...] = ()
    """Files of the machine that overrule a person's; where one exists, the configuration is managed."""
    takes_command: bool = False
    """Whether the tool runs a command for its key."""
    mcp: Callable[[Setup], Sequence[File]] = _nothing
    mcp_variables: Callable[[Setup], Mapping[str, str]] = _no_variables
    second: bool = field(default=False, kw_only=True)
    """Whether the tool uses a second model."""
