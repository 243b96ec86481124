"""The languages in which a person is told something."""

from typing import Literal

Language = Literal["en", "ja"]

BOTH: tuple[Language, ...] = ("en", "ja")
_MOST_RANGES = 20
_LONGEST = 512


def languages(claimed: str | None, accepted: str | None) -> tuple[Language, ...]:
    """Return the person's language, from a signed claim or else `Accept-Language`; both where neither tells.

    A language that is neither English nor Japanese is told in English.
    """
    for told in (claimed, accepted):
        if told and (found := _preferred(told[:_LONGEST])):
            return (found,)
    return BOTH


def _preferred(header: str) -> Language | None:
    """Return the best of `ja-JP,ja;q=0.9,en;q=0.8`; None for `*`, for nonsense, and where all are refused."""
    weighed = [_weighed(part) for part in header.split(",")[:_MOST_RANGES]]
    named = sorted((each for each in weighed if each[0] > 0 and each[1].isascii() and each[1].isalpha()), key=_weight)
    known = next((name for _, name in named if name in BOTH), None)
    return "ja" if known == "ja" else "en" if named else None


def _weight(weighed: tuple[float, str]) -> float:
    return -weighed[0]


def _weighed(part: str) -> tuple[float, str]:
    name, _, parameter = part.partition(";")
    quality = parameter.strip().lower().removeprefix("q=")
    try:
        weight = float(quality) if parameter.strip() else 1.0
    except ValueError:
        weight = 0.0
    return weight if 0 <= weight <= 1 else 0.0, name.strip().replace("_", "-").partition("-")[0].lower()
