"""What the pages say, in English and Japanese: one table a group of pages, joined here."""

from collections.abc import Mapping

from gateway.console.words import admin, approving, layout, oidc, person, signing, tool_servers
from gateway.wording.languages import Language

Words = Mapping[str, tuple[str, str]]

TABLES: tuple[Words, ...] = (
    admin.WORDS,
    approving.WORDS,
    layout.WORDS,
    person.WORDS,
    signing.WORDS,
    oidc.WORDS,
    tool_servers.WORDS,
)
"""English and Japanese by key. `{name}` is replaced."""


def _joined() -> dict[str, tuple[str, str]]:
    joined: dict[str, tuple[str, str]] = {}
    for table in TABLES:
        if twice := joined.keys() & table.keys():
            raise ValueError(f"words are defined twice: {', '.join(sorted(twice))}")
        joined |= table
    return joined


WORDS: Words = _joined()


def text(key: str, language: Language, **values: object) -> str:
    """Return a text in a language; `values` fill its braces."""
    return WORDS[key][language == "ja"].format(**values)
