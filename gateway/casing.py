"""Lower case as DuckDB and Athena have it: letter by letter.

Python's own makes two letters of `İ` and looks at a word's end for `Σ`; a person would be one in the limits and
another in the ledger's sums.
"""

import unicodedata
from functools import lru_cache

_DOTTED_I = "\u0130"


def lower(text: str) -> str:
    """Return a text in lower case, with as many letters as before."""
    if text.isascii():
        return text.lower()
    return "".join("i" if letter == _DOTTED_I else letter.lower() for letter in text)


@lru_cache(4096)
def folded(text: str) -> str:
    """Return a name as it is compared: without case, width (Ａ is A, ｶﾞ is ガ) and blanks at its ends or doubled."""
    return " ".join(lower(unicodedata.normalize("NFKC", text)).split())
