"""A plugin file as data: it is read, never imported."""

import ast
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from install.errors import InstallError
from install.pack.manifest import PluginSection
from install.pack.plugin_valves import declared_valves
from install.wording import say

INSTALL = Path(__file__).parent.parent

# What Open WebUI does to every plugin before it stores it (utils/plugin.py: replace_imports).
REWRITTEN = {f"from {module}": f"from open_webui.{module}" for module in ("utils", "apps", "main", "config")}

MANIFOLD = re.compile(r"^    (async )?def pipes\(|^    pipes\b", re.MULTILINE)
FRONTMATTER_LINE = re.compile(r"^\s*([a-z_]+):\s*(.*)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Plugin:
    kind: PluginSection
    id: str
    content: str
    """As Open WebUI stores it."""
    frontmatter: Mapping[str, str]
    i18n: Mapping[str, object]
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Valves of former versions by their present name."""

    @property
    def title(self) -> str:
        return self.frontmatter.get("title", self.id)

    @property
    def version(self) -> str:
        return self.frontmatter.get("version", "0")

    @property
    def description(self) -> str:
        return self.frontmatter.get("description", "")

    @property
    def is_manifold(self) -> bool:
        """True for a pipe that makes several models; another one is a model itself, by its own id."""
        return bool(MANIFOLD.search(self.content))

    @property
    def needs(self) -> str | None:
        return self.frontmatter.get("required_open_webui_version")

    @property
    def valves(self) -> Mapping[str, str] | None:
        """Annotations of the valves by name; None = the file does not tell."""
        return declared_valves(self.content)

    @property
    def sha256(self) -> str:
        return fingerprint(self.content)


def fingerprint(content: str) -> str:
    """Return the hash of a text, the same before and after Open WebUI rewrote it."""
    return hashlib.sha256(as_stored(content).encode()).hexdigest()


def as_stored(content: str) -> str:
    for written, stored in REWRITTEN.items():
        content = content.replace(written, stored)
    return content


def find_plugin(kind: PluginSection, name: str, folder: Path | None = None) -> Plugin:
    """Read a plugin from `folder`, else from the wheel's catalogue, else from the repository.

    Raises `InstallError`.
    """
    roots = [folder] if folder else [INSTALL / "catalog", INSTALL.parent]
    places = [root / kind for root in roots]
    for place in places:
        if (path := place / f"{name}.py").is_file():
            return read_plugin(kind, path)
    raise InstallError(
        say("There is no plugin file {name}.py (looked in {places}).", name=name, places=", ".join(map(str, places))),
        say("Correct the name in the manifest, or pass the folder with --plugins."),
    )


def read_plugin(kind: PluginSection, path: Path) -> Plugin:
    content = path.read_text(encoding="utf-8")
    if not path.stem.isidentifier() or path.stem != path.stem.lower():
        raise InstallError(say("{path}: the file's name is its id.", path=path), say("Use a-z, 0-9 and _ only."))
    renamed = {str(old): str(new) for old, new in _literal(path, content, "RENAMED_VALVES").items()}
    return Plugin(kind, path.stem, as_stored(content), _frontmatter(content), _literal(path, content, "I18N"), renamed)


def _frontmatter(content: str) -> dict[str, str]:
    """Return the keys of the opening docstring, read as Open WebUI reads them: one line each."""
    first, *rest = content.splitlines() or [""]
    found: dict[str, str] = {}
    if first.strip() != '"""':
        return found
    for line in rest:
        if '"""' in line:
            break
        if match := FRONTMATTER_LINE.match(line):
            found[match[1]] = match[2].strip()
    return found


def _literal(path: Path, content: str, name: str) -> dict[str, object]:
    """Return the module-level literal `NAME = {…}`, empty where there is none."""
    try:
        for node in ast.parse(content).body:
            match node:
                case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                    return dict(ast.literal_eval(value))
                case ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value) if found == name:
                    return dict(ast.literal_eval(value))
    except SyntaxError as error:
        raise InstallError(
            say("{path}: line {lineno} is not Python.", path=path, lineno=error.lineno), say("Mend the file.")
        ) from error
    except (ValueError, TypeError) as error:
        raise InstallError(
            say("{path}: {name} is not a literal.", path=path, name=name),
            say("Write plain strings and dicts, no calls."),
        ) from error
    return {}
