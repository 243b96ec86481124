"""Roots of English words, and numbers in one form."""

import re

from plugins.document_search.language import CJK, normalised

NUMBER_WORDS = """
zero one two three four five six seven eight nine ten
eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty
"""
TENS = {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90"}
FIGURES = (
    {word: str(number) for number, word in enumerate(NUMBER_WORDS.split())}
    | TENS
    | {"once": "1 times", "twice": "2 times"}
)
NUMBER_WORD = re.compile(rf"\b({'|'.join([*FIGURES])})\b")
KANJI_FIGURES = str.maketrans("〇一二三四五六七八九", "0123456789")
KANJI_NUMBER = re.compile(
    r"(?<![一二三四五六七八九十百千〇])(?:[一二三四五六七八九十百千]+|[一二三四五六七八九][〇一二三四五六七八九]+)"
    r"(?=[日年月週時分秒回名人件枚台個階割円歳通部本点号条項か箇ヶ万億度倍社席泊箱杯番])"
)
KANJI_PLACES = {"十": 10, "百": 100, "千": 1000}
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
SUFFIXES = (
    "ations",
    "ation",
    "ition",
    "ments",
    "ment",
    "ance",
    "ence",
    "ings",
    "ing",
    "ions",
    "ion",
    "ers",
    "ors",
    "er",
    "or",
    "als",
    "al",
)
IRREGULAR = {
    "paid": "pay", "sent": "send", "kept": "keep", "bought": "buy", "sold": "sell", "held": "hold", "led": "lead",
    "taught": "teach", "given": "give", "gave": "give", "taken": "take", "took": "take", "wore": "wear", "worn": "wear",
    "lost": "lose", "left": "leave", "met": "meet", "made": "make", "found": "find", "children": "child",
    "people": "person", "men": "man", "women": "woman", "flew": "fly", "flown": "fly", "chosen": "choose",
    "began": "begin", "begun": "begin", "broken": "break", "stolen": "steal", "theft": "steal", "built": "build",
    "heavier": "heavy", "heaviest": "heavy", "stored": "store", "died": "die", "written": "write", "wrote": "write",
    "won": "win", "spoke": "speak", "spoken": "speak", "known": "know", "knew": "know", "grew": "grow", "grown": "grow",
    "became": "become", "lives": "life", "born": "birth", "dead": "death", "die": "death", "weigh": "weight",
}  # fmt: skip


def figured(text: str) -> str:
    """Return normalised text with numbers as figures: "two", 二 and 2 meet, as do 1,000 and 1000."""
    text = THOUSANDS.sub("", normalised(text))
    text = NUMBER_WORD.sub(lambda match: FIGURES[match.group()], text)
    return KANJI_NUMBER.sub(lambda match: figure_of_kanji(match.group()), text)


def figure_of_kanji(text: str) -> str:
    """Return a number below 10,000 in figures: 百二十 as 120, 二〇二六 as 2026."""
    if not KANJI_PLACES.keys() & set(text):
        return text.translate(KANJI_FIGURES)
    value, figure = 0, ""
    for sign in text:
        if place := KANJI_PLACES.get(sign):
            value += int(figure or 1) * place
            figure = ""
        else:
            figure += sign.translate(KANJI_FIGURES)
    return str(value + int(figure or 0))


def root(word: str) -> str:
    """Return a rough root: approve, approved, approves and approval meet."""
    word = word.removesuffix("'s").removesuffix("’s").removesuffix("'")
    if re.search(rf"[\d{CJK}]", word):
        return word
    word = american(IRREGULAR.get(word, word))
    for ending in ("ies", "ied"):
        if word.endswith(ending) and len(word) > 4:
            word = word[:-3] + "y"
    for ending in ("sses", "ches", "shes", "xes"):
        word = word[:-2] if word.endswith(ending) else word
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        word = word[:-1]
    if word.endswith("ed") and len(word) > 4:
        word = undoubled(word[:-2])
    elif word.endswith("ly") and len(word) > 5:
        word = word[:-2]
    for ending in SUFFIXES:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word[: -len(ending)] if ending in ("er", "al") else undoubled(word[: -len(ending)])
            break
    word = IRREGULAR.get(word, word)
    word = word[:-1] if word.endswith("e") and len(word) > 3 else word
    return word[:-1] + "s" if word.endswith(("enc", "anc")) else word


SPELLINGS = ((r"(?<=[a-z]{3})our(?=$|s$|ed$|ing$|al$)", "or"), (r"(?<=[a-z]{2}[^aeiou])is(?=e|ing$|ation)", "iz"),
             (r"(?<=[a-z]{3})tre(?=s?$)", "ter"), (r"ogue(?=s?$)", "og"))  # fmt: skip


def american(word: str) -> str:
    """Return a word in American spelling: labour and labor meet, as do organise and organize."""
    for pattern, written in SPELLINGS:
        word = re.sub(pattern, written, word)
    return word


def undoubled(word: str) -> str:
    """Return the word without a doubled last letter: stopp as stop."""
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl" else word
