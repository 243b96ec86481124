"""What `serve` needs besides a configuration that is right: one check for `serve`, `config check` and changes."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.config.document import Document
from gateway.config.load import Loaded, load
from gateway.errors import ConfigError
from gateway.upstream.connecting import trusting


def load_startable(path: Path, environ: Mapping[str, str] = os.environ, document: Document | None = None) -> Loaded:
    """Load a configuration that a gateway can be started with. Raises `ConfigError`, one line a problem."""
    loaded = load(path, environ, document)
    if problems := list(_problems(loaded)):
        raise ConfigError("\n".join(problems))
    return loaded


def _problems(loaded: Loaded) -> Iterator[str]:
    config, document = loaded.config, loaded.document
    if "models" not in document.data:
        yield (
            f"{document.files[0]}:1: models: missing; a gateway without models serves nobody. Is the file cut off? "
            "Write 'models: []' to start without any"
        )
    try:
        trusting(config.server.custom_ca)
    except ConfigError as error:
        yield f"{document.place(('server', 'custom_ca'))}: {error}"
    if config.data_dir.exists() and not config.data_dir.is_dir():
        yield f"{document.place(('data_dir',))}: data_dir: '{config.data_dir}' is a file; name a folder"
