"""A real Redis, and both limiters behind one face."""

import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis

from gateway.limits.memory import MemoryLimiter
from gateway.limits.shared import RedisLimiter
from tests.fakes.serving import free_port
from tests.limits.gate import Clock, Gate


class RedisServer:
    """Debian's `redis-server` on a free port, in memory only, so that a stop loses everything."""

    def __init__(self, folder: Path, **options: str) -> None:
        self.folder = folder
        self.options = options
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": self.folder}
        options |= {name.replace("_", "-"): value for name, value in self.options.items()}
        call = ["redis-server", *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(call, stdout=log, stderr=log)
        self._wait()

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def flush(self) -> None:
        with redis.Redis(port=self.port) as client:
            client.flushall()

    def keys(self) -> list[str]:
        with redis.Redis(port=self.port) as client:
            return sorted(key.decode() for key in client.scan_iter())

    def _wait(self) -> None:
        deadline = time.monotonic() + 10
        with redis.Redis(port=self.port) as client:
            while time.monotonic() < deadline:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    time.sleep(0.02)
        raise TimeoutError((self.folder / "redis.log").read_text())


def _server(folder: Path) -> Iterator[RedisServer]:
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is missing: sudo apt-get install redis-server")
    server = RedisServer(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for tests that only count."""
    yield from _server(tmp_path_factory.mktemp("redis"))


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server of the test's own, to stop and to empty."""
    yield from _server(tmp_path_factory.mktemp("redis"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "redis"])
async def gate(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> AsyncIterator[Gate]:
    """A limiter of either kind, on the tests' clock."""
    limiter: MemoryLimiter | RedisLimiter = MemoryLimiter(clock=clock)
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("shared_redis")
        server.flush()
        limiter = RedisLimiter(server.url, tmp_path, clock=clock, tick_seconds=None, lease_seconds=3600)
    made = Gate(limiter, tmp_path, clock)
    await made.start()
    yield made
    await made.stop()
