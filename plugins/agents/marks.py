"""Citation marks in text."""

import re
from dataclasses import dataclass, field

MARK = re.compile(r"\[doc(\d{1,4})\]|【(\d{1,6}:\d{1,6})†([^】\n]{0,200})】")
HALF_A_MARK = re.compile(r"(\[(d(o(c\d{0,4})?)?)?|【[^】\n]{0,220})$")
LONGEST_MARK = 240


@dataclass
class Marks:
    """Replace Azure's [doc1] and the 【4:0†rules.pdf】 of OpenAI's assistants by [1], which opens the first source."""

    held: str = ""
    """The end of the text so far, which may be the beginning of a mark."""
    numbers: dict[str, int] = field(default_factory=dict)

    def feed(self, text: str) -> str:
        text = self.held + text
        half = HALF_A_MARK.search(text, max(0, len(text) - LONGEST_MARK))
        end = half.start() if half else len(text)
        self.held = text[end:]
        return MARK.sub(self.numbered, text[:end])

    def flush(self) -> str:
        rest, self.held = self.held, ""
        return rest

    def numbered(self, mark: re.Match[str]) -> str:
        if mark[1]:
            return f"[{int(mark[1])}]"
        named = mark[3] if mark[3] not in ("", "source") else mark[2]
        return f"[{self.numbers.setdefault(named, len(self.numbers) + 1)}]"
