"""Versions of documents: their dates, which one is in force, and copies."""

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from plugins.document_search.matching import with_years
from plugins.document_search.roots import figured

MONTHS_ENGLISH = {
    name: at + 1
    for at, names in enumerate(
        [
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sept sep",
            "october oct",
            "november nov",
            "december dec",
        ]
    )
    for name in names.split()
}
MONTH_NAMES = "|".join(MONTHS_ENGLISH)
DATE_PATTERNS = (
    re.compile(r"(?P<y>(?:19|20)\d\d)\s*[年/.-]\s*(?P<m>\d{1,2})\s*[月/.-]\s*(?P<d>\d{1,2})"),
    re.compile(rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<n>{MONTH_NAMES})\.?,?\s+(?P<y>(?:19|20)\d\d)"),
    re.compile(rf"(?P<n>{MONTH_NAMES})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>(?:19|20)\d\d)"),
    re.compile(r"(?P<y>(?:19|20)\d\d)年\s*(?P<m>\d{1,2})月"),
    re.compile(rf"(?P<n>{MONTH_NAMES})\.?\s+(?P<y>(?:19|20)\d\d)"),
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)(?!\d)"),
)
EFFECTIVE = re.compile(
    r"valid|effective|in force|as of|from|since|version|revis|updated|issued|published|amend|施行|改定|改訂|制定|"
    r"適用|発効|更新|発行|作成|から有効|版|現在|年度"
)
OUTDATED = re.compile(
    r"\bold\b|\bobsolete\b|\bsuperseded\b|\bwithdrawn\b|\brepealed\b|\bdraft\b|\barchived?\b|\bno longer "
    r"(?:in force|valid)\b|\bexpired\b|\breplaced by\b|\boutdated\b"
    r"|\bformer\b|\bdeprecated\b|旧版|旧規|[（(]旧[)）]|廃止(?!し|する)|失効|改正前|改定前|改訂前|旧$|_旧|旧_|草案|案$|下書き"
)
REPLACES = re.compile(
    r"(?:replaces?|supersedes?|repeals?)\b.{0,60}|.{0,40}(?:を廃止する|を廃止し|に代わる|を置き換える)"
)
COPY = re.compile(r"\bcopy(?: of)?\b|のコピー|コピー|\(\d\)|（\d）|\bfinal\b|最終", re.IGNORECASE)
NAME_MARKS = re.compile(
    r"(?:19|20)\d\d(?:年度?)?|\bv(?:er(?:sion)?)?\.?\s*\d[\d.]*|第?\d+版|令和\d+年度?|\d+|\bold\b|\bnew\b|旧|新|版|年度|月|日|[_\-()（）\s.]+|\b(?:txt|md|pdf|docx)$",
    re.IGNORECASE,
)


class Version(NamedTuple):
    """What tells two versions of a document apart."""

    family: str
    """The document's name without dates, numbers and marks of versions."""
    since: date | None
    outdated: bool
    """The document says of itself that it is no longer in force."""


def dates_in(text: str) -> list[tuple[date, int]]:
    """Return the dates of a text, with their places; a year alone is its first day."""
    found: list[tuple[date, int]] = []
    taken: list[tuple[int, int]] = []
    for pattern in DATE_PATTERNS:
        for match in pattern.finditer(text):
            if any(start < match.end() and match.start() < end for start, end in taken):
                continue
            parts = match.groupdict()
            month = MONTHS_ENGLISH.get(parts.get("n") or "", 0) or int(parts.get("m") or 1)
            try:
                found.append((date(int(parts["y"]), month, int(parts.get("d") or 1)), match.start()))
            except ValueError:
                continue
            taken.append(match.span())
    return sorted(found, key=lambda each: each[1])


@lru_cache(maxsize=5_000)
def version_of(name: str, heading: str, opening: str) -> Version:
    """Return the version of a document, from its name, headings and first lines."""
    title = with_years(figured(f"{name}\n{heading}"))
    lines = [line for line in with_years(figured(opening)).split("\n")[:6] if line.strip()]
    head = [line for line in lines if line.startswith("#") or (len(line) < 120 and EFFECTIVE.search(line))]
    said = REPLACES.sub(" ", "\n".join([title, *head]))
    dates = [
        each
        for each, place in dates_in(said)
        if not re.match(r".{0,14}(?:廃止|失効|expire|until)", said[place : place + 40])
    ]
    family = NAME_MARKS.sub("", COPY.sub("", figured(name))).strip()
    return Version(family, max(dates, default=None), bool(OUTDATED.search(said)))


def in_force(first: Version, second: Version, today: date) -> bool | None:
    """Return whether the first is in force before the second; None where nothing tells."""
    if first.outdated != second.outdated:
        return second.outdated
    if first.since is None or second.since is None or first.since == second.since:
        return None
    if (first.since > today) != (second.since > today):
        return second.since > today
    return first.since > second.since
