"""The database of keys: many that start at once, and PostgreSQL shared by several machines."""

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ADMIN_KEY, GatewayProcess, deployment, model
from tests.fixtures.postgres import PASSWORD, PostgresServer

KEY_SECRET = "key-secret-of-the-tests-0123456789abcdef"
ADMIN = {"authorization": f"Bearer {ADMIN_KEY}"}
Machine = Callable[[str], GatewayProcess]


def _open(data_dir: Path, database: str | None, start: Any) -> None:
    """What every starting process does; all of them at the same moment."""
    import asyncio

    import alembic.command  # noqa: F401  # imported before the start, so that all migrate together

    from gateway.config.schema import Config
    from gateway.db.engine import open_database
    from gateway.identity.keys import hash_secret

    config = Config.model_validate({"data_dir": data_dir, "database": database})

    async def opened() -> None:
        await (await open_database(config)).dispose()

    start.wait()
    assert len(hash_secret(config)) == 64
    asyncio.run(opened())


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_that_start_together_share_a_new_database(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    address = request.getfixturevalue("postgres").database() if kind == "postgresql" else None
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(4)
    processes = [context.Process(target=_open, args=(tmp_path, address, start)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4


@pytest.fixture
def machine(
    postgres: PostgresServer, upstream: tuple[FakeUpstream, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """Starts gateways with folders of their own on one database."""
    address = postgres.database()
    started: list[GatewayProcess] = []

    def start(name: str) -> GatewayProcess:
        config = {
            "database": address,
            "key_secret": KEY_SECRET,
            "admin_key": "${ADMIN_KEY}",
            "models": [model("mine", deployment(upstream[1]))],
        }
        started.append(GatewayProcess(tmp_path_factory.mktemp(name), config).start())
        return started[-1]

    yield start
    for each in started:
        assert each.stop() == 0, each.log
        assert PASSWORD not in each.log


def _status(gateway: GatewayProcess, key: str) -> int:
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.get(f"{gateway.url}/v1/models", headers=headers, trust_env=False, timeout=20).status_code


def _becomes(status: int, gateway: GatewayProcess, key: str) -> None:
    deadline = time.monotonic() + 20
    while _status(gateway, key) != status:
        assert time.monotonic() < deadline, gateway.log
        time.sleep(0.05)


def test_machines_share_keys(machine: Machine) -> None:
    here, there = machine("here"), machine("there")
    key = here.key("shared", "--owner", "alice@example.com", "--budget-usd", "1.5", "--budget-per", "week")
    assert (_status(here, key), _status(there, key)) == (200, 200), "a new key is known everywhere at once"
    rotated = json.loads(there.command("keys", "rotate", "shared", "--grace-hours", "1", "--json"))["key"]
    assert (_status(here, rotated), _status(here, key)) == (200, 200)
    there.command("budgets", "set", "team:research", "--usd", "500", "--per", "month")
    assert "team:research" in here.command("budgets", "list")
    there.command("keys", "revoke", "shared")
    _becomes(401, here, rotated)
    assert _status(there, key) == 401


def test_known_keys_outlive_the_database(machine: Machine, postgres: PostgresServer) -> None:
    gateway = machine("alone")
    key = gateway.key("known")
    assert _status(gateway, key) == 200
    postgres.stop()
    try:
        deadline = time.monotonic() + 20
        while httpx2.get(f"{gateway.url}/readyz", trust_env=False, timeout=20).status_code != 503:
            assert time.monotonic() < deadline, gateway.log
            time.sleep(0.05)
        assert _status(gateway, key) == 200
        assert _status(gateway, "sk-nobody-ever-had") == 503
        made = httpx2.post(f"{gateway.url}/admin/keys", json={"alias": "x"}, headers=ADMIN, trust_env=False, timeout=20)
        assert made.status_code == 503
    finally:
        postgres.start()
    later = gateway.key("later")
    _becomes(200, gateway, later)
    assert httpx2.get(f"{gateway.url}/readyz", trust_env=False, timeout=20).status_code == 200


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql+asyncpg://sekisho:wrong-canary@127.0.0.1:{port}/postgres", "password authentication failed"),
        ("postgresql+asyncpg://sekisho:wrong-canary@127.0.0.1:9/postgres", "refused"),
        ("nonsense", "postgresql+asyncpg://"),
    ],
)
def test_a_database_that_cannot_be_used(address: str, said: str, postgres: PostgresServer, tmp_path: Path) -> None:
    config = {"database": address.format(port=postgres.port), "key_secret": KEY_SECRET, "models": []}
    gateway = GatewayProcess(tmp_path, config)
    with pytest.raises(AssertionError) as failed:
        gateway.start()
    printed = str(failed.value)
    assert "database: " in printed
    assert said.lower() in printed.lower()
    assert "Traceback" not in printed
    assert "wrong-canary" not in printed
    assert gateway.process
    assert gateway.process.returncode == 2


def test_a_shared_database_needs_a_shared_secret(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, {"database": "postgresql+asyncpg://a:b@127.0.0.1/c", "models": []})
    with pytest.raises(AssertionError, match=r"sekisho\.yaml:\d+: database: .*'key_secret'"):
        gateway.start()
