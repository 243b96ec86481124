"""From a file with includes and `${NAME}`s to a checked `Config`, knowing where each value stands.

An error says: file, line, key, what is wrong, what is allowed.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError

from gateway.config.conflicts import conflicts
from gateway.config.document import Document, Key, Place
from gateway.config.near import near
from gateway.config.schema import Config
from gateway.errors import ConfigError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MAX_INCLUDES = 100


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
    problems += conflicts(config, document)
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


def _explain(document: Document, error: Any) -> str:
    key: Key = tuple(error["loc"])
    place = document.place(key)
    if error["type"] == "extra_forbidden":
        allowed = _fields_at(key[:-1])
        return f"{place}: {_dotted(key)}: unknown key{near(str(key[-1]), allowed)}"
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


def _dotted(key: Key) -> str:
    return ".".join(str(part) for part in key)


def _absolute(config: Config, folder: Path) -> Config:
    return config.model_copy(update={"data_dir": (folder / config.data_dir).resolve()})
