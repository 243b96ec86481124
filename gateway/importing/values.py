"""Values of LiteLLM's file as ours: `os.environ/NAME` as `${NAME}`, secrets never in the file itself."""

import re
from dataclasses import dataclass, field
from typing import Any

from gateway.config.document import Key

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET = re.compile(r"(key|secret|password|token|credentials|connection_string|webhook|dsn)s?(_\d+)?$", re.IGNORECASE)
_NO_SECRET = re.compile(r"(cost|max|min|tokens|per|ttl|price|alias|name|num)", re.IGNORECASE)
_PREFIX = "os.environ/"
_LONGEST_NAME = 60


def is_secret(name: str) -> bool:
    """Return whether a setting's name says that its value is a secret."""
    return bool(_SECRET.search(name)) and not _NO_SECRET.search(name)


@dataclass
class Values:
    """Makes values; remembers the variables that the result needs, and which secrets stood in the file."""

    variables: dict[str, str] = field(default_factory=dict)
    """What each variable holds, in words, by its name."""
    hint: str = ""
    """What the setting is of: the name of a model."""
    _moved: dict[str, str] = field(default_factory=dict)
    """Names of variables by the literal secrets that they take the place of."""

    def text(self, value: object, key: Key, *, secret: bool = False) -> str | None:
        """Return a text as ours, or None where it is none. A literal secret becomes a variable."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return None
        text = str(value)
        if text.startswith(_PREFIX):
            return self.variable(text.removeprefix(_PREFIX), key)
        for name in _REFERENCE.findall(text):
            self.variables.setdefault(name, _words(key))
        if not secret or not text or _REFERENCE.fullmatch(text):
            return text or None
        if text not in self._moved:
            self._moved[text] = self._free(key)
        return self.variable(self._moved[text], key)

    def variable(self, name: str, key: Key) -> str | None:
        """Return the reference to a variable of the environment."""
        if not _VARIABLE.fullmatch(name):
            return None
        self.variables.setdefault(name, _words(key))
        return f"${{{name}}}"

    def is_literal(self, value: object) -> bool:
        """Return whether a value was a secret in the file itself."""
        return isinstance(value, str | int | float) and str(value) in self._moved

    def _free(self, key: Key) -> str:
        """Return a name for a secret that no other has."""
        words = [str(part) for part in key if isinstance(part, str)][-2:]
        if key[0] == "model_list":
            words = [self.hint, words[-1]]
        base = re.sub("[^A-Z0-9]+", "_", "_".join(words).upper()).strip("_")[:_LONGEST_NAME] or "SECRET"
        base = base if base[0].isalpha() else f"S_{base}"
        names = (base, *(f"{base}_{number}" for number in range(2, 100_000)))
        return next(name for name in names if name not in self.variables)


def _words(key: Key) -> str:
    return ".".join(str(part) for part in key)[:200]


def number(value: Any) -> float | None:
    """Return a value as a number above zero; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if 0 < found < 10**12 else None


def whole(value: Any) -> int | None:
    """Return a value as a whole number above zero."""
    found = number(value)
    return int(found) if found and found >= 1 else None
