"""The pages of exercises: the same steps in both languages, each exercise with something that is run and compared."""

import re

import pytest

from tests.embedded.hands_on import DOCS, missing_line, steps

ENGLISH, JAPANESE = DOCS / "hands-on.md", DOCS / "hands-on.ja.md"
EXERCISES = 7


def test_both_languages_have_the_same_steps() -> None:
    english, japanese = ([(step.commands, step.shown) for step in steps(page)] for page in (ENGLISH, JAPANESE))
    assert english == japanese
    for page, word in ((ENGLISH, "Exercise"), (JAPANESE, "演習")):
        exercises = {step.exercise for step in steps(page) if step.exercise.startswith(word)}
        assert len(exercises) == len(re.findall(rf"^## {word}", page.read_text(), re.MULTILINE)) == EXERCISES


def test_nothing_on_the_page_is_left_out() -> None:
    for page in (ENGLISH, JAPANESE):
        text = page.read_text()
        assert text.count("```sh\n") == len(list(steps(page)))
        assert text.count("```text\n") == sum(bool(step.shown) for step in steps(page))


@pytest.mark.parametrize(
    ("shown", "printed", "missing"),
    [
        (["a", "c"], "a\nb\nc", None),
        (["c", "a"], "a\nb\nc", "a"),
        (["x … z"], "x y z", None),
        (["x … z"], "x y z!", "x … z"),
        (["… y"], "  x    y ", None),
        (["a  b"], "a b", None),
        (["a.b"], "axb", "a.b"),
        (["a"], "", "a"),
    ],
)
def test_what_is_not_printed_is_found(shown: list[str], printed: str, missing: str | None) -> None:
    assert missing_line(shown, printed) == missing
