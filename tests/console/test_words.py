"""What the pages say: both languages, and nothing that a template asks for is missing."""

import re
import string
from pathlib import Path

import gateway.console
from gateway.console.words import WORDS

ROOT = Path(gateway.console.__file__).parent
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def test_each_text_is_there_in_both_languages() -> None:
    for key, (english, japanese) in WORDS.items():
        assert english.strip(), key
        assert japanese.strip(), key
        assert _fields(english) == _fields(japanese), key
        assert key == "other_language" or not JAPANESE.search(english), key


def test_each_text_that_is_asked_for_is_there() -> None:
    asked = set()
    for path in [*ROOT.rglob("*.html"), *ROOT.rglob("*.py")]:
        asked |= set(re.findall(r'\bt\("([\w.]+)"[,)]', path.read_text()))
    assert asked <= set(WORDS), f"missing: {sorted(asked - set(WORDS))}"


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
