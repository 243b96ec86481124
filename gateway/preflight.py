"""Load a configuration and check it against the parts that are made of its values, without starting any of them."""

import os
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from gateway.config import load as config_load
from gateway.config.document import Document, Key
from gateway.config.load import Loaded
from gateway.config.schema import Config
from gateway.errors import ConfigError
from gateway.limits.choose import limiter_of
from gateway.tls import http_context
from gateway.upstream.destination import proxy_of


def load(path: Path, environ: Mapping[str, str] = os.environ, document: Document | None = None) -> Loaded:
    """Load a configuration whose every value can be used. Raises `ConfigError`, one line a problem."""
    return config_load.load(path, environ, document, checks=(_check_parts,))


def load_startable(path: Path, environ: Mapping[str, str] = os.environ, document: Document | None = None) -> Loaded:
    """Load a configuration that a gateway can be started with. Raises `ConfigError`, one line a problem."""
    loaded = load(path, environ, document)
    if problems := list(_startup_problems(loaded)):
        raise ConfigError("\n".join(problems))
    return loaded


def _check_parts(config: Config, document: Document) -> Iterator[str]:
    """Return what each part says against the values that it is made of."""
    for key, part in _PARTS:
        try:
            part(config)
        except ConfigError as error:
            yield f"{document.place(key)}: {error}"


def _check_proxy(config: Config) -> None:
    proxy_of(config.server.outbound_proxy)


def _check_database(config: Config) -> None:
    if config.database is not None:
        # SQLAlchemy takes a fifth of a second to import, and most commands need none of it.
        from gateway.db.engine import check_address

        check_address(config.database.reveal())


def _check_shared_state(config: Config) -> None:
    if config.shared_state is not None:
        limiter_of(config)


def _check_content_key(config: Config) -> None:
    if config.ledger.content.encryption_key is not None:
        from gateway.ledger.encryption import master_key

        master_key(config.ledger.content.encryption_key)


_PARTS: tuple[tuple[Key, Callable[[Config], None]], ...] = (
    (("server", "outbound_proxy"), _check_proxy),
    (("database",), _check_database),
    (("shared_state",), _check_shared_state),
    (("ledger", "content", "encryption_key"), _check_content_key),
)


def _startup_problems(loaded: Loaded) -> Iterator[str]:
    """Return what keeps a gateway, but no command, from using a configuration."""
    config, document = loaded.config, loaded.document
    if "models" not in document.data:
        yield (
            f"{document.files[0]}:1: models: missing; a gateway without models serves nobody. Is the file cut off? "
            "Write 'models: []' to start without any"
        )
    try:
        http_context(config.server.custom_ca)
    except ConfigError as error:
        yield f"{document.place(('server', 'custom_ca'))}: {error}"
    if problem := package_problem(loaded):
        yield problem
    if config.data_dir.exists() and not config.data_dir.is_dir():
        yield f"{document.place(('data_dir',))}: data_dir: '{config.data_dir}' is a file; name a folder"


def package_problem(loaded: Loaded) -> str | None:
    """Return what is missing for the tool servers that are configured."""
    if loaded.config.mcp is None or find_spec("mcp") is not None:
        return None
    return (
        f"{loaded.document.place(('mcp',))}: mcp: needs a package that is not installed; run: pip install "
        "'sekisho[mcp]', or remove 'mcp'"
    )
