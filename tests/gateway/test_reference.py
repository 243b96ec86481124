"""The page of the configuration says what the schema says."""

from pathlib import Path

import pytest

from gateway.config.reference import Key, keys, page

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_is_written_from_the_schema() -> None:
    assert PAGE.read_text() == page(), "run: python -m gateway.config.reference docs/configuration.md"


@pytest.mark.parametrize("key", list(keys()), ids=lambda key: key.path)
def test_every_key_is_explained(key: Key) -> None:
    assert key.meaning
    assert key.type
    assert key.example not in ("required", "null", "[]", "{}", '""'), "give it an example"
