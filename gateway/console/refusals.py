"""Errors as pages tell them: a sentence in the person's language."""

from gateway.console.words import WORDS, text
from gateway.errors import ApiError
from gateway.wording.languages import Language
from gateway.wording.sentences import SENTENCES, sentence


class PageError(ApiError):
    """A refusal of the pages themselves; `key` is that of its words."""

    def __init__(self, status: int, key: str) -> None:
        super().__init__(text(key, "en"), code="forbidden" if status == 403 else "invalid_value")
        self.status = status  # type: ignore[misc]  # of this refusal
        self.key = key


def words_of(error: ApiError, language: Language) -> str:
    """Return what happened, for a person: the words of a page, the sentence of the code, or the message itself."""
    if isinstance(error, PageError):
        return text(error.key, language)
    if own := error.in_words(language, True, None, ()):
        return own
    if language == "en" and error.status < 500:
        return error.message
    if error.code in SENTENCES:
        return sentence(error.code, language, None, error.retry_after, error.successor)
    return text("error.internal", language)


def title_of(error: ApiError, language: Language) -> str:
    """Return the title of the page that tells an error."""
    key = f"{error.key}.title" if isinstance(error, PageError) else ""
    return text(key if key in WORDS else "error.title", language)


def remedy_of(error: ApiError, language: Language) -> str | None:
    """Return what to do about an error, where that is not said with it."""
    key = f"{error.key}.how" if isinstance(error, PageError) else ""
    return text(key, language) if key in WORDS else None
