"""What the doctor says, in English and Japanese. Both languages have the same keys."""

from collections.abc import Mapping

from install.doctor.english import ENGLISH
from install.doctor.finding import State
from install.doctor.japanese import JAPANESE

Words = Mapping[str, str]

LANGUAGES: Mapping[str, Words] = {"en": ENGLISH, "ja": JAPANESE}


class Texts:
    """The texts of one language."""

    def __init__(self, language: str) -> None:
        self._words = LANGUAGES[language]

    def __call__(self, key: str, **values: object) -> str:
        return self._words[key].format(**values)

    def state(self, state: State) -> str:
        return self(f"state.{state}")
