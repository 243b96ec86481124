"""What the installer says, in the reader's language: the English text is the key of its translation.

`say("There is no receipt {name}.", name=name)` for sentences, `term(change.action)` for a word out of a table.
"""

import errno
import re
from collections.abc import Mapping
from contextvars import ContextVar

from gateway.wording.languages import Language
from install.wording.reasons import REASONS
from install.wording.sentences import SENTENCES
from install.wording.terms import TERMS

__all__ = ["Language", "language_of", "name_of", "reason_of", "say", "speak", "spoken", "term"]

_language: ContextVar[Language] = ContextVar("language", default="en")


def speak(language: Language) -> None:
    """Set the language of everything that is said from here on."""
    _language.set(language)


def spoken() -> Language:
    return _language.get()


def language_of(chosen: str | None, environment: Mapping[str, str]) -> Language:
    """Return the chosen language, else that of the terminal (LC_ALL, LC_MESSAGES, LANG), else English."""
    locale = chosen or next(
        (found for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (found := environment.get(name))), ""
    )
    name = re.split(r"[^a-z]", locale.lower())[0]
    return "ja" if name in ("ja", "japanese") else "en"


def say(english: str, /, **values: object) -> str:
    """Return a sentence with its values, in the language that is spoken."""
    text = SENTENCES[english] if spoken() == "ja" else english
    return text.format(**values) if values else text


def term(english: str) -> str:
    """Return a word out of a table in the language that is spoken; a name that is no word stays as it is."""
    return TERMS.get(english, english) if spoken() == "ja" else english


def reason_of(error: OSError) -> str:
    """Return why the machine refused something."""
    english = error.strerror or type(error).__name__
    return REASONS.get(name_of(error), english) if spoken() == "ja" else english


def name_of(error: OSError) -> str:
    """Return the name of an error of the machine, such as `ENOENT`."""
    return errno.errorcode.get(error.errno or 0, "")
