"""What the machine refused, and how an error is printed, in the reader's language."""

from gateway import failures
from install.wording import name_of, reason_of, say, spoken
from install.wording.reasons import REMEDIES, UNKNOWN_REMEDY


def in_words(error: BaseException) -> str | None:
    """Return what a person can do about an error of the machine, or None where the error is a bug."""
    if spoken() == "en" or not isinstance(error, OSError) or error.errno is None:
        return failures.in_words(error)
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{reason_of(error)}。{REMEDIES.get(name_of(error), UNKNOWN_REMEDY)}"


def labelled(words: str) -> str:
    return say("error: {words}", words=words)
