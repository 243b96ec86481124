"""How a gateway process ends: balancers are told before, workers end with their parent, a taken port is exit code 1."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ENVIRONMENT, GatewayProcess, deployment, model
from tests.limits.conftest import RedisServer, redis_server  # noqa: F401  # a fixture

Upstream = tuple[FakeUpstream, str]


def gateway_with(folder: Path, upstream: Upstream, server: dict[str, Any], **more: Any) -> GatewayProcess:
    return GatewayProcess(folder, {"server": server, "models": [model("m", deployment(upstream[1]))], **more})


def asked(gateway: GatewayProcess, path: str) -> int:
    try:
        with urllib.request.urlopen(f"{gateway.url}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_a_stopping_gateway_says_so_and_goes_on_serving(upstream: Upstream, tmp_path: Path) -> None:
    gateway = gateway_with(tmp_path, upstream, {"drain_seconds": 3}).start()
    assert gateway.process
    gateway.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 2
    while asked(gateway, "/readyz") == 200 and time.monotonic() < deadline:
        time.sleep(0.02)
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(f"{gateway.url}/readyz", timeout=5)
    assert told.value.code == 503
    assert b"stopping" in told.value.read()
    assert told.value.headers["connection"] == "close", "clients are asked to go elsewhere"
    assert asked(gateway, "/healthz") == 200
    assert gateway.process.wait(15) == 0
    assert asked(gateway, "/healthz") == 0


def test_a_second_signal_ends_the_wait(upstream: Upstream, tmp_path: Path) -> None:
    gateway = gateway_with(tmp_path, upstream, {"drain_seconds": 600}).start()
    assert gateway.process
    gateway.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert gateway.process.poll() is None
    assert gateway.stop() == 0


def test_a_developer_does_not_wait(upstream: Upstream, tmp_path: Path) -> None:
    """Ctrl-C is no rolling restart."""
    gateway = gateway_with(tmp_path, upstream, {"drain_seconds": 600}).start()
    assert gateway.stop(signal.SIGINT) == 0


def test_a_taken_port_is_a_failure(upstream: Upstream, tmp_path: Path) -> None:
    gateway = gateway_with(tmp_path, upstream, {})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", gateway.port))
        taken.listen()
        done = serve_once(gateway)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("broken", [{"data_dir": "/proc/nowhere"}, {}], ids=["no folder", "a taken port"])
def test_workers_that_cannot_start_are_a_failure(
    upstream: Upstream,
    tmp_path: Path,
    redis_server: RedisServer,  # noqa: F811
    broken: dict[str, Any],
) -> None:
    gateway = gateway_with(tmp_path, upstream, {"workers": 2}, shared_state=redis_server.url, **broken)
    with socket.socket() as taken:
        if not broken:
            taken.bind(("127.0.0.1", gateway.port))
            taken.listen()
        done = serve_once(gateway)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout


def test_workers_end_with_their_parent(upstream: Upstream, tmp_path: Path, redis_server: RedisServer) -> None:  # noqa: F811
    gateway = gateway_with(tmp_path, upstream, {"workers": 2}, shared_state=redis_server.url).start()
    assert gateway.process
    workers = children(gateway.process.pid)
    assert len(workers) >= 2
    gateway.process.send_signal(signal.SIGKILL)
    gateway.process.wait(5)
    deadline = time.monotonic() + 15
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    again = gateway.start()
    assert asked(again, "/healthz") == 200, "the port is free for the next parent"
    assert again.stop() == 0


def serve_once(gateway: GatewayProcess) -> "subprocess.CompletedProcess[str]":
    call = [sys.executable, "-m", "gateway", "serve", "--config", str(gateway.file)]
    environment = {**os.environ, **ENVIRONMENT}
    return subprocess.run(call, stdout=-1, stderr=-2, text=True, env=environment, timeout=60, check=False)


def children(pid: int) -> list[int]:
    """The worker processes of a parent."""
    found = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = each.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(each.parent.name))
    return found
