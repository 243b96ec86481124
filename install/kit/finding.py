"""What a rule found: where, and the sentences that a person reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from install.kit.sentences import SENTENCES

Severity = Literal["error", "warning", "style"]
Language = Literal["en", "ja"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A line that breaks a rule, and what fills the braces of the rule's sentences."""

    line: int
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    severity: Severity
    line: int
    values: Mapping[str, object]

    def problem(self, language: Language = "en") -> str:
        return SENTENCES[self.rule][language][0].format(**self.values)

    def remedy(self, language: Language = "en") -> str:
        return SENTENCES[self.rule][language][1].format(**self.values)

    def as_json(self) -> dict[str, Any]:
        """Return `{rule, severity, line, problem: {en, ja}, remedy: {en, ja}}`."""
        languages: tuple[Language, ...] = ("en", "ja")
        said = {
            "problem": {language: self.problem(language) for language in languages},
            "remedy": {language: self.remedy(language) for language in languages},
        }
        return {"rule": self.rule, "severity": self.severity, "line": self.line, **said}


def hit(line: int, **values: object) -> Hit:
    return Hit(line, values)
