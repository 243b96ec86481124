"""The manifest: which plugins, models and settings the pack consists of. YAML, checked, errors with file and line."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from install.errors import ManifestError

BUNDLED = Path(__file__).parent.parent / "pack.yaml"

Kind = Literal["filters", "pipes", "functions"]
KINDS: tuple[Kind, ...] = ("filters", "pipes", "functions")


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(Entry):
    """An entry that may be written as its bare name."""

    name: str

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value


class ModelEntry(Named):
    groups: tuple[str, ...] = ()
    """Who may use it; nobody named = everyone."""


class FunctionEntry(Named):
    active: bool = True
    everywhere: bool | None = Field(default=None, alias="global")
    """Applied to every chat; null = filters yes, others as they are."""
    valves: dict[str, JsonValue] = {}


class ConnectionEntry(Entry):
    headers: dict[str, str] = {}
    """Sent besides the identity headers."""


class EmbeddingsEntry(Entry):
    model: str


class Manifest(Entry):
    connection: ConnectionEntry = ConnectionEntry()
    models: tuple[ModelEntry, ...] | None = None
    """null (`all` in the file) = every chat model of the gateway."""
    filters: tuple[FunctionEntry, ...] = ()
    pipes: tuple[FunctionEntry, ...] = ()
    functions: tuple[FunctionEntry, ...] = ()
    embeddings: EmbeddingsEntry | None = None

    @field_validator("models", mode="before")
    @classmethod
    def _all(cls, value: object) -> object:
        return None if value == "all" else value


SECTIONS: dict[str, type[Entry]] = {
    "connection": ConnectionEntry,
    "models": ModelEntry,
    "filters": FunctionEntry,
    "pipes": FunctionEntry,
    "functions": FunctionEntry,
    "embeddings": EmbeddingsEntry,
}


def read_manifest(path: Path = BUNDLED) -> Manifest:
    """Raises `ManifestError` with file, line, key, what is wrong and what is allowed."""
    try:
        tree = YAML().load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ManifestError(str(path), f"cannot be read ({error.strerror})", "an existing YAML file") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ManifestError(f"{path}:{line}", f"not YAML: {error.problem}", "YAML 1.2") from error
    try:
        return Manifest.model_validate({} if tree is None else tree)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _manifest_error(path, tree, first) from error


def _manifest_error(path: Path, tree: Any, error: Any) -> ManifestError:
    keys = error["loc"]
    name = ".".join(map(str, keys)) or "the file"
    problem = "unknown key" if error["type"] == "extra_forbidden" else error["msg"]
    section = SECTIONS.get(str(keys[0])) if len(keys) > 1 else None
    return ManifestError(f"{path}:{_line(tree, keys)}", f"{name}: {problem}", _keys_of(section or Manifest))


def _keys_of(model: type[Entry]) -> str:
    return ", ".join(field.alias or name for name, field in model.model_fields.items())


def _line(tree: Any, keys: tuple[str | int, ...]) -> int:
    """The line of the deepest key that is in the file; ruamel counts from 0."""
    line = 1
    for key in keys:
        position = getattr(tree, "lc", None)
        if position is None or not _has(tree, key):
            break
        line = position.data[key][0] + 1
        tree = tree[key]
    return line


def _has(tree: Any, key: str | int) -> bool:
    return key in tree if isinstance(tree, dict) else isinstance(key, int) and key < len(tree)
