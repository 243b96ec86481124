"""The structure of a text: headings, paragraphs whose wrapped lines are joined, lists and tables."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from plugins.document_search.language import in_cjk

CELLS = re.compile(r"\s*(?:\t|(?<!\\)\|)\s*")
RULE_LINE = re.compile(r"^\s*([=\-~*_＝─━―])\1{2,}\s*$|^[\s|:+=-]*-{2,}[\s|:+=-]*$")
ITEM = re.compile(
    r"^\s*(?:[-*+–•・●○◦▪■□◆◇▶►](?=\s|[^\x00-\x7f])|\d{1,2}[.)](?=\s)|\d{1,2}[．）]|[（(]\d{1,2}[)）]|"
    r"[①-⑳]|[a-z][.)](?=\s))\s*(?=\S)"
)
NUMBERED = re.compile(
    r"^\s*(?:\d{1,2}(?:\.\d{1,2})*\.?(?=\s)|\d{1,2}(?:[．.]\d{1,2})*[．、]|[IVX]{1,4}\.)\s*(?=[^\s\d])"
)
CLAUSE = re.compile(
    r"^\s*(第[0-9０-９一二三四五六七八九十百]+[条章節項](?:の[0-9０-９一二三四五六七八九十]+)?"
    r"(?:\s*[（(【][^）)】]{1,40}[)）】])?)[\s　]*"
)
BOXED = re.compile(r"^\s*(?:【([^】]{1,60})】|[■◆◇□▼●]\s*([^。]{1,40})$|＜([^＞]{1,40})＞$|<([^<>]{1,40})>$)\s*(.*)$")
LABELLED = re.compile(r"^\s*[^。.!?！？:：|]{1,40}[:：](?!//)\s*\S")
ENDS = re.compile(r"[。．.!?！？:：；;」』）)】]\s*$")
SPLIT_WORD = re.compile(r"[A-Za-z]-$")
LONGEST_PARAGRAPH = 5_000  # characters that are joined of wrapped lines
LONGEST_HEADING = {True: 40, False: 80}  # characters, in Japanese and elsewhere


class Block(NamedTuple):
    """A part of a text. kind: heading, text, item, table; `level` of a heading, 1 for the highest."""

    kind: str
    text: str
    level: int = 0


def width_of(lines: list[str]) -> int:
    """Return how long the lines of a text are before they are wrapped."""
    lengths = sorted(len(line) for line in lines if line.strip() and "|" not in line and "\t" not in line)
    return lengths[int(len(lengths) * 0.9)] if lengths else 0


def is_row(line: str) -> bool:
    """Return whether a line is a row of a table, in Markdown or with tabs."""
    bare = line.strip()
    return "\t" in bare or (bare.startswith("|") and bare.count("|") > 1) or line.count(" | ") > 1


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in CELLS.split(line.strip().removeprefix("|").removesuffix("|"))]


def reads_as_title(line: str, following: str) -> bool:
    """Return whether a line without a mark reads as a heading of what follows."""
    bare = line.strip()
    if not bare or len(bare) > LONGEST_HEADING[in_cjk(bare)] or ENDS.search(bare.rstrip("）)")) or LABELLED.match(bare):
        return False
    letters = [letter for letter in bare if letter.isalpha()]
    if re.search(r"。|[.!?] ", bare) and not NUMBERED.match(bare):
        return False
    return bool(letters) and bool(following.strip()) and not bare[0].islower() and not is_row(following)


def joins(line: str, following: str, width: int) -> bool:
    """Return whether a line goes on in the next one: it was wrapped there."""
    bare, nxt = line.rstrip(), following.lstrip()
    if in_cjk(bare) and in_cjk(nxt):
        return len(bare) >= max(12, width * 0.75) and not re.search(r"[。！？:：]$", bare)
    if re.search(r"[.!?:;]$", bare) and not nxt[:1].islower():
        return False
    return nxt[:1].islower() or bare.endswith((",", "-")) or len(bare) >= max(30, width * 0.6)


def joined(line: str, following: str, cut_there: bool) -> str:
    if SPLIT_WORD.search(line) and following.lstrip()[:1].islower():
        return line.rstrip()[:-1] + following.strip()
    space = (
        ""
        if (cut_there and in_cjk(line + following)) or (in_cjk(line[-1:]) and in_cjk(following.lstrip()[:1]))
        else " "
    )
    if re.search(r"[、。，．「」（）・]$", line.rstrip()) or re.match(r"[、。，．「」（）・]", following.lstrip()):
        space = ""
    return line.rstrip() + space + following.strip()


class Reader:
    """Reads lines into blocks."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.width = width_of(self.lines)
        self.at = 0
        self.began = False
        self.fresh = True
        """True after a blank line or another block."""

    def peek(self, ahead: int = 1) -> str:
        return self.lines[self.at + ahead] if self.at + ahead < len(self.lines) else ""

    def blocks(self) -> Iterator[Block]:
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if not line.strip() or (RULE_LINE.match(line) and not is_row(line)):
                self.at, self.fresh = self.at + 1, True
                continue
            yield from self.block(line)
            self.began = True

    def block(self, line: str) -> Iterator[Block]:
        if is_row(line):
            yield self.table()
            self.fresh = True
        elif heading := self.heading(line):
            yield from heading
            self.fresh = True
        elif mark := ITEM.match(line):
            yield Block("item", line.strip()[: len(mark.group().strip())] + " " + self.rest(line[mark.end() :]))
            self.fresh = False
        else:
            yield Block("text", self.rest(line.strip()))
            self.fresh = False

    def heading(self, line: str) -> list[Block]:
        """Return a heading, and what stands behind it in its line; nothing where the line is none."""
        following, number = self.peek(), NUMBERED.match(line)
        if found := re.match(r"^\s{0,3}(#{1,6})\s*(\S.*?)[\s#]*$", line):
            return self.taken(found.group(2), len(found.group(1)))
        if re.match(r"^\s*([=\-＝─━])\1{2,}\s*$", following) and reads_as_title(line, "x"):
            return self.taken(line, 1 if following.strip()[0] in "=＝━" else 2)
        if found := CLAUSE.match(line):
            return self.clause(line, found)
        if found := BOXED.match(line):
            *names, rest = found.groups()
            return self.taken(next(filter(None, names)), 3, rest)
        if (
            number
            and reads_as_title(line[number.end() :], following)
            and not ITEM.match(following)
            and not NUMBERED.match(following)
        ):
            return self.taken(line, 2 + number.group().strip(" .．、").count("."))
        if ITEM.match(line) or not reads_as_title(line, following or self.peek(2)):
            return []
        capitals = line.isupper() and len(line.split()) < 9 and not in_cjk(line)
        alone = self.fresh and not following.strip() and bool(self.peek(2).strip()) and not ITEM.match(self.peek(2))
        first = not self.began and (
            not following.strip() or not joins(line, following, self.width) or self.repeats(following)
        )
        return self.taken(line, 1 if first else 3) if capitals or alone or first else []

    def repeats(self, following: str) -> bool:
        """Return whether the next line begins a sentence of its own, as under a title."""
        return len(self.lines[self.at].strip()) < 0.6 * self.width or following.startswith(self.lines[self.at].strip())

    def clause(self, line: str, found: re.Match[str]) -> list[Block]:
        rest = line[found.end() :]
        level = {"章": 1, "節": 2}.get(found.group(1)[-1], 3)
        if rest.startswith(("の", "に", "は", "を", "第", "、", "で", "と", "及", "又", "か", "ま")):
            return []
        short = rest and reads_as_title(rest, self.peek() or "x") and not re.search(r"[。、]", rest) and len(rest) < 25
        return (
            self.taken(f"{found.group(1)} {rest}".strip(), level)
            if short or not rest
            else self.taken(found.group(1), level, rest)
        )

    def taken(self, text: str, level: int, rest: str = "") -> list[Block]:
        heading = Block("heading", text.strip(), level)
        if not rest.strip():
            self.at += 1
            return [heading]
        return [heading, Block("text", self.rest(rest.strip()))]

    def rest(self, line: str) -> str:
        """Return a paragraph from its first line, with the lines that it was wrapped into."""
        last = self.lines[self.at]
        self.at += 1
        while self.at < len(self.lines) and len(line) < LONGEST_PARAGRAPH:
            following = self.lines[self.at]
            if not following.strip() or is_row(following) or RULE_LINE.match(following) or ITEM.match(following):
                break
            if CLAUSE.match(following) or BOXED.match(following) or following.lstrip().startswith("#"):
                break
            if not joins(last, following, self.width):
                break
            line = joined(line, following, len(last.rstrip()) >= self.width - 1)
            last, self.at = following, self.at + 1
        return line.strip()

    def table(self) -> Block:
        """Return the rows of a table, in Markdown; a row with a line below it is its head."""
        rows: list[list[str]] = []
        headed = False
        while self.at < len(self.lines) and (
            is_row(self.lines[self.at]) or (rows and RULE_LINE.match(self.lines[self.at]))
        ):
            if RULE_LINE.match(self.lines[self.at]):
                headed = headed or len(rows) == 1
            else:
                rows.append(cells_of(self.lines[self.at]))
            self.at += 1
        headed = (headed and not only_data(rows)) or has_head(rows)
        if not headed:
            rows.insert(0, [""] * max(map(len, rows)))
        head, *others = map(row_line, rows)
        return Block("table", "\n".join([head, row_line(["---"] * len(rows[0])), *others]))


def has_head(rows: list[list[str]]) -> bool:
    """Return whether the first row reads as the head of the others: it has no figures, and they do."""
    if len(rows) < 2 or any(re.search(r"\d|@", cell) for cell in rows[0]):
        return False
    return len(rows[0]) > 2 or all(re.search(r"\d", " ".join(row[1:])) for row in rows[1:]) or generic_head(rows[0])


def only_data(rows: list[list[str]]) -> bool:
    """Return whether the first row is no head where one would stand: a label with its value, or a row alone."""
    return len(rows) == 1 or (len(rows[0]) == 2 and bool(re.search(r"\d", rows[0][1])))


def generic_head(row: list[str]) -> bool:
    return " ".join(row).lower() in (
        "item details",
        "項目 内容",
        "name value",
        "key value",
        "項目 値",
        "item value",
        "区分 内容",
    )


def row_line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def blocks_of(text: str) -> Iterator[Block]:
    """Yield the blocks of a text in their order."""
    yield from Reader(text).blocks()
