"""Rules about the methods that Open WebUI calls, and what they keep."""

import ast
from collections.abc import Iterator

from install.kit.finding import Hit, hit
from install.kit.kinds import IN_TOOLS, Hook
from install.kit.source import Function, Source


def hook_missing(source: Source) -> Iterator[Hit]:
    if source.kind and source.plugin_class and not source.hooks:
        hooks = ", ".join(source.kind.hooks) or "public methods"
        yield hit(source.plugin_class.lineno, cls=source.kind.cls, hooks=hooks)


def hook_sync(source: Source) -> Iterator[Hit]:
    yield from (hit(hook.lineno, hook=hook.name) for hook in source.hooks if isinstance(hook, ast.FunctionDef))


def hook_first_argument(source: Source) -> Iterator[Hit]:
    for hook, known in _known(source):
        if [*_arguments(hook), "", ""][1] != known.first:
            yield hit(hook.lineno, hook=hook.name, first=known.first)


def hook_argument(source: Source) -> Iterator[Hit]:
    for hook, known in _known(source):
        if not known.takes_rest:
            for name in _arguments(hook)[2:]:
                if name not in known.given:
                    yield hit(hook.lineno, hook=hook.name, argument=name, given=", ".join(sorted(known.given)))
    if source.kind and source.kind.is_tool:
        for hook in source.hooks:
            for name in _arguments(hook)[1:]:
                if name.startswith("__") and name not in IN_TOOLS:
                    yield hit(hook.lineno, hook=hook.name, argument=name, given=", ".join(sorted(IN_TOOLS)))


def hook_rest(source: Source) -> Iterator[Hit]:
    for hook, known in _known(source):
        if hook.args.kwarg and not known.takes_rest:
            yield hit(hook.lineno, hook=hook.name, name=hook.args.kwarg.arg)


def hook_returns_nothing(source: Source) -> Iterator[Hit]:
    for hook, known in _known(source):
        if not known.answers:
            continue
        returns = [node for node in _own(hook) if isinstance(node, ast.Return)]
        bare = next((node for node in returns if node.value is None), None)
        if bare or not (returns or isinstance(hook.body[-1], ast.Raise)):
            yield hit((bare or hook).lineno, hook=hook.name, first=known.first)


def task_ignored(source: Source) -> Iterator[Hit]:
    if source.kind and source.kind.name == "pipe":
        for hook in source.hooks:
            if not any(_looks_at_task(node) for node in ast.walk(hook)):
                yield hit(hook.lineno)


def state_on_self(source: Source) -> Iterator[Hit]:
    for method in source.methods:
        if method.name != "__init__":
            for node, name in _kept(method):
                yield hit(node.lineno, method=method.name, name=name)


def valves_read_twice(source: Source) -> Iterator[Hit]:
    for hook in source.hooks:
        reads = [node for node in ast.walk(hook) if _on_self(node) == "valves"]
        if len(reads) > 1:
            yield hit(reads[1].lineno, hook=hook.name)  # type: ignore[attr-defined]


def tool_helper(source: Source) -> Iterator[Hit]:
    """Find public helper methods of a tool: every public method goes to the model."""
    if not (source.kind and source.kind.is_tool):
        return
    called = {
        _on_self(node.func)
        for method in source.methods
        for node in ast.walk(method)
        if isinstance(node, ast.Call) and _on_self(node.func) != method.name
    }
    yield from (hit(hook.lineno, method=hook.name) for hook in source.hooks if hook.name in called)


def tool_undescribed(source: Source) -> Iterator[Hit]:
    if source.kind and source.kind.is_tool:
        yield from (hit(hook.lineno, method=hook.name) for hook in source.hooks if not ast.get_docstring(hook))


def tool_untyped(source: Source) -> Iterator[Hit]:
    if source.kind and source.kind.is_tool:
        for hook in source.hooks:
            for argument in _all_arguments(hook)[1:]:
                if argument.annotation is None and not argument.arg.startswith("__"):
                    yield hit(argument.lineno, method=hook.name, argument=argument.arg)


def _known(source: Source) -> Iterator[tuple[Function, Hook]]:
    if source.kind and not source.kind.is_tool:
        yield from ((hook, source.kind.hooks[hook.name]) for hook in source.hooks)


def _all_arguments(function: Function) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _arguments(function: Function) -> list[str]:
    return [argument.arg for argument in _all_arguments(function)]


def _own(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function without those of functions within it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)


def _looks_at_task(node: ast.AST) -> bool:
    match node:
        case ast.Name(id="__task__", ctx=ast.Load()) | ast.Constant(value="task"):
            return True
    return False


def _on_self(node: ast.AST) -> str | None:
    match node:
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name
    return None


def _kept(method: Function) -> Iterator[tuple[ast.expr, str]]:
    """Yield assignments to attributes: `self.x = …`, `self.x[…] = …`, `del self.x`."""
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            place = node.value if isinstance(node, ast.Subscript) else node
            if name := _on_self(place):
                yield node, name
