"""Render the report as one HTML page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from gateway.reports.monthly import sections
from gateway.reports.monthly.html import Html, element, joined, text
from gateway.reports.monthly.words import Words

_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="generator" content="Sekisho">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
<div id="tip" role="presentation"></div>
<script type="application/json" id="figures">{figures}</script>
<script>
{script}</script>
</body>
</html>
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""Nothing is ever loaded."""


@dataclass(frozen=True, slots=True)
class Look:
    """Settings of the page. `marks` are days with a word for each."""

    words: Words = field(default_factory=Words)
    marks: Mapping[date, str] = field(default_factory=dict)


def page(figures: Mapping[str, Any], look: Look, now: datetime | None = None) -> str:
    """Return the page, which contains the figures as JSON (`#figures`)."""
    words, totals = look.words, figures["totals"]
    span = (date.fromisoformat(totals["from"]), date.fromisoformat(totals["to"]))
    title = f"{words['title']} {words.span(*span)}"
    return _PAGE.format(
        language=words.language,
        policy=_POLICY,
        title=text(title),
        style=_part("style.css"),
        script=_part("page.js"),
        body=_body(figures, look, span, now or datetime.now(UTC)),
        figures=_embedded(figures),
    )


def _body(figures: Mapping[str, Any], look: Look, span: tuple[date, date], now: datetime) -> Html:
    words, totals = look.words, figures["totals"]
    heading = element("h1", text(words.span(*span)), element("small", text(words["title"])))
    head = element("header", heading, element("div", text("Sekisho 関所"), class_="brand"))
    zone = totals["timezone"]
    clock = now.astimezone(ZoneInfo(zone))
    footer = words["footer"].format(first=span[0], last=span[1], zone=zone, now=f"{clock:%Y-%m-%d %H:%M}")
    if not totals["requests"]:
        return joined([head, element("section", text(words["nothing"])), element("footer", text(footer))])
    shown = [make(figures, look.words, span, look.marks) for make in sections.ALL]
    return joined([head, *shown, element("footer", text(footer))])


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _embedded(figures: Mapping[str, Any]) -> str:
    """Return JSON that cannot end the element that contains it."""
    return json.dumps(figures, ensure_ascii=False).replace("<", "\\u003c").replace("&", "\\u0026")
