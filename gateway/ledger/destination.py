"""Open the destination of a ledger as a store.

obstore is imported when a store is opened, never by a worker.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.config.schema import Config
from gateway.ledger.errors import StoreError
from gateway.ledger.store import Store, panics_as_store_errors, short

if TYPE_CHECKING:
    from obstore.store import ClientConfig


def open_store(config: Config, destination: str | None = None) -> Store:
    """Open the destination of a configuration's ledger, or another one. Raises `StoreError`."""
    destination = destination or config.ledger.destination
    if destination is None:
        return folder_store(config.data_dir / "ledger" / "parquet")
    if "://" not in destination or destination.startswith("file://"):
        return folder_store(Path(destination.removeprefix("file://")))
    return _object_store(destination, config)


def folder_store(folder: Path) -> Store:
    """Open a store in a folder of this machine, which is created if missing."""
    from obstore.store import LocalStore

    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Store(str(folder), LocalStore(folder.resolve()), folder.resolve())
    except (OSError, ValueError) as error:
        raise StoreError(str(folder), short(error)) from error


def _object_store(destination: str, config: Config) -> Store:
    from obstore.exceptions import BaseError
    from obstore.store import from_url

    options: Any = {name: value.reveal() for name, value in config.ledger.store_options.items()}
    seconds = timedelta(seconds=config.ledger.store_timeout_seconds)
    try:
        with panics_as_store_errors(destination):
            objects = from_url(
                destination,
                config=options,
                client_options=_client(config, options, seconds),
                retry_config={"max_retries": 3, "retry_timeout": 2 * seconds, "backoff": {"max_backoff": seconds}},
            )
    except (BaseError, OSError, ValueError) as error:
        raise StoreError(destination, short(error)) from error
    return Store(destination, objects, None)


def _client(config: Config, options: dict[str, str], seconds: timedelta) -> "ClientConfig":
    """Return client options: timeouts, proxy, certificates; plain HTTP only where the endpoint asks for it."""
    client: ClientConfig = {"timeout": seconds, "connect_timeout": min(seconds, timedelta(seconds=5))}
    endpoints = [value for name, value in options.items() if "endpoint" in name]
    endpoints += [os.environ.get(name, "") for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")]
    if any(each.startswith("http://") for each in endpoints):
        client["allow_http"] = True
    if config.server.outbound_proxy:
        client["proxy_url"] = config.server.outbound_proxy
        client["proxy_excludes"] = os.environ.get("NO_PROXY", os.environ.get("no_proxy", ""))
    if config.server.custom_ca:
        client["root_certificate"] = config.server.custom_ca.read_bytes()
    return client
