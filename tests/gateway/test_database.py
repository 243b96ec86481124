"""The database of keys: many that start at once, and PostgreSQL shared by several machines."""

import json
import multiprocessing
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme

from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ADMIN_KEY, GatewayProcess, deployment, model
from tests.fixtures.postgres import PASSWORD, PostgresServer
from tests.limits.tcp_proxy import tcp_proxy

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


def _ready(gateway: GatewayProcess) -> Any:
    answer = httpx2.get(f"{gateway.url}/readyz", trust_env=False, timeout=5)
    assert answer.status_code == 200, "known keys work"
    return answer.json()


def _warns(gateway: GatewayProcess) -> None:
    """Wait until it knows that the database is away."""
    deadline = time.monotonic() + 20
    while not any("key database" in warning for warning in _ready(gateway).get("warnings", ())):
        assert time.monotonic() < deadline, gateway.log
        time.sleep(0.05)
    assert "the key database does not answer, known keys stay valid" in gateway.log
    assert "sekisho_key_database_up 0.0" in httpx2.get(f"{gateway.url}/metrics", trust_env=False, timeout=20).text


def test_known_keys_outlive_the_database(machine: Machine, postgres: PostgresServer) -> None:
    gateway = machine("alone")
    key = gateway.key("known")
    assert _status(gateway, key) == 200
    postgres.stop()
    try:
        _warns(gateway)
        assert _status(gateway, key) == 200
        assert _status(gateway, "sk-nobody-ever-had") == 503
        made = httpx2.post(f"{gateway.url}/admin/keys", json={"alias": "x"}, headers=ADMIN, trust_env=False, timeout=20)
        assert made.status_code == 503
    finally:
        postgres.start()
    later = gateway.key("later")
    _becomes(200, gateway, later)
    assert _ready(gateway) == {"status": "ok", "problems": []}
    assert "sekisho_key_database_up 1.0" in httpx2.get(f"{gateway.url}/metrics", trust_env=False, timeout=20).text


def test_a_database_that_swallows_everything_holds_up_nobody(
    postgres: PostgresServer, upstream: tuple[FakeUpstream, str], tmp_path: Path
) -> None:
    """It takes connections and what is sent, and never answers; bounds are generous, for the machine may be slow."""
    with tcp_proxy(postgres.port) as proxy:
        address = postgres.database().replace(f":{postgres.port}/", f":{proxy.port}/")
        config = {"database": address, "key_secret": KEY_SECRET, "admin_key": "${ADMIN_KEY}"}
        config |= {"models": [model("mine", deployment(upstream[1]))]}  # type: ignore[dict-item]
        gateway = GatewayProcess(tmp_path, config).start()
        key = gateway.key("known")
        assert _status(gateway, key) == 200
        proxy.swallow = True
        began = time.monotonic()
        with ThreadPoolExecutor(40) as pool:
            unknown = list(pool.map(lambda each: _status(gateway, f"sk-nobody-ever-had-{each}"), range(40)))
            known = list(pool.map(lambda _: _status(gateway, key), range(40)))
        assert (set(unknown), set(known)) == ({503}, {200})
        assert time.monotonic() - began < 15, "they wait together, not one after the other"
        _warns(gateway)
        for method, path in (("POST", "/admin/keys"), ("GET", "/admin/keys/known"), ("DELETE", "/admin/budgets/x")):
            began = time.monotonic()
            url = f"{gateway.url}{path}"
            answer = httpx2.request(method, url, json={"alias": "x"}, headers=ADMIN, trust_env=False, timeout=20)
            assert (answer.status_code, time.monotonic() - began < 12) == (503, True)
        began = time.monotonic()
        assert _status(gateway, "sk-nobody-ever-had") == 503
        assert time.monotonic() - began < 2, "it is known that nobody answers"
        listed = gateway.command("keys", "list", check=False)
        assert "known" not in listed
        proxy.swallow = False
        proxy.cut()
        later = gateway.key("later")
        _becomes(200, gateway, later)
        assert "answers again" in gateway.log
        proxy.swallow = True
        assert gateway.stop(seconds=40) == 0, gateway.log
        proxy.swallow = False
    assert "Traceback" not in gateway.log
    assert "never retrieved" not in gateway.log


def test_a_table_that_is_locked_holds_up_nobody(machine: Machine) -> None:
    gateway = machine("locked")
    key = gateway.key("known")
    assert _status(gateway, key) == 200
    address = gateway.file.read_text().split("database: ")[1].split()[0]
    with locked(address.replace("+asyncpg", "")):
        began = time.monotonic()
        assert _status(gateway, "sk-nobody-ever-had") == 503
        assert time.monotonic() - began < 8
        assert _status(gateway, key) == 200
    _becomes(401, gateway, "sk-nobody-ever-had")


@contextmanager
def locked(address: str) -> Iterator[None]:
    """Somebody's transaction holds the tables."""
    psql = str(sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1])
    pipe = subprocess.PIPE
    with subprocess.Popen([psql, address], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("BEGIN; LOCK TABLE revisions, keys;\n\\echo held\n")
        process.stdin.flush()
        while "held" not in process.stdout.readline():
            pass
        try:
            yield
        finally:
            process.stdin.close()
            process.wait(20)


def test_a_schema_that_is_newer_than_the_program(machine: Machine, tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, {"models": []})
    gateway.key("a")
    with closing(sqlite3.connect(gateway.data_dir / "sekisho.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(AssertionError):
        gateway.start()
    lines = [line for line in gateway.log.splitlines() if "schema" in line]
    assert len(lines) == 1
    assert "schema (9999) is newer than this program's" in lines[0]
    assert "Traceback" not in gateway.log
    assert gateway.process
    assert gateway.process.returncode == 2


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca", "require"])
def test_the_companys_authority_holds_for_the_database(
    mode: str, postgres: PostgresServer, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Under its name and under TLS; with another authority than the one that signed, the server is not believed."""
    authority, other = trustme.CA(), trustme.CA()
    signed = authority.issue_cert("localhost")
    for name, each in (("right.pem", authority), ("wrong.pem", other)):
        each.cert_pem.write_to_path(tmp_path / name)
    address = f"{postgres.database().replace('127.0.0.1', 'localhost')}?ssl={mode}"
    with postgres.under_tls(signed.cert_chain_pems[0].bytes(), signed.private_key_pem.bytes()):
        for name, works in (("right.pem", True), ("wrong.pem", False)):
            config = {"database": address, "key_secret": KEY_SECRET, "server": {"custom_ca": str(tmp_path / name)}}
            gateway = GatewayProcess(tmp_path_factory.mktemp("tls"), {**config, "models": []})
            assert (gateway.command("keys", "create", "--alias", "a", check=False) != "") is works


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
