"""Pieces of HTML. Everything that comes from outside is escaped here, and only here."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import NewType

Html = NewType("Html", str)
"""Text that is safe to stand in a page."""


def text(value: object) -> Html:
    return Html(escape(str(value)))


def joined(parts: Iterable[Html]) -> Html:
    return Html("".join(parts))


def element(name: str, *content: Html, **attributes: str) -> Html:
    """Return an element; `class_` is its class, `data_tip` its data-tip."""
    told = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{told}>{''.join(content)}</{name}>")


def section(title: str, *content: Html, about: str = "", short: bool = True) -> Html:
    """Return a section; a `short` one is never broken over two sheets of paper."""
    head = [element("h2", text(title))]
    if about:
        head.append(element("p", text(about), class_="about"))
    return element("section", *head, *content, class_="short" if short else "long")


def figure(*content: Html, title: str = "", class_: str = "") -> Html:
    return element("figure", *([element("h3", text(title))] if title else []), *content, class_=class_)


def pair(*figures: Html) -> Html:
    return element("div", *figures, class_="pair")


def legend(colours: Mapping[str, str]) -> Html:
    """Names with their colours (CSS)."""
    return element(
        "ul", *(element("li", swatch(colour), text(name)) for name, colour in colours.items()), class_="legend"
    )


def swatch(colour: str) -> Html:
    return element("i", class_="swatch", style=f"background:{colour}")


def bar(share: float, colour: str, tip: str = "") -> Html:
    """Return a bar in a table's cell; `share` is of the longest."""
    return element("i", style=f"width:{max(share, 0) * 100:.2f}%;background:{colour}", data_tip=tip)


def whole(parts: Sequence[tuple[float, str, str]]) -> Html:
    """Return one bar cut into shares: (share, colour, tip)."""
    pieces = (element("i", style=f"flex:{share:.6f};background:{colour}", data_tip=tip) for share, colour, tip in parts)
    return element("div", *pieces, class_="whole")


def table(
    columns: Sequence[tuple[str, str]],
    rows: Iterable[tuple[str, Sequence[Html]]],
    groups: Sequence[tuple[str, int]] = (),
) -> Html:
    """Return a table: `columns` (heading, class of cells: "", "n" for numbers, "bar"), `rows` (class, cells).

    `groups` stand above the headings: (heading, number of columns).
    """
    above = [element("th", text(name), class_="group", colspan=str(count)) for name, count in groups]
    heads = [element("th", text(name), class_=kind) for name, kind in columns]
    head = joined(element("tr", *cells) for cells in (above, heads) if cells)
    body = (element("tr", *_cells(columns, cells), class_=of) for of, cells in rows)
    return element("div", element("table", element("thead", head), element("tbody", *body)), class_="wide")


def _cells(columns: Sequence[tuple[str, str]], cells: Sequence[Html]) -> Iterable[Html]:
    return (element("td", cell, class_=kind) for cell, (_, kind) in zip(cells, columns, strict=True))
