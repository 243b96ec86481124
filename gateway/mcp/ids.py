"""Ids that tell which machine's hub knows them. Pure."""

import re

_NAMED = re.compile(r"([0-9a-f]{16})\.(.+)")


def named(hub: str, id_: str) -> str:
    """Return an id that tells whose it is. `hub`: empty where there is only one."""
    return f"{hub}.{id_}" if hub else id_


def hub_of(id_: str) -> str | None:
    """Return whose an id is; None where it does not tell."""
    found = _NAMED.fullmatch(id_)
    return found[1] if found else None
