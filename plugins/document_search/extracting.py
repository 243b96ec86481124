"""Answers made of the documents' own sentences."""

from plugins.document_search.language import in_cjk
from plugins.document_search.plain import plain
from plugins.document_search.planning import Plan
from plugins.document_search.ranking import Scored
from plugins.document_search.searching import Found
from plugins.document_search.turn import Turn

CLEAR_GAP = 0.1  # how far the best passage must be ahead of the next, see docs/document-search.md
CLEAR_FOCUS = 0.3
CLEAR_WORDS = 0.4
FAINT = 0.15  # below this share of the question two texts have nothing to do with each other
MOST_CLOSE = 3
MOST_NAMED = 6


def text_list(turn: Turn, names: list[str]) -> str:
    more = ["…"] if len(names) > MOST_NAMED else []
    return turn.text["list"].join([*map(plain, names[:MOST_NAMED]), *more])


def scope(turn: Turn, found: Found) -> str:
    return turn.text["scope"].format(names=text_list(turn, found.names), documents=f"{found.documents:,}")


def quoted(turn: Turn, plan: Plan, each: Scored) -> str:
    return f"> {plain(each.extract)} [{turn.cite(each.passage)}]"


def clear(best: list[Scored]) -> bool:
    """Return whether the first passage stands out; others that hold its sentence too are no rivals."""
    if not best or best[0].focus < CLEAR_FOCUS or best[0].whole_words < CLEAR_WORDS:
        return False
    rival = next((each for each in best[1:] if best[0].sentence not in each.passage.text), None)
    return rival is None or best[0].score - rival.score >= CLEAR_GAP


def unrelated(question: str, each: Scored) -> bool:
    """Return whether passage and question could share words, being in the same script, and don't."""
    same_script = in_cjk(question) == in_cjk(each.passage.text)
    return each.focus < FAINT and (same_script or not each.near)


def extracted(turn: Turn, plan: Plan, found: Found) -> str:
    """Return the documents' own sentences, and what was searched if they give no clear answer."""
    text = turn.text
    if clear(found.best):
        return f"{text['extract']}\n\n{quoted(turn, plan, found.best[0])}"
    related = [each for each in found.best[:MOST_CLOSE] if not unrelated(plan.question, each)]
    shown = [text["close" if related else "none"], *(quoted(turn, plan, each) for each in related)]
    return "\n\n".join([*shown, scope(turn, found)])
