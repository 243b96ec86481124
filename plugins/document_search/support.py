"""What a model's sentence needs: words, numbers and names in a passage, and the same yes or no."""

import re

from plugins.document_search.asked import Asked, Term
from plugins.document_search.language import HIRAGANA, in_cjk, normalised, terms
from plugins.document_search.matching import holds, words_of
from plugins.document_search.plain import quiet
from plugins.document_search.statements import Statement

SUPPORT = 0.6  # share of a sentence's words that a passage has
SAME_STATEMENT = 0.6  # share from which a sentence says the same as a statement
NEGATIVE = re.compile(
    r"\b(?:not|no|never|none|neither|cannot|without|forbidden|prohibited|banned)\b|n['’]t\b"
    r"|ない|ません|なし|ず[、。]|禁止|不可|不要|無効|できぬ"
)


def digits(text: str) -> set[str]:
    return set(re.findall(r"\d+(?:\.\d+)?", normalised(text).replace(",", "")))


def told(text: str) -> set[str]:
    return {term for term in terms(text) if not HIRAGANA.fullmatch(term)}


def under(statement: Statement) -> str:
    """Return a statement with what stands above and before it."""
    return quiet("\n".join([*statement.above, statement.before, statement.text]))


def alike(said: str, statement: Statement) -> float:
    """Return the share of a sentence's words that a statement has."""
    wanted = told(said)
    return len(wanted & told(under(statement))) / (len(wanted) or 1)


def nearest_statement(said: str, statements: list[Statement]) -> Statement | None:
    sentences = [statement for statement in statements if statement.kind != "list"]
    return max(sentences, key=lambda statement: alike(said, statement), default=None)


def has_subject(asked: Asked, passage: str) -> bool:
    """Return whether a passage is about something that the question names; one side of a comparison is enough."""
    groups: dict[int, list[Term]] = {}
    for term in asked.telling:
        if term.strength == "name" and not term.text.isdigit():
            groups.setdefault(term.group, []).append(term)
    words = words_of(passage)
    return not groups or any(all(holds(term, words) for term in group) for group in groups.values())


def numbers_stand(said: str, statements: list[Statement]) -> bool:
    """Return whether each number stands in a statement that shares a word with the sentence."""
    wanted, numbers = told(said), digits(said)
    texts = [(digits(text), told(text)) for text in map(under, statements)]
    return all(any(number in there and (wanted - {number}) & words for there, words in texts) for number in numbers)


def supports(passage: str, said: str, cited: bool = False, statements: list[Statement] | None = None) -> bool:
    """Return whether a passage has a sentence's numbers and most of its words; in another language, numbers."""
    there, wanted = set(terms(passage)), told(said)
    if not digits(said) <= digits(passage) or len(wanted) < 2:
        return False
    if in_cjk(said) != in_cjk(passage):
        return cited
    if len(wanted & there) < SUPPORT * len(wanted):
        return False
    if not statements:
        return True
    nearest = nearest_statement(said, statements)
    opposite = (
        nearest is not None
        and alike(said, nearest) >= SAME_STATEMENT
        and bool(NEGATIVE.search(said)) != bool(NEGATIVE.search(nearest.text))
    )
    return not opposite and numbers_stand(said, statements)
