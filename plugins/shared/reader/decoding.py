"""Bytes as text, in the encodings that people's files have."""

import codecs

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
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
    guesses = [decoded_as(raw, encoding) for encoding in ("cp932", "euc_jis_2004")]
    likely = [guess for guess in guesses if guess is not None and any("\u3041" <= char <= "\u9fff" for char in guess)]
    if likely:
        return min(likely, key=lambda guess: oddness(guess[:100_000]))
    return raw.decode("utf-8", "replace") if raw.count(b"\x00") else decoded_as(raw, "cp1252") or raw.decode("latin-1")
