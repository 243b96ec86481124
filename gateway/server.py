"""Run the application: uvicorn's sockets, workers and signals with our own HTTP protocol."""

import logging
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from gateway.app import FastLane, create_app
from gateway.config.schema import Server
from gateway.errors import SekishoError
from gateway.failures import in_words
from gateway.metrics.workers import share_metrics
from gateway.preflight import load_startable
from gateway.runtime import Runtime
from gateway.serving.life import PARENT
from gateway.serving.protocol import HttpProtocol

log = logging.getLogger("sekisho.serving")

_CONFIG = "SEKISHO_WORKER_CONFIG"
"""Environment variable with the configuration file of a worker process."""


def serve(config_file: Path) -> None:
    """Serve until SIGTERM or SIGINT; exit code 1 where the gateway cannot start.

    Raises `ConfigError` where the configuration cannot be used.
    """
    _log()
    _allow_files()
    loaded = load_startable(config_file)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _stopped)
    if loaded.config.server.workers == 1:
        _run(Runtime(loaded), config_file, loaded.config.server)
    else:
        os.environ.update({_CONFIG: str(config_file.absolute()), PARENT: str(os.getpid())})
        share_metrics(loaded.config.data_dir)
        _run_workers(loaded.config.server)


def _run(runtime: Runtime, config_file: Path, server: Server) -> None:
    try:
        uvicorn.run(FastLane(create_app(runtime, config_file)), **_options(server))
    except SystemExit:
        sys.exit(runtime.failed.exit_code if runtime.failed else 1)


def _run_workers(server: Server) -> None:
    config = uvicorn.Config("gateway.server:worker", factory=True, workers=server.workers, **_options(server))
    try:
        supervisor = _Supervisor(config, sockets=[config.bind_socket()])
    except SystemExit:  # uvicorn has logged why it cannot listen
        sys.exit(1)
    supervisor.run()
    if not supervisor.asked:
        sys.exit(1)


def _options(server: Server) -> dict[str, Any]:
    return {
        "host": server.host,
        "port": server.port,
        "http": HttpProtocol,
        "ws": "none",
        "log_config": None,
        "access_log": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": round(server.shutdown_grace_seconds),
    }


class _Supervisor(Multiprocess):
    """Distinguishes a requested stop from one because a worker cannot start."""

    asked = False

    def handle_int(self) -> None:
        self.asked = True
        super().handle_int()

    def handle_term(self) -> None:
        self.asked = True
        for each in self.sockets:  # the workers have theirs; ours would take connections that nobody accepts
            each.close()
        super().handle_term()


def worker() -> FastLane:
    """Return the application of one of several worker processes; one that cannot be made ends the parent."""
    _log()
    config_file = Path(os.environ[_CONFIG])
    try:
        return FastLane(create_app(Runtime(load_startable(config_file)), config_file))
    except Exception as error:
        words = str(error) if isinstance(error, SekishoError) else in_words(error)
        if words is None:
            raise
        log.error("%s", words)
        sys.exit(STARTUP_FAILURE)


def _log() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-8s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # A connection that does not even close is told as a stack trace; that the database is away, we tell in a line.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


def _allow_files() -> None:
    """Raise the number of open files to what the system allows: each client and each upstream call is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _stopped(*_: object) -> None:
    """Ignore the signal that uvicorn raises again after a clean stop."""
