"""What the pages say: both languages, and nothing that a template asks for is missing."""

import re
import string
from pathlib import Path

import pytest

import gateway.console
from gateway.console.words import WORDS

ROOT = Path(gateway.console.__file__).parent
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
SAME = {"title", "other_language", "none"}


@pytest.mark.parametrize("key", sorted(WORDS))
def test_each_text_is_there_in_both_languages(key: str) -> None:
    english, japanese = WORDS[key]
    assert english.strip()
    assert japanese.strip()
    assert _fields(english) == _fields(japanese)
    if key not in SAME and re.search(r"[a-z]{3}", re.sub(r"\{\w+\}", "", english)):
        assert english != japanese or not english.islower()
        assert key == "other_language" or not JAPANESE.search(english)


def test_each_text_that_is_asked_for_is_there() -> None:
    asked = set()
    for path in [*ROOT.rglob("*.html"), *ROOT.rglob("*.py")]:
        asked |= set(re.findall(r'\bt\("([\w.]+)"[,)]', path.read_text()))
    assert asked <= set(WORDS), f"missing: {sorted(asked - set(WORDS))}"


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
