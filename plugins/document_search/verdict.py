"""The verdict: whether the documents answer a question, and with what."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from plugins.document_search.asked import Asked, Term
from plugins.document_search.evidence import FATAL, NEVER_OTHERWISE, Evidence, evidence_of
from plugins.document_search.language import in_cjk
from plugins.document_search.matching import words_of
from plugins.document_search.ranking import Scored
from plugins.document_search.roots import figured
from plugins.document_search.statements import LEADS, Statement, statements_of
from plugins.document_search.versions import Version, in_force, version_of

CERTAINTY = 0.82
"""Share of a question that a clear answer holds, see docs/document-search.md."""
STRICT_KINDS = ("yes or no", "value", "meaning")
"""Kinds of questions all of whose words must be met."""
PRICED = ("money", "number")  # kinds where the thing itself has to be met: what a lorry costs is no car's price
RARE_WORDS = 2.0
PUT_OTHERWISE = 0.2
PROOF = 2.0
"""How much a sentence holds of what is rare, with which others may be put otherwise; see Evidence.proof."""
PROOF_QUALIFIED = 2.5  # the same, if a qualifier is among the others
OWN_SHARE = 0.3
Rare = Callable[[str], float] | None
"""How rare a word is, 0 to 1; see Weights.rare."""
LOOKED_AT = 40  # passages
RIVAL = 0.05  # how near another statement's score must be to speak against a claim
TYPED_KINDS = ("money", "count", "number", "period", "date", "phone", "e-mail", "colour")


@dataclass
class Verdict:
    """What the documents say to a question."""

    claims: list[Evidence] = field(default_factory=list)
    """The answer: one statement, or two that are compared. Empty: there is no clear answer."""
    earlier: list[tuple[Evidence, date | None]] = field(default_factory=list)
    """What versions say that are not in force."""
    rivals: list[Evidence] = field(default_factory=list)
    """Others that meet the question as well and say something else."""
    close: list[Evidence] = field(default_factory=list)
    """The best statements, one of each passage."""
    missing: tuple[str, ...] = ()
    """Words of the question that none of them meets."""


def bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", figured(text))


def version(statement: Statement) -> Version:
    passage = statement.passage
    return version_of(passage.name, passage.heading, "\n".join([*reversed(statement.above[-3:]), passage.text[:400]]))


def meets(asked: Asked, evidence: Evidence, certainty: float, fresh: frozenset[str]) -> bool:
    """Return whether a statement answers a question: it holds all that narrows it down, and nearly all of its words."""
    fatal = asked.kind in STRICT_KINDS
    if not evidence.kind or evidence.own <= 0:
        return False
    if not fatal and is_proven(evidence, certainty):
        return not any(term.text in fresh for term in evidence.missing)
    if evidence.held < certainty and (fatal or not stands_out(evidence, certainty)):
        return False
    strict = FATAL if evidence.statement.kind == "sentence" and asked.kind not in PRICED else (*FATAL, "subject")
    return not any(fatal or term.strength in strict or term.text in fresh for term in evidence.missing)


def stands_out(evidence: Evidence, certainty: float) -> bool:
    """Return whether a sentence holds so many rare words that others of the question may be put otherwise."""
    many = evidence.mass >= RARE_WORDS and evidence.own >= 0.5 and evidence.statement.kind == "sentence"
    subject = any(term.strength == "subject" for term in evidence.missing)
    return many and not subject and evidence.held >= certainty - PUT_OTHERWISE


def is_proven(evidence: Evidence, certainty: float) -> bool:
    """Return whether the best passage's sentence holds so much that is rare that the rest may be put otherwise."""
    missing = {term.strength for term in evidence.missing}
    own = evidence.own >= OWN_SHARE and evidence.statement.kind == "sentence" and evidence.is_first
    enough = evidence.proof >= (PROOF_QUALIFIED if "qualifier" in missing else PROOF)
    return own and enough and not missing.intersection(NEVER_OTHERWISE) and evidence.held >= certainty - PUT_OTHERWISE


def weighed(asked: Asked, best: list[Scored], rare: Rare = None) -> list[Evidence]:
    """Return the statements of the best passages, the best evidence first, each once."""
    kept: dict[str, Evidence] = {}
    for at, each in enumerate(best[:LOOKED_AT]):
        for statement in statements_of(each.passage):
            if statement.kind == "list" and asked.kind != "procedure":
                continue
            evidence = evidence_of(asked, statement, rare, each.score)._replace(is_first=at == 0)
            key = bare(statement.text) + "|" + bare("".join(statement.above[:-1]))
            if key not in kept or evidence.score > kept[key].score + 1e-9:
                kept[key] = evidence
    return sorted(kept.values(), key=lambda each: -each.score)


def values_of(asked: Asked, evidence: Evidence) -> frozenset[str]:
    """Return what two answers differ in: their figures, or all of their words."""
    figures = re.findall(r"\d+(?:\.\d+)?", figured(evidence.statement.text))
    known = set(re.findall(r"\d+(?:\.\d+)?", figured(asked.text)))
    if asked.kind in TYPED_KINDS and (left := frozenset(figures) - known):
        return left
    return frozenset(words_of(evidence.statement.text).runs)


def contradicts(asked: Asked, claim: Evidence, other: Evidence) -> bool:
    first, second = values_of(asked, claim), values_of(asked, other)
    return not (first <= second or second <= first)


def same_document(first: Evidence, second: Evidence) -> bool:
    one, other = first.statement.passage, second.statement.passage
    return (one.name, one.base) == (other.name, other.base)


def are_versions(first: Evidence, second: Evidence) -> bool:
    """Return whether two statements are the same rule in two versions of a document."""
    if same_document(first, second):
        return False
    one, other = version(first.statement), version(second.statement)
    if one.family == other.family and one.family:
        return True
    runs = [{run for run in words_of(each.statement.text).runs if not re.match(r"\d", run)} for each in (first, second)]
    alike = len(runs[0] & runs[1]) / (len(runs[0] | runs[1]) or 1)
    above = (
        bare(first.statement.above[0]) == bare(second.statement.above[0])
        if first.statement.above and second.statement.above
        else False
    )
    return alike > 0.7 and (above or one.outdated != other.outdated)


def single_verdict(
    asked: Asked, ranked: list[Evidence], today: date, certainty: float = CERTAINTY, fresh: frozenset[str] = frozenset()
) -> Verdict:
    """Return the verdict on a question that asks for one thing."""
    verdict = Verdict(close=ranked)
    candidates = [each for each in ranked if meets(asked, each, certainty, fresh)]
    if not candidates:
        return verdict
    claim = candidates[0]
    for other in candidates[1:]:
        if other.score < claim.score - 2 * RIVAL - 0.05 or not are_versions(claim, other):
            continue
        if (first := in_force(version(claim.statement), version(other.statement), today)) is False:
            claim, other = other, claim
        if first is not None and contradicts(asked, claim, other):
            verdict.earlier.append((other, version(other.statement).since))
    gone = [id(each) for each, _ in verdict.earlier]
    rivals = [
        other
        for other in candidates
        if other is not claim
        and id(other) not in gone
        and other.score >= claim.score - RIVAL
        and other.same_language >= claim.same_language
        and contradicts(asked, claim, other)
    ]
    if rivals:
        if not are_beside(asked, claim, rivals):
            verdict.rivals = [claim, *rivals]
            return verdict
        verdict.claims = sorted([claim, *rivals], key=lambda each: each.statement.number)
        return verdict
    verdict.claims = [whole_list(claim, ranked)]
    return verdict


def are_beside(asked: Asked, claim: Evidence, rivals: list[Evidence]) -> bool:
    """Return whether the sentences of one passage answer together, where no single value was asked for."""
    passages = {each.statement.passage.key for each in (claim, *rivals)}
    sentences = all(each.statement.kind == "sentence" for each in (claim, *rivals))
    leads = any(LEADS.search(each.statement.text) for each in (claim, *rivals))
    return (
        asked.kind not in (*TYPED_KINDS, *STRICT_KINDS)
        and sentences
        and len(passages) == 1
        and len(rivals) < 3
        and not leads
    )


def whole_list(claim: Evidence, ranked: list[Evidence]) -> Evidence:
    """Return the list that a claim leads, or the claim itself."""
    if claim.statement.kind == "list" or not LEADS.search(claim.statement.text):
        return claim
    lists = (
        each
        for each in statements_of(claim.statement.passage)
        if each.kind == "list" and each.text.startswith(claim.statement.text)
    )
    found = next(lists, None)
    return claim._replace(statement=found) if found else claim


def sides_of(asked: Asked) -> list[Asked]:
    """Return a comparison as two questions, one for each side; empty where its sides cannot be told apart."""
    text = asked.text
    for pattern in COMPARED:
        if found := re.search(pattern, text, re.IGNORECASE):
            spans = found.span(1), found.span(2)
            first, second = (terms_within(asked, text[start:end]) for start, end in spans)
            rest = [term for term in asked.terms if term not in first and term not in second]
            if first and second and rest:
                return [asked._replace(kind="value", terms=(*rest, *side)) for side in (first, second)]
    return []


COMPARED = (
    r"([^\s、,。]+?)と([^\s、,。の]+?)(?:で|の(?:うち|間|差|違い|比較)|と?では|を比|は、?どちら|の[^、。]*?(?:違い|差|どちら)|、?どちら|とで)",
    r"([^\s、,。]+?)と、?([^\s、,。]+?)の",
    r"between\s+(?:the\s+)?(.+?)\s+and\s+(?:the\s+)?(.+?)(?:\?|$|\s+(?:in|for|of|with)\b)",
    r",\s*(?:the\s+)?([^,]+?)\s+or\s+(?:the\s+)?([^,?]+)",
    r"\b(?:in|of|on|at|for|is|are|does|do|than|from)\s+(?:the\s+)?((?:\w|-|\s(?!in\b|of\b|on\b|at\b|for\b))+?)\s+(?:or|than|versus|vs\.?)\s+(?:in\s+|of\s+|on\s+|at\s+|for\s+)?(?:the\s+)?([^,?]+?)(?:\s+(?:\w+er|more|less))?\s*\??$",
)


def terms_within(asked: Asked, part: str) -> tuple[Term, ...]:
    words = figured(part)
    return tuple(
        term
        for term in asked.terms
        if term.strength != "light"
        and (term.shown.lower() in words if not in_cjk(term.shown) else term.shown in words or words in term.shown)
    )


def compared(
    asked: Asked, best: list[Scored], today: date, certainty: float, fresh: frozenset[str], rare: Rare
) -> Verdict:
    """Return the verdict on a comparison: both sides need a clear answer of the same kind."""
    sides = sides_of(asked)
    found = [single_verdict(side, weighed(side, best, rare), today, certainty, fresh) for side in sides]
    if len(found) == 2 and all(each.claims for each in found):
        return Verdict(
            [claim for each in found for claim in each.claims], [old for each in found for old in each.earlier]
        )
    ranked = weighed(asked._replace(kind=""), best, rare)
    words = (
        word
        for side, each in zip(sides, found, strict=True)
        if not each.claims
        for word in missing_words(side, each.close)
    )
    return Verdict(close=ranked, missing=tuple(dict.fromkeys(words)))


def missing_words(asked: Asked, ranked: list[Evidence]) -> tuple[str, ...]:
    """Return the words of a question that even the best statement does not meet."""
    words = (term.shown for term in (ranked[0].missing if ranked else ()) if not is_stem(term))
    return tuple(dict.fromkeys(words))


def is_stem(term: Term) -> bool:
    """Return whether a term is the stem of a Japanese verb, which no person would read as a word."""
    return term.strength == "verb" and in_cjk(term.text)


def judged(
    asked: Asked,
    best: list[Scored],
    today: date,
    certainty: float = CERTAINTY,
    fresh: Iterable[str] = (),
    rare: Rare = None,
) -> Verdict:
    """Return what the best passages say to a question; `fresh`: terms that have to be met in any case."""
    if asked.kind == "comparison":
        return compared(asked, best, today, certainty, frozenset(fresh), rare)
    verdict = single_verdict(asked, weighed(asked, best, rare), today, certainty, frozenset(fresh))
    return replace(verdict, missing=() if verdict.claims else missing_words(asked, verdict.close))
