"""From a file with includes and `${NAME}`s to a checked `Config`, knowing where each value stands.

An error says: file, line, key, what is wrong, what is allowed.
"""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError

from gateway.config.schema import Config
from gateway.errors import ConfigError

Key = tuple[str | int, ...]
"""Where a value stands in the merged document: ("models", 0, "name")."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MAX_INCLUDES = 100


@dataclass(frozen=True)
class Place:
    """Where a value was written; `variables` are the `${NAME}`s it was made of."""

    file: Path
    line: int
    variables: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass
class Document:
    """All files merged: plain data, the place of every key, the files read."""

    data: dict[str, Any] = field(default_factory=dict)
    places: dict[Key, Place] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def place(self, key: Key) -> Place:
        """The place of a key, or of the nearest thing around it."""
        while key and key not in self.places:
            key = key[:-1]
        return self.places.get(key) or Place(self.files[0], 1)


@dataclass(frozen=True)
class Loaded:
    """A checked configuration with its origins."""

    config: Config
    document: Document


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Loaded:
    """Read and check a configuration file. Raises `ConfigError`, one line a problem."""
    document = Document()
    _read(path.resolve(), document, environ)
    problems = list(document.missing)
    try:
        config = Config.model_validate(document.data)
    except ValidationError as error:
        raise ConfigError("\n".join(problems + [_explain(document, each) for each in error.errors()])) from None
    problems += _conflicts(config, document)
    if problems:
        raise ConfigError("\n".join(problems))
    return Loaded(_absolute(config, path.resolve().parent), document)


def _read(file: Path, document: Document, environ: Mapping[str, str]) -> None:
    if file in document.files:
        raise ConfigError(f"{file}: included twice; remove one of the includes")
    if len(document.files) >= _MAX_INCLUDES:
        raise ConfigError(f"{file}: more than {_MAX_INCLUDES} files; join some of them")
    document.files.append(file)
    content = _parse(file)
    for include in content.pop("include", None) or ():
        _read((file.parent / str(include)).resolve(), document, environ)
    _merge(_plain(content, file, _offset(document, content), document, environ), document)


def _parse(file: Path) -> CommentedMap:
    try:
        content = YAML(typ="rt").load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such file; check the path, or the include that names it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read ({error})") from None
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{file}:{line}: the same key is written twice; remove one of them") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{file}:{line}: not valid YAML: {error.problem or error.context}") from None
    if content is None:
        return CommentedMap()
    if not isinstance(content, CommentedMap):
        raise ConfigError(f"{file}:1: must be a mapping of keys such as 'server:' and 'models:'")
    return content


def _offset(document: Document, content: CommentedMap) -> dict[str, int]:
    """Lists of included files are appended, so their places begin where the list already ends."""
    return {key: len(document.data.get(key, ())) for key, value in content.items() if isinstance(value, list)}


def _plain(
    node: Any, file: Path, offset: dict[str, int], document: Document, environ: Mapping[str, str], key: Key = ()
) -> Any:
    """Plain data of a YAML node, noting places and filling in variables."""
    if isinstance(node, CommentedMap):
        for name in node:
            document.places[(*key, name)] = Place(file, node.lc.key(name)[0] + 1)
        return {name: _plain(value, file, offset, document, environ, (*key, name)) for name, value in node.items()}
    if isinstance(node, CommentedSeq):
        start = offset.get(str(key[0]), 0) if len(key) == 1 else 0
        for index in range(len(node)):
            document.places[(*key, start + index)] = Place(file, node.lc.key(index)[0] + 1)
        return [_plain(each, file, offset, document, environ, (*key, start + i)) for i, each in enumerate(node)]
    return _filled(str(node), document, environ, key) if isinstance(node, str) else _scalar(node)


def _scalar(node: Any) -> Any:
    """YAML's dates and numbers keep their written form, so that the schema alone decides."""
    return str(node) if hasattr(node, "isoformat") else node


def _filled(text: str, document: Document, environ: Mapping[str, str], key: Key) -> str:
    names = tuple(_VARIABLE.findall(text))
    if not names:
        return text
    place = document.place(key)
    document.places[key] = Place(place.file, place.line, names)
    for name in names:
        if name not in environ:
            document.missing.append(
                f"{place}: {_dotted(key)}: the environment variable {name} is not set; "
                f"set it, or write the value into the file"
            )
    return _VARIABLE.sub(lambda match: environ.get(match[1], ""), text)


def _merge(data: dict[str, Any], document: Document) -> None:
    """Lists are joined, mappings merged; the including file has the last word."""
    for key, value in data.items():
        present = document.data.get(key)
        if isinstance(present, list) and isinstance(value, list):
            present.extend(value)
        elif isinstance(present, dict) and isinstance(value, dict):
            present.update(value)
        else:
            document.data[key] = value


def _conflicts(config: Config, document: Document) -> Iterator[str]:
    """What the schema cannot see: names used twice, fallbacks and providers that do not exist."""
    from gateway.providers.table import PROVIDERS

    if config.server.workers > 1 and config.shared_state is None:
        yield (
            f"{document.place(('server', 'workers'))}: server.workers: several workers need 'shared_state' "
            "(redis://…), or limits would count once a worker"
        )
    if config.database is not None and config.key_secret is None:
        yield (
            f"{document.place(('database',))}: database: machines that share it need one 'key_secret' "
            "(32 random characters, from the environment), or none knows the others' keys"
        )
    first: dict[str, int] = {}
    for index, model in enumerate(config.models):
        here = document.place(("models", index, "name"))
        if model.name in first:
            there = document.place(("models", first[model.name], "name"))
            yield (
                f"{here}: models.{index}.name: the model '{model.name}' is already defined at {there}; "
                "rename one, or put both deployments under one model"
            )
        first.setdefault(model.name, index)
        for number, deployment in enumerate(model.deployments):
            where = document.place(("models", index, "deployments", number, "provider"))
            row = PROVIDERS.get(deployment.provider)
            if row is None:
                yield f"{where}: provider: '{deployment.provider}' is not known{_near(deployment.provider, PROVIDERS)}"
            elif row.needs_base_url and deployment.base_url is None:
                yield f"{where}: base_url: missing; the provider '{row.name}' has no address of its own"
    for index, model in enumerate(config.models):
        for name in model.fallback:
            if name not in first:
                where = document.place(("models", index, "fallback"))
                yield f"{where}: fallback: there is no model '{name}'{_near(name, first)}"


def _explain(document: Document, error: Any) -> str:
    key: Key = tuple(error["loc"])
    place = document.place(key)
    if error["type"] == "extra_forbidden":
        allowed = _fields_at(key[:-1])
        return f"{place}: {_dotted(key)}: unknown key{_near(str(key[-1]), allowed)}"
    return f"{place}: {_dotted(key)}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _fields_at(key: Key) -> list[str]:
    """The names allowed in the mapping at `key`, found by walking the schema."""
    section: Any = Config
    for part in key:
        if isinstance(part, str) and isinstance(section, type) and issubclass(section, BaseModel):
            section = _section(section.model_fields[part].annotation)
    return [info.alias or name for name, info in section.model_fields.items()] if section else []


def _section(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in getattr(annotation, "__args__", ()) if (found := _section(each))), None)


def _near(name: str, allowed: Any) -> str:
    names = sorted(allowed)
    near = difflib.get_close_matches(name, names, n=1)
    listed = ", ".join(names)
    return f"; did you mean '{near[0]}'? Allowed: {listed}" if near else f"; allowed: {listed}"


def _dotted(key: Key) -> str:
    return ".".join(str(part) for part in key)


def _absolute(config: Config, folder: Path) -> Config:
    return config.model_copy(update={"data_dir": (folder / config.data_dir).resolve()})
