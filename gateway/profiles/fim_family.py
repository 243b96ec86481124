"""What a family of models needs to fill in the middle: its markers, and how texts and other files stand between them.

Markers are special tokens of the family's tokenizer; a text that quotes one is changed so that it stays a text.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Literal

import msgspec

FimName = Literal[
    "qwen",
    "deepseek",
    "starcoder",
    "codegemma",
    "codestral",
    "codellama",
    "granite",
    "seed",
    "mellum",
    "glm",
]
FimSetting = FimName | Literal["native", "none"]
"""`native`: the upstream's Completions take `suffix`; `none`: the model cannot fill in the middle."""
MOST_STOPS = 4
"""Stop strings that every server takes."""
_LONGEST_PATH = 512
UNNAMED = "file"
"""Stands for the path of a file whose path is not known."""


class File(msgspec.Struct, frozen=True):
    """Another file of the project, or a part of one."""

    path: str
    text: str


class Family(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """How a family of models is asked to fill a gap."""

    name: FimName
    prefix: str
    """Marker before the text that stands before the cursor."""
    suffix: str
    """Marker before the text that stands after the cursor."""
    middle: str
    """Marker after which the model writes; empty = it writes after the prefix."""
    stops: tuple[str, ...]
    """Stop strings, the most needed first, every marker among them."""
    special: str
    """Pattern of the family's special tokens."""
    names: str
    """Pattern of the names, in lower case, that upstreams give to its models."""
    source: str
    file_stops: tuple[str, ...] = ()
    """Stop strings where other files are in the prompt."""
    suffix_first: bool = False
    file: str = "#{path}\n{text}\n\n"
    """One other file."""
    before_files: str = ""
    current: str = ""
    """Stands before the current file where other files come first."""
    files_after_marker: bool = False
    """Other files follow the prefix marker, else they stand before all."""

    def fill(self, prefix: str, suffix: str, files: Sequence[File] = ()) -> str:
        """Return the prompt for a gap between two texts, with other files in the family's own separators."""
        before, after, context = self.plain(prefix), self.plain(suffix), self._context(files)
        if self.files_after_marker:
            before, context = context + before, ""
        parts = [self.prefix + before, self.suffix + after]
        return context + "".join(reversed(parts) if self.suffix_first else parts) + self.middle

    def with_files(self, prefix: str, files: Sequence[File]) -> str:
        """Return the text before the cursor behind other files, for a server that sets the markers itself."""
        return self._context(files) + (self.plain(prefix) if files else prefix)

    def is_filled(self, prompt: str) -> bool:
        """Return whether a prompt already is a filled template: some editors fill it in themselves."""
        if self.middle:
            return prompt.endswith(self.middle) and self.prefix in prompt
        return prompt.startswith(self.suffix) and self.prefix in prompt

    def plain(self, text: str) -> str:
        """Return a text in which no special token is left: a blank after its first character breaks each."""
        return self._special.sub(_broken, text)

    def ends(self, files: Sequence[File] = ()) -> tuple[str, ...]:
        """Return what ends an answer, the most needed first: the model's own markers must not get into a file."""
        return (*self.file_stops, *self.stops) if files else self.stops

    @cached_property
    def _special(self) -> re.Pattern[str]:
        return re.compile(self.special)

    def _context(self, files: Sequence[File]) -> str:
        if not files:
            return ""
        shown = (self.file.format(path=self.plain(_one_line(file.path)), text=self.plain(file.text)) for file in files)
        return self.before_files + "".join(shown) + self.current


def _broken(found: re.Match[str]) -> str:
    return f"{found[0][0]} {found[0][1:]}"


def _one_line(path: str) -> str:
    """Return a path without what could begin another line, or its stand-in."""
    return "".join(each for each in path[:_LONGEST_PATH] if each.isprintable()).strip() or UNNAMED
