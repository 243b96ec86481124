"""The programs that ask for a key: what people call them, and whether they renew it."""

from collections.abc import Mapping
from typing import NamedTuple

from gateway.identity.client import calling_client

_LONGEST = 40


class Program(NamedTuple):
    """A program as the page that asks for consent names it."""

    title: str
    known: bool = True
    """False: the title is what it says of itself."""


OWN = "sekisho"
"""The `client_id` of `sekisho login`."""
_PROGRAMS = {OWN: Program("sekisho"), "claude_code": Program("Claude Code")}


def program_of(client_id: str, surface: str, headers: Mapping[str, str]) -> Program:
    """Return the program of a request: by the name that it gives, else by its user agent."""
    given = client_id or surface
    if given in _PROGRAMS:
        return _PROGRAMS[given]
    name = given or calling_client(headers)
    return Program(named(name) or "?", known=False)


def named(text: str) -> str:
    """Return a program's own name in a form that can be shown and be part of an alias."""
    shown = "".join(each for each in text if each.isprintable() and each not in "/\\<>&\"'")
    return " ".join(shown.split())[:_LONGEST]
