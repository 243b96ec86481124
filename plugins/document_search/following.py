"""Questions that follow others: "And in Spain?" asks what was asked before, of something else."""

import re
from datetime import date

from plugins.document_search.asked import Asked, Term, read_question
from plugins.document_search.ranking import Scored
from plugins.document_search.verdict import RIVAL, Rare, Verdict, contradicts, judged

OPEN_KINDS = ("", "which", "yes or no")
POSSESSIVE = re.compile(r"\b(?:its?|their|they|his|her|he|she)\b|それ|その|同", re.IGNORECASE)


def variants_of(asked: Asked, earlier: Asked) -> list[Asked]:
    """Return what a following question may mean: the earlier one, with the new words for some of its own."""
    fresh = tuple(term._replace(group=term.group + 1000) for term in asked.terms)
    told = {term.text for term in fresh}
    kept = [term for term in earlier.terms if term.text not in told]
    refers = bool(POSSESSIVE.search(asked.text))
    groups = dict.fromkeys(term.group for term in kept if not (refers and named(term, kept)))
    remains = [kept, *([term for term in kept if term.group != group] for group in groups)]
    kinds = (earlier.kind, "which") if asked.kind in OPEN_KINDS else (asked.kind,)
    return [
        Asked(f"{asked.text} {earlier.text}", kind, (*rest, *fresh))
        for rest in remains
        if any(term.strength not in ("light", "sort") for term in rest)
        for kind in kinds
    ]


def named(term: Term, terms: list[Term]) -> bool:
    return any(other.strength == "name" and other.group == term.group for other in terms)


def followed(
    question: str, earlier: str, best: list[Scored], today: date, certainty: float, rare: Rare = None
) -> Verdict:
    """Return the verdict on a question that follows another one."""
    asked = read_question(question, today)
    before = read_question(earlier, today)
    fresh = {term.text for term in asked.telling}
    verdicts = [(each, judged(each, best, today, certainty, fresh, rare)) for each in variants_of(asked, before)]
    clear = [(each, verdict) for each, verdict in verdicts if verdict.claims]
    if not clear:
        return min((verdict for _, verdict in verdicts), key=lambda each: len(each.missing), default=Verdict())
    each, verdict = max(clear, key=lambda pair: pair[1].claims[0].score)
    claim = verdict.claims[0]
    for _, other in clear:
        rival = other.claims[0]
        if rival.score > claim.score - RIVAL and rival.statement != claim.statement and contradicts(each, claim, rival):
            return Verdict(rivals=[claim, rival], close=verdict.close)
    return verdict
