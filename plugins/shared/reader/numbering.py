"""Automatic numbers of paragraphs in Word files, as they are printed: "Article 3", "4.2", "(イ)"."""

import re
from typing import Any

from plugins.shared.reader.office import attribute, child, local_name

ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"))
ROMAN_SMALL = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
DIGITS = "〇一二三四五六七八九"
KANA = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン"
IROHA = "イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテアサキユメミシヱヒモセス"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def roman(number: int) -> str:
    found = ""
    for value, sign in (*ROMAN, *ROMAN_SMALL):
        count, number = divmod(number, value)
        found += sign * min(count, 20)
    return found


def kanji_number(number: int) -> str:
    if not 0 < number < 1000:
        return "".join(DIGITS[int(digit)] for digit in str(number))
    found = ""
    for value, sign in ((100, "百"), (10, "十"), (1, "")):
        count, number = divmod(number, value)
        found += ("" if count == 1 and sign else DIGITS[count]) + sign if count else ""
    return found


def cycled(signs: str, number: int) -> str:
    return signs[(number - 1) % len(signs)] * min((number - 1) // len(signs) + 1, 20)


def printed_number(number: int, style: str) -> str:
    """Return the number in a format of Word's; in digits where it is a rare one."""
    if number < 1 or style in ("decimal", ""):
        return str(number)
    named = {
        "lowerRoman": roman(min(number, 9999)),
        "upperRoman": roman(min(number, 9999)).upper(),
        "lowerLetter": cycled(LETTERS, number),
        "upperLetter": cycled(LETTERS, number).upper(),
        "decimalZero": f"{number:02}",
        "decimalFullWidth": "".join(chr(ord(digit) + 0xFEE0) for digit in str(number)),
        "decimalEnclosedCircle": chr(0x2460 + number - 1) if number <= 20 else str(number),
        "aiueo": cycled(KANA, number),
        "aiueoFullWidth": cycled(KANA, number),
        "iroha": cycled(IROHA, number),
        "irohaFullWidth": cycled(IROHA, number),
        "none": "",
    }
    if style.startswith(("japanese", "ideograph", "chinese", "taiwanese")):
        return kanji_number(number)
    return named.get(style, str(number))


def whole_number(text: str, default: int) -> int:
    return int(text) if re.fullmatch(r"-?\d{1,6}", text, re.ASCII) else default


class Numbering:
    """The lists of a Word file, and how far each has counted."""

    def __init__(self, root: Any) -> None:
        self.levels: dict[str, dict[int, Any]] = {}
        self.lists: dict[str, str] = {}
        self.counts: dict[str, dict[int, int]] = {}
        for one in [] if root is None else root:
            if local_name(one) == "abstractNum":
                levels = {whole_number(attribute(each, "ilvl"), 0): each for each in one if local_name(each) == "lvl"}
                self.levels[attribute(one, "abstractNumId")] = levels
            elif local_name(one) == "num" and (abstract := child(one, "abstractNumId")) is not None:
                self.lists[attribute(one, "numId")] = attribute(abstract, "val")

    def value_of(self, level: Any, name: str) -> str:
        found = child(level, name) if level is not None else None
        return "" if found is None else attribute(found, "val")

    def label(self, list_id: str, depth: int) -> str:
        """Count a paragraph; return its number, or "-" for a bullet, or nothing if the list is not known."""
        abstract = self.lists.get(list_id)
        levels = self.levels.get(abstract or "") or {}
        if abstract is None or depth not in levels:
            return ""
        counts = self.counts.setdefault(abstract, {})
        start = whole_number(self.value_of(levels[depth], "start"), 1)
        counts[depth] = counts.get(depth, start - 1) + 1
        for deeper in [each for each in counts if each > depth]:
            del counts[deeper]
        if self.value_of(levels[depth], "numFmt") == "bullet":
            return "-"

        def number(match: "re.Match[str]") -> str:
            level = levels.get(int(match[1]) - 1)
            first = whole_number(self.value_of(level, "start"), 1)
            return printed_number(counts.get(int(match[1]) - 1, first), self.value_of(level, "numFmt"))

        return re.sub(r"%([1-9])", number, self.value_of(levels[depth], "lvlText")[:200]).strip()
