"""Tables as Markdown."""

from collections.abc import Sequence

RULE = frozenset("|- ")


def cell_text(text: str) -> str:
    """Return the text as it may stand in a cell: on one line, its own lines kept apart."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    shown = (line for line in lines if not set(line) <= RULE)  # a table inside needs no rule under its head
    return "<br>".join(shown).replace("|", "\\|")


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows under the first of them, the head, all of the same width."""
    width = max((len(row) for row in rows), default=0)
    lines = [f"| {' | '.join([*row, *[''] * (width - len(row))])} |" for row in rows]
    return "\n".join([*lines[:1], "|" + " --- |" * width, *lines[1:]]) if lines else ""
