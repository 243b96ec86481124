"""Refuse changes of a running configuration that look like a truncated file."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.config.document import Document
from gateway.config.load import Loaded
from gateway.config.schema import Config
from gateway.errors import ConfigError


def check_change(old: Config, texts: Mapping[Path, str], new: Loaded) -> None:
    """Raise `ConfigError` where `new` lost what protects the gateway, or a file is the beginning of what it was.

    `texts` are the files' contents at the last change that was accepted.
    """
    if problems := [*_cut(texts, new.document), *_lost(old, new)]:
        raise ConfigError("\n".join(problems))


def _cut(texts: Mapping[Path, str], document: Document) -> Iterator[str]:
    """Yield problems of files that now end in the middle of a line."""
    for file, text in document.texts.items():
        before = texts.get(file, "").rstrip()
        now = text.rstrip()
        if before != now and before.startswith(now) and not before[len(now)].isspace():
            yield f"{file}:{now.count(chr(10)) + 1}: ends in the middle of a line; write the file whole"


def _lost(old: Config, new: Loaded) -> Iterator[str]:
    lost = [name for name in _PROTECTING if _value(old, name) and not _value(new.config, name)]
    for name in lost:
        yield (
            f"{new.document.files[0]}:1: {name}: was set and is missing now. Is the file cut off? "
            "If it is meant, restart the gateway"
        )


_PROTECTING = (
    "models",
    "admin_key",
    "key_secret",
    "database",
    "shared_state",
    "open_webui.identity_secret",
    "server.allowed_networks",
    "ledger.destination",
)


def _value(config: Config, name: str) -> object:
    found: object = config
    for part in name.split("."):
        found = getattr(found, part)
    return found
