"""Measuring the verdicts of document search by words alone, without Open WebUI, embeddings or a model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from plugins.document_search.asked import read_question
from plugins.document_search.extents import passages_in
from plugins.document_search.following import followed
from plugins.document_search.index import Shelf, shelf_of
from plugins.document_search.passages import Passage
from plugins.document_search.ranking import Scored, merged
from plugins.document_search.statements import Statement
from plugins.document_search.verdict import CERTAINTY, Verdict, judged
from plugins.document_search.weights import Weights
from tests.bench import search_corpus
from tests.bench.company import company
from tests.bench.company.pages import Language, Question
from tests.bench.search_corpus import squeezed

LANGUAGES: tuple[Language, ...] = ("en", "ja")


@dataclass
class Tally:
    """Counts over questions of one kind."""

    answerable: int = 0
    clear: int = 0
    right: int = 0
    unanswerable: int = 0
    claims: int = 0

    def add(self, other: "Tally") -> None:
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def count(self, answered: bool, answerable: bool, right: bool) -> None:
        self.answerable += answerable
        self.unanswerable += not answerable
        self.clear += answered and answerable
        self.right += answered and answerable and right
        self.claims += answered and not answerable


@dataclass
class Report:
    """Tallies by kind, and what went wrong."""

    kinds: dict[str, Tally] = field(default_factory=dict)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    """A question, and what was claimed."""

    def of(self, kind: str) -> Tally:
        return self.kinds.setdefault(kind, Tally())

    @property
    def total(self) -> Tally:
        total = Tally()
        for tally in self.kinds.values():
            total.add(tally)
        return total


def shelved(name: str, documents: Iterable[tuple[str, str]]) -> Shelf:
    """Return a shelf of documents, given as name and text."""
    parts = [passages_in(f"{name}:{at}", text, Passage("", "", title)) for at, (title, text) in enumerate(documents)]
    return shelf_of(name, [passage for part in parts for passage in part], len(parts))


def quoted(statement: Statement) -> str:
    """Return what a person reads of a claim: its heading, and the sentences beside it."""
    return "\n".join([*statement.above[:1], statement.before, statement.text, statement.after])


def half_of(questions: Sequence[Question], reported: bool) -> list[Question]:
    """Return the half on which the settings were chosen, or the other one, which is reported."""
    return [question for at, question in enumerate(questions) if at % 2 == reported]


def verdict_on(question: Question, shelves: list[Shelf], certainty: float) -> Verdict:
    """Return the verdict on a question, as document search has it without a model."""
    today = date.today()
    rare = Weights("", shelves).rare
    if question.before:
        best = merged([f"{question.before[0]} {question.text}"], shelves, {})
        return followed(question.text, question.before[0], best, today, certainty, rare)
    best = merged([question.text], shelves, {})
    return judged(read_question(question.text, today), best, today, certainty, rare=rare)


def measured_company(reported: bool | None, certainty: float = CERTAINTY) -> dict[Language, Report]:
    """Return the reports on our own company; both languages are searched together. None: all questions."""
    shelves = [
        shelved(language, ((page.name, page.text) for page in company(language).pages)) for language in LANGUAGES
    ]
    reports: dict[Language, Report] = {}
    for language in LANGUAGES:
        report = reports[language] = Report()
        questions = company(language).questions
        for question in questions if reported is None else half_of(questions, reported):
            verdict = verdict_on(question, shelves, certainty)
            said = "\n".join(claim.statement.text for claim in verdict.claims)
            right = all(squeezed(answer) in squeezed(said) for answer in question.answers)
            report.of(question.kind).count(bool(verdict.claims), question.answerable, right)
            if verdict.claims and not (right and question.answerable):
                report.wrong.append((question.text, said))
    return reports


def measured_corpus(language: Language, count: int, certainty: float = CERTAINTY) -> Report:
    """Return the report on Wikipedia's passages: each question with its article, and again without it."""
    held, report, today = search_corpus.corpus(language), Report(), date.today()
    shelves = [shelved(language, ((document.name, document.text) for document in held.documents))]
    rare = Weights("", shelves).rare
    for question in held.sample(count):
        asked = read_question(question.text, today)
        best = merged([question.text], shelves, {})
        for answerable, passages in ((True, best), (False, without(best, held.article_of(question.document), held))):
            verdict = judged(asked, passages, today, certainty, rare=rare)
            said = "\n".join(quoted(claim.statement) for claim in verdict.claims)
            right = question.answered_by(said)
            report.of("encyclopaedia").count(bool(verdict.claims), answerable, right)
            if verdict.claims and not (right and answerable):
                report.wrong.append((question.text, said))
    return report


def without(best: list[Scored], article: int, held: search_corpus.Corpus) -> list[Scored]:
    return [each for each in best if held.article_of(each.passage.name) != article]
