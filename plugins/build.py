"""Join the modules of each plugin into the one file that Open WebUI loads: `python -m plugins.build [--check]`.

A manifest, `plugins/<name>/plugin.toml`, names the built file, its frontmatter and its modules, in their order. Imports
of other packages move to the top, imports between modules are dropped, nothing is renamed; where that would change a
meaning, the build is refused. `--check` writes nothing, and exits with 1 if a built file is not up to date.
"""

import ast
import builtins
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
Import = ast.Import | ast.ImportFrom
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Assignment = ast.Assign | ast.AnnAssign


class BuildError(SystemExit):
    """Sources that cannot be joined; the text names the places and ends the command."""


class Module(NamedTuple):
    """One source file; `name` is what other modules import, `path` what errors name."""

    name: str
    path: str
    text: str
    tree: ast.Module

    def at(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    def section(self) -> str:
        """Return the docstring as a comment, then the text without docstring and imports."""
        left_out = [node for node in self.tree.body if isinstance(node, Import) or node is self.tree.body[0]]
        numbers = {at for node in left_out for at in range(node.lineno, (node.end_lineno or 0) + 1)}
        body = "\n".join(line for at, line in enumerate(self.text.split("\n"), 1) if at not in numbers).strip("\n")
        heading = (f"# {line}".rstrip() for line in (ast.get_docstring(self.tree) or "").split("\n"))
        return "\n".join([*heading, "", "", body])


def read_module(root: Path, name: str) -> Module:
    path = f"plugins/{name.replace('.', '/')}.py"
    try:
        text = (root / path).read_text(encoding="utf-8")
        module = Module(f"plugins.{name}", path, text, ast.parse(text))
    except (OSError, SyntaxError, ValueError) as error:
        raise BuildError(f"{path}: cannot be read: {error}") from error
    if not ast.get_docstring(module.tree):
        raise BuildError(f"{path}:1: the docstring is missing, which becomes the heading in the built file")
    for node in module.tree.body:
        if not isinstance(node, Import | Definition | Assignment | ast.Expr):
            raise BuildError(f"{module.at(node)}: only imports, definitions and assignments can be joined")
    return module


def bound_names(node: ast.AST) -> list[str]:
    """Return the names that a top-level statement binds, other than by importing; also those of `global`."""
    if isinstance(node, Assignment):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
    names = [name for part in ast.walk(node) if isinstance(part, ast.Global) for name in part.names]
    return [node.name, *names] if isinstance(node, Definition) else []


class Names:
    """The top-level names of one built file, each with its meaning and place, and its imports."""

    def __init__(self, modules: list[Module]) -> None:
        self.known: dict[str, tuple[str, str]] = {}
        self.imports: dict[str, set[str]] = {}
        for module in modules:
            self.add(module)

    def add(self, module: Module) -> None:
        for node in ast.walk(module.tree):
            if isinstance(node, Import):
                self.add_imports(node, module.at(node), node in module.tree.body)
        for statement in module.tree.body:
            for name in bound_names(statement):
                self.bind(name, module.name, module.at(statement))

    def add_imports(self, node: Import, place: str, top: bool) -> None:
        origin = "" if isinstance(node, ast.Import) else "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*" or f"{origin or alias.name}.".startswith((".", "__future__.", "plugins.")):
                self.check_own(origin, alias, place, top)
            elif top:
                meaning = f"{origin}.{alias.name}" if origin or alias.asname else alias.name.partition(".")[0]
                self.bind(alias.asname or (alias.name if origin else meaning), meaning, place)
                self.bind(f"{origin}.{alias.name} in an import", alias.asname or alias.name, place)
                self.imports.setdefault(origin, set()).add(ast.unparse(alias))

    def check_own(self, origin: str, alias: ast.alias, place: str, top: bool) -> None:
        """Check that an import between modules means the same once they are one file."""
        if alias.asname or alias.name == "*" or not (top and origin.startswith("plugins.")):
            raise BuildError(f"{place}: only `from plugins.folder.module import name`, at the top, can be joined")
        known, there = self.known.get(alias.name, ("", "nowhere"))
        if known != origin and not (origin == "plugins.shared.declarations" and known.startswith("plugins.")):
            raise BuildError(f"{place}: {origin} does not define {alias.name} in an earlier module (it is {there})")

    def bind(self, name: str, meaning: str, place: str) -> None:
        known, there = self.known.setdefault(name, (meaning, place))
        if hasattr(builtins, name):
            raise BuildError(f"{place}: {name} would hide Python's own from all modules")
        if known != meaning:
            raise BuildError(f"{place}: {name} stands for something else at {there}")


def import_lines(imports: dict[str, set[str]], standard: bool) -> str:
    """Return the imports of the standard library, or of other packages, as ruff formats them."""
    lines: list[str] = []
    for origin, names in sorted(imports.items()):
        ordered = sorted(names, key=lambda name: (not name.split()[0].isupper(), name[0].islower(), name))
        found = [name for name in ordered if ((origin or name).split(".")[0] in sys.stdlib_module_names) == standard]
        line, wrapped = f"from {origin} import {', '.join(found)}", "".join(f"    {name},\n" for name in found)
        line = line if len(line) <= 120 else f"from {origin} import (\n{wrapped})"
        lines += [line] if origin and found else [f"import {name}" for name in found]
    return "\n".join(lines)


def build(manifest: Path) -> tuple[Path, str]:
    """Return the path of the built file and its text. Raises BuildError."""
    root, plugin = manifest.parents[2], tomllib.loads(manifest.read_text(encoding="utf-8"))
    modules = [read_module(root, name) for name in dict.fromkeys(plugin["modules"])]
    names = Names(modules)
    head = "".join(f"{key}: {value}\n" for key, value in plugin["frontmatter"].items())
    mark = f"# Built by `python -m plugins.build` out of plugins/{manifest.parent.name}: change it there, not here."
    imports = [import_lines(names.imports, standard) for standard in (True, False)]
    top = "\n\n".join(filter(None, [f'"""\n{head}"""', mark, *imports, modules[0].section()]))
    return root / plugin["output"], "\n\n\n".join([top, *(module.section() for module in modules[1:])]) + "\n"


def main() -> int:
    """Build all plugins, or check them; return the exit code."""
    built = dict(build(manifest) for manifest in sorted(ROOT.glob("plugins/*/plugin.toml")))
    stale = [path for path, text in built.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
        if "--check" not in sys.argv:
            path.write_text(built[path], encoding="utf-8")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
