"""Markdown that shows text and does nothing else."""

import re
from collections.abc import Iterable

from plugins.shared.visible import visible

ADDRESS = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]*://|\b(?:javascript|mailto):(?=\S)|\bdata:(?=\w+/)|\bwww\.(?=\w)|//(?=\w))[!-~]*",
    re.IGNORECASE,
)
MARK = re.compile(r"§ ?[0-9a-f]{16} ?§?|(?<![0-9a-f])[0-9a-f]{16} ?§|§(?=[0-9]*[a-f])[0-9a-f]{8,15}")
"""What stands around what was found, or the most of it, see Run.mark; not the number of a law."""
DOES_SOMETHING = (
    (MARK, ""),
    (re.compile(r"!(?=\[)"), ""),  # pictures
    (re.compile(r"\](?=[(:])"), "] "),  # links and what they refer to
    (re.compile(r"<(?=[a-z/!?])", re.IGNORECASE), "< "),
    (re.compile(r"\{(?=\{)"), "{ "),
    (re.compile(r"^\s*(```|~~~).*$", re.MULTILINE), ""),  # a page that Open WebUI would run
)


def allowed(address: str, urls: set[str], said: dict[str, str]) -> str:
    """Return an address, with the punctuation behind it, if a source has it."""
    bare = address.rstrip(".,;:!?)>'\"*")
    return address if bare in urls or address in urls else said["no_link"]


def clean(text: str, urls: set[str], said: dict[str, str]) -> str:
    """Return Markdown that loads, runs and leads to nothing but the addresses of the sources."""
    text = visible(text)
    for found, instead in DOES_SOMETHING:
        text = found.sub(instead, text)
    return ADDRESS.sub(lambda match: allowed(match[0], urls, said), text)


def unmarked(text: str) -> str:
    """Return what a model said without the marks that it may have copied from what it was told."""
    return MARK.sub("", text)


def listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
