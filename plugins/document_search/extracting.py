"""Answers made of the documents' own sentences."""

from datetime import date

from plugins.document_search.asked import Asked, read_question
from plugins.document_search.evidence import Evidence
from plugins.document_search.following import followed
from plugins.document_search.highlighting import highlighted, marked
from plugins.document_search.language import in_cjk
from plugins.document_search.plain import plain
from plugins.document_search.planning import Plan
from plugins.document_search.searching import Found
from plugins.document_search.statements import Statement
from plugins.document_search.turn import Turn
from plugins.document_search.verdict import Verdict, judged

FAINT = 0.35  # below this share of the question two texts have nothing to do with each other
MOST_CLOSE = 3
TOPICS = ("name", "word", "subject", "qualifier", "condition")
"""Strengths of words that a question is about."""
MOST_NAMED = 6
MOST_RIVALS = 4
LONGEST_QUOTE = 600  # characters, with the sentences around
LONGEST_LIST = 3_000


def text_list(turn: Turn, names: list[str]) -> str:
    more = ["…"] if len(names) > MOST_NAMED else []
    return turn.text["list"].join([*map(plain, names[:MOST_NAMED]), *more])


def scope(turn: Turn, found: Found) -> str:
    return turn.text["scope"].format(names=text_list(turn, found.names), documents=f"{found.documents:,}")


def verdict_on(turn: Turn, plan: Plan, found: Found) -> tuple[Asked, Verdict]:
    """Return what the question asks, and what the documents say to it."""
    today, certainty = date.today(), turn.valves.certainty / 100
    asked = read_question(plan.asked or plan.question, today)
    if not plan.earlier:
        return asked, judged(asked, found.best, today, certainty, rare=found.rare)
    if asked.kind and len({term.group for term in asked.telling}) > 1:
        alone = judged(asked, found.best, today, certainty, rare=found.rare)
        if alone.claims:
            return asked, alone
    return asked, followed(plan.asked, plan.earlier, found.best, today, certainty, rare=found.rare)


def around(statement: Statement) -> str:
    """Return a statement with the sentences beside it; an item or a row as it is."""
    if statement.kind != "sentence":
        return statement.text[:LONGEST_LIST]
    space = "" if in_cjk(statement.text) else " "
    whole = space.join(filter(None, [statement.before, statement.text, statement.after]))
    return whole if len(whole) <= LONGEST_QUOTE else statement.text[:LONGEST_QUOTE]


def heading_of(statement: Statement) -> str:
    """Return the line that a statement stands under, if it is not just its document's name."""
    first = next(iter(statement.above), "").strip(" :：")
    return "" if first == statement.passage.name or first in statement.text else plain(first)


def quoted(turn: Turn, evidence: Evidence, asked: Asked | None = None) -> str:
    """Return a statement as a quotation with its citation; with `asked`, the words that fit are marked."""
    statement = evidence.statement
    heading = heading_of(statement)
    said = plain(around(statement))
    lines = (marked(said, asked) if asked else said).split("\n")
    number = turn.cite(statement.passage, statement)
    shown = [f"> *{heading}*", ">"] if heading else []
    return "\n".join([*shown, *(f"> {line}" for line in lines[:-1]), f"> {lines[-1]} [{number}]"])


def earlier_lines(turn: Turn, verdict: Verdict) -> list[str]:
    """Return what versions say that are not in force."""
    lines = []
    for evidence, since in verdict.earlier[:2]:
        key = "earlier_dated" if since else "earlier"
        name = plain(evidence.statement.passage.name)
        lines += [turn.text[key].format(name=name, date=since), quoted(turn, evidence)]
    return lines


def by_passage(evidence: list[Evidence]) -> list[Evidence]:
    """Return the best statement of each passage."""
    first: dict[str, Evidence] = {}
    for each in evidence:
        first.setdefault(each.statement.passage.key, each)
    return list(first.values())


def has_to_do(asked: Asked, evidence: Evidence) -> bool:
    """Return whether a statement has something to do with the question."""
    other_script = asked.japanese != in_cjk(evidence.statement.text)
    return evidence.held >= FAINT or (other_script and evidence.held > 0)


def closest(asked: Asked, verdict: Verdict) -> list[Evidence]:
    """Return the statements to show: the best, those that hold a word it lacks, others that have to do with it all."""
    each_once = by_passage(verdict.close)
    related = [each for each in each_once if has_to_do(asked, each)]
    if not related:
        return []
    best, lacking = related[0], {term.shown for term in related[0].missing if term.strength in TOPICS}
    adding = list[Evidence]()
    for each in each_once:
        held = lacking - {term.shown for term in each.missing} if each.own > 0 else set()
        adding += [each] if held else []
        lacking -= held
    return [best, *adding, *(each for each in related[1:] if each not in adding)][:MOST_CLOSE]


def missing_line(turn: Turn, verdict: Verdict, first: Evidence) -> list[str]:
    """Return what no statement holds of the question; else what the first one lacks, as others hold it."""
    nowhere = set(verdict.missing).intersection(*({term.shown for term in each.missing} for each in verdict.close))
    shown = around(first.statement).lower()
    lacking = {term.shown for term in first.missing if term.shown.lower() not in shown}
    key, known = ("missing", nowhere) if nowhere else ("missing_first", lacking)
    words = [word for word in verdict.missing if word in known]
    return [turn.text[key].format(words=text_list(turn, words))] if words else []


def extracted(turn: Turn, plan: Plan, found: Found) -> str:
    """Return the documents' own sentences, and what was searched if they give no clear answer."""
    text = turn.text
    asked, verdict = verdict_on(turn, plan, found)
    if verdict.claims:
        quotes = [quoted(turn, each) for each in verdict.claims]
        return "\n\n".join([text["extract"], *quotes, *earlier_lines(turn, verdict)])
    if verdict.rivals:
        quotes = [quoted(turn, each) for each in by_passage(verdict.rivals)[:MOST_RIVALS]]
        return "\n\n".join([text["several"], *quotes, scope(turn, found)])
    close = closest(asked, verdict)
    shown = [text["close" if close else "none"], *(missing_line(turn, verdict, close[0]) if close else [])]
    return "\n\n".join([*shown, *(quoted(turn, each, asked) for each in close), scope(turn, found)])


def shown_text(turn: Turn, number: int) -> str:
    """Return the text of a cited passage, with the words that were quoted from it marked."""
    passage = turn.cited[number - 1]
    return highlighted(passage.text, turn.quoted.get(passage.key, []))
