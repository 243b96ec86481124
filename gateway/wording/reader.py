"""Who reads an error, and what of it they are told."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import ApiError
from gateway.wording.languages import BOTH, Language
from gateway.wording.sentences import sentence

_IDS: dict[tuple[Language, ...], str] = {
    ("en",): " (request {id})",
    ("ja",): "（リクエスト番号: {id}）",
    BOTH: " (request / リクエスト番号: {id})",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """The person or program that gets an error."""

    languages: tuple[Language, ...] = BOTH
    is_person: bool = False
    """Someone in a chat, who reads no field names; a program's user reads the English message itself."""
    model: str | None = None
    """The name that was asked for."""
    zone: str | None = None
    """An IANA time zone; None where nobody tells."""
    free_models: Sequence[str] = ()
    """Models that cost nothing and are open to the reader."""
    contact: str | None = None
    """Whom the reader asks; None = "your administrator"."""

    def read(self, error: ApiError, language: Language) -> str:
        """Return what happened in one language."""
        if language == "en" and not self.is_person:
            return error.for_programs(self.free_models, self.contact)
        own = error.in_words(language, self.is_person, self.zone, self.free_models, self.contact)
        words = own or sentence(error.code, language, self.model, error.retry_after, error.successor, self.contact)
        detail = not self.is_person and self.languages != BOTH and 400 <= error.status < 500 and own is None
        return f"{words} {error.message}" if detail else words


def told(error: ApiError, reader: Reader, request_id: str) -> str:
    """Return the message of an error for its reader, with the id under which the administrator finds it."""
    words = " ".join(reader.read(error, language) for language in reader.languages)
    return words + _IDS[reader.languages].format(id=request_id)
