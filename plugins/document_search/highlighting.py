"""Marking words in Markdown: what an answer quotes in its passage, what fits a question in a sentence."""

import re

from plugins.document_search.asked import WORDS, Asked
from plugins.document_search.language import in_cjk
from plugins.document_search.roots import figured, root
from plugins.document_search.statements import Statement
from plugins.document_search.structure import ITEM
from plugins.document_search.synonyms import SAME_ENGLISH, SAME_JAPANESE

CLOSING = re.compile(r"[\W_]+$")


def strong(text: str, goes_on: bool = False) -> str:
    """Return the text in bold; Markdown takes no closing mark between a full stop and a letter."""
    end = CLOSING.search(text) if goes_on else None
    bare, rest = (text[: end.start()], end.group()) if end else (text, "")
    return f"**{bare}**{rest}" if bare.strip() and "**" not in bare else text


def strong_row(line: str) -> str:
    cells = line.strip().strip("|").split("|")
    return "|" + "|".join(f" {strong(cell.strip())} " if cell.strip() else " " for cell in cells) + "|"


def strong_line(line: str) -> str:
    mark = ITEM.match(line)
    start = mark.end() if mark else 0
    return line[:start] + strong(line[start:])


def highlighted(text: str, statements: list[Statement]) -> str:
    """Return a passage's text in which the statements are marked; as it is where one of them is all of it."""
    for statement in statements:
        if statement.kind == "row":
            text = text.replace(statement.source, strong_row(statement.source), 1)
        elif statement.kind == "list":
            lines = statement.text.split("\n")
            whole = "\n".join(lines)
            text = text.replace(whole, "\n".join(map(strong_line, lines)), 1)
        elif (at := text.find(statement.text)) >= 0 and statement.text.strip() != text.strip():
            end = at + len(statement.text)
            text = text[:at] + strong(statement.text, text[end : end + 1].strip() != "") + text[end:]
    return text


def marked(text: str, asked: Asked) -> str:
    """Return a sentence in which the words of the question are marked."""
    if in_cjk(text):
        runs = [
            each for term in asked.telling for each in (term.shown, *SAME_JAPANESE.get(term.text, ())) if len(each) > 1
        ]
        pattern = "|".join(
            map(re.escape, sorted({run for run in runs if in_cjk(run) or len(run) > 2}, key=len, reverse=True))
        )
        return re.sub(f"({pattern})", r"**\1**", text, flags=re.IGNORECASE) if pattern else text
    wanted = {term.text for term in asked.telling}
    wanted |= {each for term in asked.telling for each in SAME_ENGLISH.get(term.text, ())}

    def in_bold(match: re.Match[str]) -> str:
        word = figured(match.group())
        return f"**{match.group()}**" if wanted & {word, root(word)} else match.group()

    return WORDS.sub(in_bold, text)
