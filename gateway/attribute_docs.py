"""The sentences that stand below the attributes of a class in its source."""

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise


def attribute_docs(class_: type) -> dict[str, str]:
    """Return the docstring of each annotated attribute in one line, inherited ones too; none without the source."""
    found: dict[str, str] = {}
    for each in reversed(class_.__mro__):
        found.update(_classes(each.__module__).get(each.__qualname__, {}))
    return found


@cache
def _classes(module: str) -> dict[str, dict[str, str]]:
    """Return the docstrings of the classes of a module."""
    try:
        parsed = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError):
        return {}
    return {each.name: _below(each.body) for each in parsed.body if isinstance(each, ast.ClassDef)}


def _below(body: list[ast.stmt]) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, below in pairwise(body):
        text = below.value if isinstance(below, ast.Expr) else None
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Constant):
            found[field.target.id] = " ".join(str(text.value).split())
    return found
