"""Rules about the status lines above an answer: each says `done`, and one that opens also ends."""

import ast
from collections.abc import Iterable, Iterator, Mapping

from install.kit.finding import Hit, hit
from install.kit.source import Function, Source


def status_done(source: Source) -> Iterator[Hit]:
    for node in source.nodes:
        if isinstance(node, ast.Dict):
            data = _data_of_status(node)
            # With `**more` it may be in there.
            if isinstance(data, ast.Dict) and None not in data.keys and "done" not in _keys(data):
                yield hit(node.lineno)


def status_left_open(source: Source) -> Iterator[Hit]:
    """Find functions that say done=False and neither say done=True in a `finally` nor run within one that does."""
    functions = {function.name: function for function in _outer(source)}
    closers = {name for name, each in functions.items() if _ends(each)}
    safe = _reached(functions, closers | (_given_to(source, closers) & functions.keys()))
    for name, function in functions.items():
        opens = next((node for node in ast.walk(function) if _says_done(node, False)), None)
        if opens and name not in safe:
            yield hit(getattr(opens, "lineno", function.lineno), function=name)


def _ends(function: Function) -> bool:
    return any(_says_done_within(line) for line in _last_words(function))


def _reached(functions: Mapping[str, Function], names: Iterable[str]) -> set[str]:
    """Return these functions and all that they call, directly or not."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += _named(functions[name]) & functions.keys()
    return found


def _given_to(source: Source, names: set[str]) -> set[str]:
    """Return names in the arguments of calls of these functions: `told(pieces(…))`."""
    calls = [node for node in source.nodes if isinstance(node, ast.Call) and _named(node.func) & names]
    return {name for call in calls for argument in call.args for name in _named(argument)}


def _named(node: ast.AST) -> set[str]:
    named = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return named | {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}


def _outer(source: Source) -> Iterator[Function]:
    for node in source.tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        yield from (each for each in inner if isinstance(each, Function))


def _last_words(function: Function) -> Iterator[ast.stmt]:
    for block in ast.walk(function):
        if isinstance(block, ast.Try):
            yield from block.finalbody


def _says_done_within(node: ast.AST) -> bool:
    return any(_says_done(each, True) for each in ast.walk(node))


def _says_done(node: ast.AST, value: bool) -> bool:
    """Return whether a call has `done=…`, or a dict `"done": …` beside a description."""
    match node:
        case ast.Call(keywords=keywords):
            said = [keyword.value for keyword in keywords if keyword.arg == "done"]
        case ast.Dict(keys=keys, values=values) if "description" in _keys(node):
            pairs = zip(keys, values, strict=True)
            said = [each for key, each in pairs if isinstance(key, ast.Constant) and key.value == "done"]
        case _:
            return False
    return any(isinstance(each, ast.Constant) and each.value is value for each in said)


def _data_of_status(node: ast.Dict) -> ast.expr | None:
    pairs = zip(node.keys, node.values, strict=True)
    event = {key.value: value for key, value in pairs if isinstance(key, ast.Constant)}
    kind = event.get("type")
    return event.get("data") if isinstance(kind, ast.Constant) and kind.value == "status" else None


def _keys(node: ast.Dict) -> set[object]:
    return {key.value for key in node.keys if isinstance(key, ast.Constant)}
