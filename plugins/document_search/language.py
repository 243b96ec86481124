"""Words. Japanese has no spaces, so its words are pairs of letters, and its signs by themselves."""

import re
import unicodedata
from collections.abc import Iterator

CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7a3々〆ー"
TOKEN = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+(?:[.'’-][^\W_{CJK}]+)*")
WORD = re.compile(rf"[\u30a1-\u30ffー]+|[\u3400-\u9fff\uf900-\ufaff々〆]+|[\uac00-\ud7a3]+|[^\W_{CJK}]+")
HIRAGANA = re.compile(r"[\u3041-\u309fー]+")
SENTENCE = re.compile(r"(?<=[。！？!?])(?![」』）)”\"'！？!?])\s*|(?<=[.])\s+(?=[\"“(]?[A-Z0-9])|\n+")
ENDINGS = ("ing", "ies", "es", "ed", "ly", "s")


def normalised(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


def stem(word: str) -> str:
    """Return a rough stem: rules, ruled and ruling meet."""
    word = word.removesuffix("'s").removesuffix("’s")
    for ending in ENDINGS if len(word) > 4 else ():
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word


def terms(text: str) -> Iterator[str]:
    for run in TOKEN.findall(normalised(text)):
        if run[0] < "\u3040":
            yield stem(run)
        else:
            yield from (sign for sign in run if sign >= "\u3400")
            yield from (run[at : at + 2] for at in range(len(run) - 1))


def sentences(text: str) -> list[str]:
    return [part for part in SENTENCE.split(text) if part and part.strip()]


def in_cjk(text: str) -> bool:
    return bool(re.search(rf"[{CJK}]", text))
