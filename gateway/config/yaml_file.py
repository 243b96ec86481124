"""Read one YAML file as a tree of nodes, bounded in size and depth."""

import os
import stat
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode

from gateway.errors import ConfigError

LARGEST_FILE = 2 * 1024 * 1024
"""Maximum size in bytes: some 10,000 models."""

NULL = "tag:yaml.org,2002:null"
Mark = tuple[int, int, int]
"""Time, size and inode of a file; zeros if it is missing. It differs after a change."""


class Unreadable(ConfigError):
    """A file that cannot be read, so that there is no line to name."""


def parse_mapping(file: Path, text: str) -> MappingNode | None:
    """Return the root mapping of a file's text, or None where there are only comments. Raises `ConfigError`."""
    try:
        parser = YAML(typ="safe", pure=True)
        parser.composer.warn_double_anchors = False
        root = parser.compose(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{file}:{line}: not valid YAML: {error.problem or error.context}") from None
    except YAMLError as error:
        line = _line_of(text, getattr(error, "position", 0))
        raise ConfigError(f"{file}:{line}: not valid YAML: a character that YAML does not allow") from None
    except RecursionError:
        raise ConfigError(f"{file}:1: nested too deep; a configuration needs less than 20 levels") from None
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise ConfigError(f"{file}:1: not valid YAML ({type(error).__name__})") from None
    if isinstance(root, ScalarNode) and root.tag == NULL:
        return None
    if root is not None and not isinstance(root, MappingNode):
        raise ConfigError(f"{file}:1: must be a mapping of keys such as 'server:' and 'models:'")
    return root


def read_text(file: Path) -> str:
    """Return the text of a regular file of at most `LARGEST_FILE` bytes; never waits. Raises `ConfigError`."""
    try:
        content = _read(file)
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise Unreadable(f"{file}: no such file; check the path, or the include that names it") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}:{line}: cannot be read: it is not UTF-8") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise Unreadable(f"{file}: cannot be read ({reason}); check the path and its rights") from None


def mark_of(file: Path) -> Mark:
    """Return the mark of a file, which differs after a change."""
    try:
        status = file.stat()
    except (OSError, ValueError):
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _read(file: Path) -> bytes:
    handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as opened:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Unreadable(f"{file}: is not a regular file; name a YAML file")
        content = opened.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise Unreadable(f"{file}: is larger than {LARGEST_FILE:,} bytes; split it with 'include'")
    return content


def _line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
