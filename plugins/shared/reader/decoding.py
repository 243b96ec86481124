"""Bytes as text, in the encodings that people's files have."""

import codecs
import importlib

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DETECTED = 100_000  # bytes
CONFIDENT = 0.2
KANA_SHARE = 0.1  # of the signs: such a text is Japanese
CHINESE_OR_KOREAN = {
    "gb18030": "gb18030",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "big5hkscs": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "cp949": "cp949",
    "euc-kr": "cp949",
    "johab": "johab",
}
OTHER_SCRIPTS = (
    "windows-1251",
    "koi8-r",
    "iso-8859-5",
    "windows-1253",
    "iso-8859-7",
    "windows-1255",
    "iso-8859-8",
    "windows-1256",
    "iso-8859-6",
    "tis-620",
    "cp874",
)
SHIFTS = (b"\x1b$B", b"\x1b$@", b"\x1b(J", b"\x1b$(D", b"\x1b(I")  # how ISO-2022-JP changes its character set
# What senders call an encoding, and the larger one that they mean.
LARGER = {
    "iso-2022-jp": "iso2022_jp_ext",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "euc-jp": "euc_jis_2004",
    "us-ascii": "utf-8",
    "gb2312": "gb18030",
    "iso-8859-1": "cp1252",
}


def decoded_as(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(LARGER.get(encoding.lower(), encoding))
    except (UnicodeError, LookupError):
        return None


def wide_encoding(raw: bytes) -> str:
    """Return the byte order of UTF-16 without a mark; an empty text if it is not UTF-16."""
    head = raw[:4000]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 5 < len(head[::2]):
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def oddness(text: str) -> int:
    """Return how much of the text is in characters that a wrong encoding makes of Japanese."""
    odd = sum("\uff61" <= char <= "\uff9f" or "\x80" <= char <= "\x9f" or "\ue000" <= char <= "\uf8ff" for char in text)
    kana = sum("\u3041" <= char <= "\u30fe" for char in text)
    return odd * 2 - kana


def told_apart(raw: bytes) -> str | None:
    """Return the text as a detector reads it, if it is in one of the encodings that are easily taken for others."""
    sample = raw[:DETECTED]
    try:
        found = importlib.import_module("chardet").detect(sample)
    except ImportError:  # Open WebUI brings it
        return None
    encoding = str(found.get("encoding") or "").lower()
    certain = encoding in CHINESE_OR_KOREAN or (
        (found.get("confidence") or 0) >= CONFIDENT and encoding in OTHER_SCRIPTS
    )
    japanese = [guess for each in ("cp932", "euc_jis_2004") if (guess := decoded_as(raw, each)) is not None]
    if not certain or any(oddness(guess[:100_000]) < -len(guess[:100_000]) * KANA_SHARE for guess in japanese):
        return None
    return decoded_as(raw, CHINESE_OR_KOREAN.get(encoding, encoding))


def decoded(raw: bytes) -> str:
    """Return the text of the bytes; what no encoding explains becomes a replacement character."""
    for mark, encoding in MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding, "replace")
    if any(shift in raw for shift in SHIFTS) and (text := decoded_as(raw, "iso-2022-jp")) is not None:
        return text
    if b"\x00" in raw[:4000] and (wide := wide_encoding(raw)):
        return raw.decode(wide, "replace")
    if (text := decoded_as(raw, "utf-8")) is not None:
        return text
    if (text := told_apart(raw)) is not None:
        return text
    guesses = [decoded_as(raw, encoding) for encoding in ("cp932", "euc_jis_2004")]
    likely = [guess for guess in guesses if guess is not None and any("\u3041" <= char <= "\u9fff" for char in guess)]
    if likely:
        return min(likely, key=lambda guess: oddness(guess[:100_000]))
    return raw.decode("utf-8", "replace") if raw.count(b"\x00") else decoded_as(raw, "cp1252") or raw.decode("latin-1")
