"""What `sekisho mcp` prints for people. What servers wrote is shown without control characters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from gateway.commands.common import moment

if TYPE_CHECKING:
    from gateway.mcp.catalog.pin import Pin
    from gateway.mcp.checking import Checked
    from gateway.mcp.overview import Noted, Offered, Overview

_COLUMNS = ("server", "where", "era", "tools", "resources", "prompts", "read (UTC)", "to accept", "signed in")
_LONGEST = 480
"""Characters of one text."""
_MOST_REMARKS = 20
"""Remarks of one kind about one server; JSON has all."""


def servers_table(found: Sequence[Overview]) -> Table:
    """Return a row a server."""
    table = Table(*_COLUMNS, box=None, header_style="bold")
    for each in found:
        waits = str(len(each.noted)) if each.noted else "–"
        people = "–" if each.signed_in is None else str(each.signed_in)
        cells = (each.server, each.where, *_cells(each.offered), waits, people)
        table.add_row(*(Text(plain(cell)) for cell in cells))
    return table


def _cells(offered: Offered | None) -> tuple[str, ...]:
    if offered is None:
        return "–", "–", "–", "–", "never"
    read = moment(round(offered.read_at * 1e6)) if offered.read_at else "to be read again"
    resources = f"{len(offered.tools)}", f"{offered.resources + offered.templates}", f"{len(offered.prompts)}"
    return f"{offered.era} {offered.version}", *resources, read


def details(found: Sequence[Overview], with_tools: bool) -> Iterator[str]:
    """Yield what a table has no room for: what waits to be accepted, what is left out, and every name."""
    for each in found:
        if with_tools and each.offered:
            yield from (f"{each.server}: tool {plain(name)}" for name in each.offered.tools)
            yield from (f"{each.server}: prompt {plain(name)}" for name in each.offered.prompts)
        yield from _remarks(each.server, each.offered, each.noted)


def checked_lines(found: Sequence[Checked]) -> Iterator[str]:
    """Yield what came of each server, first whether it works."""
    for each in found:
        if each.offered:
            yield f"{each.server}: works; {_told(each.transport or '', each.offered)}; {each.seconds:.1f} s"
        elif each.state == "skipped":
            yield f"{each.server}: not tried; {each.reason}"
        else:
            yield f"{each.server}: does not work; {_indented(each.reason)}"
        yield from _remarks(each.server, each.offered, each.noted)


def accepted_lines(server: str, accepted: Mapping[str, Pin]) -> Iterator[str]:
    """Yield what was accepted."""
    for name, pin in accepted.items():
        yield f"{server}: accepted '{plain(name)}' ({plain(pin.why)})"
    if not accepted:
        yield f"{server}: nothing waits to be accepted."


def _told(transport: str, offered: Offered) -> str:
    counts = {
        "tools": len(offered.tools),
        "resources": offered.resources,
        "templates": offered.templates,
        "prompts": len(offered.prompts),
    }
    listed = ", ".join(f"{count} {name}" for name, count in counts.items())
    return f"{transport}, {offered.era} {offered.version}; {listed}"


def _remarks(server: str, offered: Offered | None, noted: Sequence[Noted]) -> Iterator[str]:
    left_out = [f"left out: {plain(sentence)}" for sentence in (offered.left_out if offered else ())]
    for remarks in (left_out, [_remark(server, each) for each in noted]):
        yield from (f"{server}: {remark}" for remark in remarks[:_MOST_REMARKS])
        if len(remarks) > _MOST_REMARKS:
            yield f"{server}: … and {len(remarks) - _MOST_REMARKS} more like it; --json tells all"


def _remark(server: str, noted: Noted) -> str:
    state = "kept from clients" if noted.kept_back else "shown to clients"
    return (
        f"look at the definition of '{plain(noted.tool)}': {plain(noted.why)} ({state}); "
        f"`sekisho mcp accept {server}` accepts it"
    )


def _indented(text: str) -> str:
    """Return the lines of a reason, those after the first indented."""
    return "\n    ".join(plain(line, len(line)) for line in text.splitlines())


def plain(text: str, longest: int = _LONGEST) -> str:
    """Return a text that does nothing to a terminal: what cannot be seen is shown as its code."""
    shown = "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text[:longest])
    return f"{shown}…" if len(text) > longest else shown
