"""Running the application: uvicorn, one process."""

import logging
import signal
from pathlib import Path

import uvicorn

from gateway.app import create_app
from gateway.config.load import load
from gateway.runtime import Runtime


def serve(config_file: Path) -> None:
    """Serve until SIGTERM or SIGINT. Raises `ConfigError` where the configuration cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-8s %(name)s: %(message)s")
    loaded = load(config_file)
    server = loaded.config.server
    application = create_app(Runtime(loaded), config_file)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _stopped)
    uvicorn.run(
        application,
        host=server.host,
        port=server.port,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=round(server.shutdown_grace_seconds),
    )


def _stopped(*_: object) -> None:
    """uvicorn raises the signal again when all has ended well; that is no reason to die of it."""
