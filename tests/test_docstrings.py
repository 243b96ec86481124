"""Docstrings of functions begin with a verb: no question word, article or code stands first."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NO_VERB = re.compile(
    r"(A|An|The|That|Those|This|These|One|Only|Each|Some|It|Not|Nothing|As|At|By|For|From|In|Of|Out|Until|With|What|Where"
    r"|Whether|When|Who|How)\b|[^A-Z]"
)


@pytest.mark.parametrize("package", ["gateway", "install", "plugins"])
def test_docstrings_begin_with_a_verb(package: str) -> None:
    odd = [
        f"{file.relative_to(ROOT)}:{line}: {text}"
        for file in sorted((ROOT / package).rglob("*.py"))
        for line, text in functions(file.read_text())
        if not begins_with_verb(text)
    ]

    assert not odd, "begin these with a verb that names the object: Return, Read, Write, Check, Raise …"


@pytest.mark.parametrize("text", ["What a key may do.", "`usage` of an answer.", "The newest.", "1, 2, 5: bins."])
def test_what_begins_otherwise_is_found(text: str) -> None:
    (found,) = functions(f'def called() -> None:\n    """{text}"""')

    assert not begins_with_verb(found[1])


def begins_with_verb(text: str) -> bool:
    return NO_VERB.match(text) is None


def functions(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and docstring of each function; properties are described by nouns."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        noun = any("property" in ast.unparse(decorator) for decorator in node.decorator_list)
        if not noun and (text := ast.get_docstring(node)):
            yield node.lineno, text
