"""Rules about async code: what has to be awaited is, and nothing makes the whole server wait."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from install.kit.finding import Hit, hit
from install.kit.rules.open_webui import facts
from install.kit.source import Function, Source

CALLABLES = frozenset({"__event_emitter__", "__event_call__"})
ASYNCIO = frozenset(
    f"asyncio.{name}"
    for name in ("sleep", "to_thread", "wait_for", "wait", "create_subprocess_exec", "create_subprocess_shell")
)
SYNC_CONSUMERS = frozenset(
    {"str", "repr", "len", "list", "tuple", "set", "dict", "bool", "int", "float", "sorted", "isinstance", "round"}
    | {"json.dumps", "json.loads", "min", "max", "sum", "any", "all", "enumerate", "zip", "next", "iter"}
)
"""They take a value where a coroutine is of no use."""

TAKERS = frozenset(
    {"create_task", "ensure_future", "gather", "wait_for", "wait", "shield", "as_completed", "run"}
    | {"run_coroutine_threadsafe", "run_until_complete", "append", "add", "extend", "put", "put_nowait"}
)
"""Last part of the names of what takes a coroutine and sees to it."""

TAKE_COROUTINES = frozenset({("open_webui.tasks", "create_task")})

BLOCKING: Mapping[str, str] = {
    "time.sleep": "`await asyncio.sleep(…)`",
    "subprocess.run": "`await asyncio.create_subprocess_exec(…)`",
    "subprocess.check_output": "`await asyncio.create_subprocess_exec(…)`",
    "os.system": "`await asyncio.create_subprocess_exec(…)`",
    "urllib.request.urlopen": "aiohttp",
    **{
        f"{module}.{verb}": "aiohttp"
        for module in ("requests", "httpx")
        for verb in ("get", "post", "put", "patch", "delete", "head", "request", "stream")
    },
}


def not_awaited(source: Source) -> Iterator[Hit]:
    code = _Code(source)
    for node in source.nodes:
        if isinstance(node, ast.Call) and (name := code.async_name(node.func)) and code.is_lost(node):
            yield hit(node.lineno, name=name)


def blocking_call(source: Source) -> Iterator[Hit]:
    for function in source.functions():
        if isinstance(function, ast.AsyncFunctionDef):
            for node in _within(function):
                if isinstance(node, ast.Call) and (name := _dotted(node.func)) in BLOCKING:
                    yield hit(node.lineno, name=name, instead=BLOCKING[name])


VALUES = (
    *(ast.Expr, ast.Attribute, ast.Subscript, ast.BoolOp, ast.UnaryOp, ast.Compare, ast.BinOp, ast.FormattedValue),
    *(ast.If, ast.While, ast.For, ast.Assert, ast.Raise),
)
"""Where a value has to stand, or nothing looks at it."""


@dataclass(frozen=True)
class _Code:
    """A plugin's tree, with what its names stand for and what surrounds each node."""

    source: Source

    @cached_property
    def parents(self) -> dict[int, ast.AST]:
        return {id(child): node for node in self.source.nodes for child in ast.iter_child_nodes(node)}

    @cached_property
    def imported(self) -> dict[str, tuple[str, str]]:
        """Module and name of what comes out of open_webui."""
        froms = [node for node in self.source.nodes if isinstance(node, ast.ImportFrom) and node.module]
        return {
            name.asname or name.name: (str(node.module), name.name)
            for node in froms
            for name in node.names
            if str(node.module).startswith("open_webui")
        }

    @cached_property
    def own(self) -> set[str]:
        """Names of plain async functions of the file that no sync one shares."""
        methods = {id(method) for cls in self.source.classes for method in cls.body}
        free = [function for function in self.source.functions() if id(function) not in methods]
        return _coroutines(free)

    @cached_property
    def methods(self) -> dict[str, set[str]]:
        """Async methods by class."""
        bodies = {cls.name: [each for each in cls.body if isinstance(each, Function)] for cls in self.source.classes}
        return {name: _coroutines(functions) for name, functions in bodies.items()}

    @cached_property
    def fields(self) -> dict[tuple[str, str], ast.expr]:
        """Types of attributes that a class of the file declares."""
        return {
            (cls.name, each.target.id): each.annotation
            for cls in self.source.classes
            for each in cls.body
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        }

    @cached_property
    def typed(self) -> dict[str, set[str]]:
        """Return the declared types of parameters by name, over the whole file."""
        found: dict[str, set[str]] = {}
        for node in self.source.nodes:
            if isinstance(node, ast.arg) and node.annotation:
                found.setdefault(node.arg, set()).add(ast.unparse(node.annotation))
        return found

    def type_of(self, node: ast.expr) -> str:
        """Return the class of the file that this is an instance of, as far as annotations tell."""
        match node:
            case ast.Name(id="self"):
                return self._class_around(node)
            case ast.Name(id=name):
                types = self.typed.get(name, set())
                return next(iter(types)).removesuffix(" | None") if len(types) == 1 else ""
            case ast.Attribute(value=value, attr=name):
                declared = self.fields.get((self.type_of(value), name))
                return ast.unparse(declared).removesuffix(" | None") if declared else ""
        return ""

    def _class_around(self, node: ast.AST) -> str:
        while not isinstance(node, ast.ClassDef | ast.Module):
            node = self.parents[id(node)]
        return node.name if isinstance(node, ast.ClassDef) else ""

    @cached_property
    def own_takers(self) -> set[str]:
        """Functions of the file that await what they are given, or hand it on to who does."""
        return {function.name for function in self.source.functions() if _awaits_a_parameter(function)}

    @cached_property
    def awaitable_types(self) -> set[str]:
        """Aliases such as `Emitter = Callable[[Json], Awaitable[None]]`."""
        found = [node for node in self.source.tree.body if isinstance(node, ast.Assign)]
        return {ast.unparse(node.targets[0]) for node in found if "Awaitable[" in ast.unparse(node.value)}

    @cached_property
    def given(self) -> set[str]:
        """Return the parameters that are async callables, by their name or their type."""
        arguments = [node for node in self.source.nodes if isinstance(node, ast.arg)]
        return set(CALLABLES) | {each.arg for each in arguments if self._is_awaitable(each.annotation)}

    def _is_awaitable(self, annotation: ast.expr | None) -> bool:
        if annotation is None:
            return False
        names = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}
        return {"Awaitable", "Callable"} <= names or bool(names & self.awaitable_types)

    def async_name(self, called: ast.expr) -> str | None:
        """Return how the file names the async function that is called, None if it is not known to be one."""
        match called:
            case ast.Name(id=name) if name in self.own | self.given or self._is_imported(name):
                return name
            case ast.Attribute(value=value, attr=name) if name in self.methods.get(self.type_of(value), ()):
                return ast.unparse(called)
            case ast.Attribute(value=value, attr=name) if self._is_awaitable(
                self.fields.get((self.type_of(value), name))
            ):
                return ast.unparse(called)
            case ast.Attribute(value=ast.Name(id=table), attr=name) if self._is_table_method(table, name):
                return f"{table}.{name}"
        return name if (name := _dotted(called)) in ASYNCIO else None

    def _is_foreign(self, called: ast.expr) -> bool:
        match called:
            case ast.Name(id=name):
                return self._is_imported(name) and self.imported[name] not in TAKE_COROUTINES
            case ast.Attribute(value=ast.Name(id=table), attr=name):
                return self._is_table_method(table, name)
        return False

    def _is_imported(self, name: str) -> bool:
        module, function = self.imported.get(name, ("", ""))
        return function in facts().functions.get(module, ())

    def _is_table_method(self, table: str, method: str) -> bool:
        module, name = self.imported.get(table, ("", ""))
        known = module.startswith("open_webui.models.") and name in facts().tables
        return known and not method.startswith("_") and method not in facts().sync.get(name, ())

    def is_lost(self, call: ast.expr) -> bool:
        """Return whether nothing can await it, going by where it stands."""
        match self.parents.get(id(call)):
            case ast.Call(func=func, args=args) if call in args:
                return self._is_no_taker(func)
            case ast.keyword() as keyword:
                around = self.parents[id(keyword)]
                return isinstance(around, ast.Call) and self._is_no_taker(around.func)
            case ast.Assign(targets=[ast.Name(id=name)]):
                return not self._used_later(call, name)
            case ast.NamedExpr(target=ast.Name(id=name)) as named:
                return self.is_lost(named) or not self._used_later(call, name)
            case ast.IfExp(test=test) as choice:
                return test is call or self.is_lost(choice)
            case ast.Assign(targets=[ast.Tuple() | ast.Attribute() | ast.Subscript()]) | ast.comprehension(is_async=0):
                return True
            case ast.Return():
                return isinstance(self._function_around(call), ast.AsyncFunctionDef)
            case node:
                return isinstance(node, VALUES)

    def _is_no_taker(self, called: ast.expr) -> bool:
        """Return whether a call surely does not await its argument; a method of an unknown object may."""
        name = _dotted(called)
        if name.split(".")[-1] in TAKERS | self.own_takers:
            return False
        own = {each.name for each in (*self.source.functions(), *self.source.classes)}
        return name in SYNC_CONSUMERS | own or self._is_foreign(called)

    def _used_later(self, call: ast.expr, name: str) -> bool:
        """Return whether what the coroutine was assigned to is awaited, or handed to who sees to it."""
        for node in ast.walk(self._function_around(call)):
            if any(isinstance(each, ast.Name) and each.id == name for each in ast.iter_child_nodes(node)):
                if isinstance(node, ast.Await | ast.Return | ast.List | ast.Tuple | ast.Set | ast.Starred):
                    return True
                if isinstance(node, ast.Call) and not self._is_no_taker(node.func):
                    return True
        return False

    def _function_around(self, node: ast.AST) -> ast.AST:
        while not isinstance(node, Function | ast.Module):
            node = self.parents[id(node)]
        return node


def _awaits_a_parameter(function: Function) -> bool:
    given = {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
    return any(
        isinstance(each, ast.Name) and each.id in given
        for node in ast.walk(function)
        if isinstance(node, ast.Await) or (isinstance(node, ast.Call) and _dotted(node.func).split(".")[-1] in TAKERS)
        for each in ast.iter_child_nodes(node)
    )


def _dotted(node: ast.expr) -> str:
    """Return `a.b.c`, empty for an expression that is no name."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{before}.{name}" if (before := _dotted(value)) else ""
    return ""


def _coroutines(functions: list[Function]) -> set[str]:
    waited = {each.name for each in functions if isinstance(each, ast.AsyncFunctionDef) and _is_plain(each)}
    return waited - {each.name for each in functions if each.name not in waited or not _is_async(each)}


def _is_async(function: Function) -> bool:
    return isinstance(function, ast.AsyncFunctionDef)


def _is_plain(function: Function) -> bool:
    """Return whether an async function is neither a generator nor decorated, so that its call has to be awaited."""
    yields = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _within(function))
    return not yields and not function.decorator_list


def _within(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function without those of functions within it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)
