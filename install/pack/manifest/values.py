"""Values in the manifest that stand for others: `${NAME}`, `file:path`, `prompt:question`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from gateway.secret import Secret
from install.errors import ManifestError
from install.pack.tree import Leaf
from install.pack.tree import Path as LeafPath
from install.wording import reason_of, say

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
FILE = "file:"
PROMPT = "prompt:"

Ask = Callable[[str, bool], str | None]
"""Question and whether the answer is hidden → the answer, None where nobody can be asked."""


SECRET_NAME = re.compile(r"(^|[_.-])(api_?key|key|token|secret|password|authorization)s?$", re.IGNORECASE)


class Unset(Enum):
    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True)
class Resolver:
    """What stands behind the manifest's values. Variables, files and answers are secrets, whatever they hold."""

    environment: Mapping[str, Secret]
    open_to_all: Mapping[str, str] = field(default_factory=dict)
    """Variables that may be shown."""
    folder: Path = Path()
    ask: Ask | None = None
    answers: dict[str, Secret] = field(default_factory=dict)

    def value(self, value: object, where: str, name: str, *, there: bool = False) -> object:
        """Resolve a value; `UNSET` where a variable is missing or nobody can be asked. With `there` nobody is asked.

        Raises `ManifestError` for a file that cannot be read.
        """
        if not isinstance(value, str):
            return value
        if is_question(value):
            return UNSET if there else self._asked(value.removeprefix(PROMPT).strip(), name)
        if value.startswith(FILE):
            return self._from_file(value, where)
        return self._filled(value)

    def _from_file(self, value: str, where: str) -> Secret:
        text = read_text(self.folder, value, where).rstrip("\r\n")
        if not text.strip():
            raise ManifestError(
                where,
                say("{file} is empty", file=value.removeprefix(FILE).strip()),
                say("a file with the value in it"),
            )
        return Secret(text)

    def missing(self, value: object) -> str:
        """Return the variables that would have to be set."""
        names = [name for name in VARIABLE.findall(str(value)) if not self._known(name)]
        return ", ".join(names) or str(value)

    def _known(self, name: str) -> bool:
        return name in self.open_to_all or name in self.environment

    def _filled(self, value: str) -> object:
        names = VARIABLE.findall(value)
        if not names:
            return value
        if not all(map(self._known, names)):
            return UNSET
        text = VARIABLE.sub(lambda match: self._reveal(match[1]), value)
        return text if all(name in self.open_to_all for name in names) else Secret(text)

    def _reveal(self, name: str) -> str:
        return self.open_to_all[name] if name in self.open_to_all else self.environment[name].reveal()

    def _asked(self, question: str, name: str) -> object:
        if question not in self.answers:
            answer = self.ask(question or name, is_secret_name((name,))) if self.ask else None
            if answer is None:
                return UNSET
            self.answers[question] = Secret(answer)
        return self.answers[question]


def is_question(value: object) -> bool:
    """Return whether a person is asked for this value, once."""
    return isinstance(value, str) and value.startswith(PROMPT)


def read_text(folder: Path, value: str, where: str) -> str:
    """Return the text behind `file:…`. Raises `ManifestError`."""
    path = folder / value.removeprefix(FILE).strip()
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else say("not UTF-8")
        raise ManifestError(
            where, say("{path} cannot be read ({reason})", path=path, reason=reason), say("an existing text file")
        ) from error


@dataclass(frozen=True, slots=True)
class Hidden:
    """A value that is no text and is not shown, as it came from a variable."""

    value: Leaf = field(repr=False)


def plain(value: object) -> Leaf:
    if isinstance(value, Hidden):
        return value.value
    return value.reveal() if isinstance(value, Secret) else value


def is_secret_name(path: LeafPath) -> bool:
    return bool(SECRET_NAME.search(path[-1]))
