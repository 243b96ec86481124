"""Sentinels, a cluster and TLS: real servers of each kind, and an address that is of another kind than the server."""

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import trustme

from gateway.errors import ConfigError
from gateway.limits.limit import Demand, Limit
from gateway.limits.probe import store_problem
from gateway.limits.shared import RedisLimiter
from tests.fakes.serving import free_port
from tests.limits.conftest import RedisServer
from tests.limits.gate import KEY, USD, Gate
from tests.reports.ledgers import Ledger

LIMITS = [Limit(KEY, "budget", USD, "month"), Limit(KEY, "parallel", 5), Limit(KEY, "tokens", 10**6, "minute")]
COST = Demand(tokens=10, cost_nano_usd=1000)


async def _counted(url: str, folder: Path, custom_ca: Path | None = None) -> int:
    """What one request leaves as used in the store; -1 where the store is away."""
    limiter = RedisLimiter(url, folder, on_failure="closed", tick_seconds=0.05, custom_ca=custom_ca)
    gate = Gate(limiter, folder)
    await gate.start()
    try:
        if not limiter.healthy:
            return -1
        await gate.settle(await gate.reserve("a", LIMITS, COST), COST)
        await limiter.publish()
        return (await gate.status(LIMITS[0])).used
    finally:
        await gate.stop()


@pytest.fixture
def sentinel(redis_server: RedisServer, tmp_path: Path) -> Iterator[int]:
    """The port of a Sentinel that watches the server as `mymaster`."""
    port = free_port()
    file = tmp_path / "sentinel.conf"
    file.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\nsentinel monitor mymaster 127.0.0.1 {redis_server.port} 1\n"
    )
    with (tmp_path / "sentinel.log").open("ab") as log:
        process = subprocess.Popen(["redis-server", str(file), "--sentinel"], stdout=log, stderr=log)
    _answers(port)
    yield port
    process.kill()
    process.wait()


def _answers(port: int) -> None:
    deadline = time.monotonic() + 10
    with redis.Redis(port=port) as client:
        while time.monotonic() < deadline:
            with contextlib.suppress(redis.ConnectionError):
                client.ping()
                return
            time.sleep(0.02)
    raise TimeoutError


async def test_behind_sentinels(sentinel: int, tmp_path: Path) -> None:
    address = f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{sentinel}"
    assert await _counted(f"{address}/mymaster/0", tmp_path / "one") == 1000
    assert await _counted(f"{address}/nobody/0", tmp_path / "two") == -1


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[int]:
    """The port of a cluster of one server."""
    (tmp_path / "redis").mkdir()
    server = RedisServer(tmp_path / "redis", cluster_enabled="yes", cluster_port=str(free_port()))
    server.start()
    with redis.Redis(port=server.port) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while "cluster_state:ok" not in str(client.execute_command("CLUSTER", "INFO")):
            time.sleep(0.05)
    yield server.port
    server.stop()


async def test_a_cluster(cluster: int, tmp_path: Path) -> None:
    assert await _counted(f"redis+cluster://127.0.0.1:{cluster}", tmp_path / "one") == 1000


def test_a_cluster_under_a_servers_address(cluster: int) -> None:
    assert "write redis+cluster://" in (store_problem(f"redis://127.0.0.1:{cluster}") or "")


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """The port of a server under TLS alone, and the authority that signed for it."""
    authority, folder = trustme.CA(), tmp_path / "redis"
    folder.mkdir()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    signed = authority.issue_cert("localhost", "127.0.0.1")
    signed.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    port = free_port()
    names = {"tls_cert_file": "server.pem", "tls_key_file": "server.pem", "tls_ca_cert_file": "ca.pem"}
    options = {name: str(folder / file) for name, file in names.items()}
    server = RedisServer(folder, tls_port=str(port), tls_auth_clients="no", **options)
    server.start()
    yield port, folder / "ca.pem"
    server.stop()


async def test_tls_under_the_companys_authority(
    tls_server: tuple[int, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port, authority = tls_server
    assert await _counted(f"rediss://localhost:{port}", tmp_path / "one", authority) == 1000
    assert await _counted(f"rediss://localhost:{port}", tmp_path / "two") == -1
    assert "certificate" in caplog.text
    with pytest.raises(ConfigError, match=r"server\.custom_ca"):
        await _counted(f"rediss://localhost:{port}", tmp_path / "three", tmp_path / "missing.pem")


async def test_an_address_of_another_kind_is_told(
    tls_server: tuple[int, Path], redis_server: RedisServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert await _counted(f"redis://localhost:{tls_server[0]}", tmp_path / "one") == -1
    assert "speaks TLS: write rediss:// in 'shared_state'" in caplog.text
    caplog.clear()
    assert await _counted(f"rediss://localhost:{redis_server.port}", tmp_path / "two") == -1
    assert "speaks no TLS: write redis:// in 'shared_state'" in caplog.text


def test_the_kind_of_a_server_that_is_there_is_looked_at(
    tls_server: tuple[int, Path], redis_server: RedisServer, sentinel: int, tmp_path: Path
) -> None:
    tls, plain = tls_server[0], redis_server.port
    cases = {
        f"redis://localhost:{tls}": "speaks TLS: write rediss://",
        f"rediss://localhost:{plain}": "speaks no TLS: write redis://",
        f"redis+sentinel://localhost:{tls}/m": "speaks TLS: write rediss+sentinel://",
        f"redis://localhost:{sentinel}": "write redis+sentinel://",
        f"redis+sentinel://localhost:{plain}/m": "write redis://",
        f"redis+cluster://localhost:{plain}": "write redis://",
    }
    for address, said in cases.items():
        assert said in (store_problem(address) or ""), address
    right = (f"redis://localhost:{plain}", f"rediss://localhost:{tls}", f"redis+sentinel://localhost:{sentinel}/m")
    for address in (*right, f"redis://localhost:{free_port()}", "unix:///no.sock"):
        assert store_problem(address) is None, address


def test_config_check_refuses_a_wrong_scheme(tls_server: tuple[int, Path], tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, models=[], shared_state=f"redis://localhost:{tls_server[0]}")
    done = ledger.call("config", "check")
    assert done.returncode == 2
    assert re.search(r"sekisho\.yaml:\d+: shared_state: .* speaks TLS: write rediss://", done.stderr)
    refused = Ledger(tmp_path, models=[], shared_state="redis+sentinel://localhost").call("config", "check")
    assert re.search(r"sekisho\.yaml:\d+: shared_state: the name of the Sentinels' service", refused.stderr)
