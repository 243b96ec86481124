"""Rich text (RTF): the words of it, in the encodings that its fonts have."""

import re
from typing import Any

from plugins.shared.reader.decoding import decoded_as
from plugins.shared.reader.outcome import Outcome

RICH_TOKEN = re.compile(
    rb"\\(?:'([0-9a-fA-F]{2})|([a-zA-Z]{1,32})(-?\d{1,10})? ?|(.))|([{}])|[\r\n]+|([^\\{}\r\n]+)", re.DOTALL
)
HIDDEN = frozenset(
    b"fonttbl colortbl stylesheet listtable listoverridetable rsidtbl info generator themedata colorschememapping "
    b"datastore latentstyles pict objdata filetbl revtbl xmlnstbl fldinst bkmkstart bkmkend pnseclvl mmathPr "
    b"wgrffmtfilter nonshppict sp xe tc".split()
)
"""Groups without words of the text."""
WRITTEN = {
    b"par": "\n", b"line": "\n", b"sect": "\n", b"page": "\n", b"tab": "\t", b"row": " |\n", b"cell": " | ",
    b"nestcell": " | ", b"nestrow": " |\n", b"emdash": "—", b"endash": "–", b"bullet": "•", b"lquote": "‘",
    b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"emspace": " ", b"enspace": " ",
}  # fmt: skip
OPENS = {b"footnote": " [Footnote: ", b"annotation": " [Comment: ", b"header": "\n[Header] ", b"footer": "\n[Footer] "}
ESCAPES = {b"~": "\u00a0", b"_": "-", b"-": ""}
CHARSETS = {128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5hkscs", 204: "cp1251", 161: "cp1253", 238: "cp1250"}
DEEPEST_GROUP = 500  # groups within each other


def read_rich_text(raw: bytes, outcome: Outcome) -> None:
    reader = RichReader(outcome)
    reader.read(raw)
    outcome.add(re.sub(r"\n{3,}", "\n\n", "".join(reader.said)).strip())


class RichReader:
    """Reads the tokens of a file. A group has a state of its own."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.said: list[str] = []
        self.room = outcome.room
        self.waiting = bytearray()  # bytes of a text whose encoding is the font's
        self.fonts: dict[int, str] = {}
        self.page = "cp1252"
        self.state: dict[str, Any] = {"hidden": False, "fonts": False, "font": -1, "skip": 1, "close": ""}
        self.stack: list[dict[str, Any]] = []
        self.left = 0  # signs to leave out behind a \u, which stand for it in old programs
        self.starred = False

    def read(self, raw: bytes) -> None:
        at = 0
        while at < len(raw) and (found := RICH_TOKEN.match(raw, at)):
            at = found.end()
            hexadecimal, word, number, sign, brace, text = found.groups()
            if hexadecimal is not None:
                self.byte(bytes([int(hexadecimal, 16)]))
                continue
            if text is not None:
                self.byte(text)
            elif brace:
                self.flush()
                self.group(brace)
            elif word is not None:
                at = self.word(word, number, at)
            elif sign is not None:
                self.sign(sign)
        self.flush()

    def byte(self, content: bytes) -> None:
        shown, self.left = content[self.left :], max(0, self.left - len(content))
        if not self.state["hidden"]:
            self.waiting += shown

    def flush(self) -> None:
        """Say the bytes that wait, in the font's encoding, else in the file's."""
        if self.waiting:
            raw, encoding = bytes(self.waiting), self.fonts.get(self.state["font"]) or self.page
            self.waiting.clear()
            text = decoded_as(raw, encoding)
            self.say(decoded_as(raw, self.page) or raw.decode("cp1252", "replace") if text is None else text)

    def say(self, text: str) -> None:
        if not self.state["hidden"]:
            self.said.append(text)
            self.room -= len(text)
            if self.room < 0:
                self.outcome.add("." * (self.outcome.room + 1))  # raises

    def group(self, brace: bytes) -> None:
        self.left, self.starred = 0, False
        if brace == b"{" and len(self.stack) < DEEPEST_GROUP:
            self.stack.append(self.state)
            self.state = {**self.state, "close": ""}
        elif brace == b"}" and self.stack:
            self.say(self.state["close"])
            self.state = self.stack.pop()

    def sign(self, sign: bytes) -> None:
        if sign == b"*":
            self.starred = True
        elif sign in (b"\\", b"{", b"}"):
            self.byte(sign)
        else:
            self.flush()
            self.say(ESCAPES.get(sign, "\n" if sign in b"\r\n" else ""))

    def word(self, word: bytes, number: bytes | None, at: int) -> int:
        """Obey a control word; return where reading goes on."""
        value = int(number) if number else 0
        if word == b"bin":
            return at + max(0, value)
        self.flush()
        if word in OPENS and not self.state["hidden"]:
            self.say(OPENS[word])
            self.state["close"] = "]" if word in (b"footnote", b"annotation") else "\n"
        elif word in HIDDEN or self.starred:
            self.hide(word)
        elif word in WRITTEN:
            self.say(WRITTEN[word])
        elif word == b"u":
            self.say(chr(value % 65536))
            self.left = self.state["skip"]
        else:
            self.set(word, value)
        self.starred = False
        return at

    def hide(self, word: bytes) -> None:
        if word == b"pict" and not self.state["hidden"]:
            self.outcome.note("pictures")
        if word == b"objdata" and not self.state["hidden"]:
            self.outcome.note("embedded")
        self.state["fonts"] = word == b"fonttbl"
        self.state["hidden"] = word != b"shppict"

    def set(self, word: bytes, value: int) -> None:
        if word == b"ansicpg":
            self.page = f"cp{value}" if decoded_as(b"a", f"cp{value}") else self.page
        elif word == b"uc":
            self.state["skip"] = max(0, min(value, 10))
        elif word in (b"f", b"af"):
            self.state["font"] = value
        elif word == b"fcharset" and self.state["fonts"] and value in CHARSETS:
            self.fonts[self.state["font"]] = CHARSETS[value]
        elif word == b"deleted":
            self.state["hidden"] = True
        elif word == b"plain":
            self.state["font"] = -1
