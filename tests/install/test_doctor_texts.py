"""Both languages of the doctor say the same things."""

import re
import string

import pytest

from install.doctor.english import ENGLISH
from install.doctor.finding import State
from install.doctor.japanese import JAPANESE
from install.doctor.probes import PROBES
from install.doctor.texts import Texts


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_every_text_with_the_same_gaps() -> None:
    assert ENGLISH.keys() == JAPANESE.keys()
    assert {key for key in ENGLISH if fields(ENGLISH[key]) != fields(JAPANESE[key])} == set()
    assert [key for key, text in ENGLISH.items() if not text] == []


def test_japanese_is_japanese() -> None:
    same = {key for key in ENGLISH if ENGLISH[key] == JAPANESE[key]}
    assert {key for key in same if re.search(r"[a-z]{3}", re.sub(r"\{.*?\}", "", ENGLISH[key]))} == {"open_webui"}


@pytest.mark.parametrize("name", ["en", "ja"])
def test_every_state_and_every_way_has_a_name(name: str) -> None:
    text = Texts(name)
    assert all(text.state(state) for state in State)
    assert all(text(probe.name) and text(probe.unsigned) and text(probe.unknown) for probe in PROBES)
