"""Running the application: uvicorn, one process or several that share their limits."""

import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import uvicorn

from gateway.app import FastLane, create_app
from gateway.config.load import load
from gateway.runtime import Runtime

_CONFIG = "SEKISHO_WORKER_CONFIG"
"""How a worker process learns which file to read."""


def serve(config_file: Path) -> None:
    """Serve until SIGTERM or SIGINT. Raises `ConfigError` where the configuration cannot be used."""
    _log()
    loaded = load(config_file)
    server = loaded.config.server
    options: dict[str, Any] = {
        "host": server.host,
        "port": server.port,
        "log_config": None,
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "date_header": False,
        "timeout_keep_alive": 75,
        "timeout_graceful_shutdown": round(server.shutdown_grace_seconds),
    }
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _stopped)
    if server.workers == 1:
        _run(Runtime(loaded), config_file, options)
    else:
        os.environ[_CONFIG] = str(config_file.absolute())
        uvicorn.run("gateway.server:worker", factory=True, workers=server.workers, **options)


def _run(runtime: Runtime, config_file: Path, options: dict[str, Any]) -> None:
    try:
        uvicorn.run(FastLane(create_app(runtime, config_file)), **options)
    except SystemExit:
        if runtime.failed:
            sys.exit(runtime.failed.exit_code)
        raise


def worker() -> FastLane:
    """The application of one of several worker processes."""
    _log()
    config_file = Path(os.environ[_CONFIG])
    return FastLane(create_app(Runtime(load(config_file)), config_file))


def _log() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-8s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _stopped(*_: object) -> None:
    """uvicorn raises the signal again when all has ended well; that is no reason to die of it."""
