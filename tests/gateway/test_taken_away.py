"""What the gateway stands on is taken away or exchanged while it runs."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ADMIN_KEY, GatewayProcess, deployment, model

Upstream = tuple[FakeUpstream, str]


def ask(gateway: GatewayProcess, key: str, name: str = "m") -> httpx2.Response:
    body = {"model": name, "messages": [{"role": "user", "content": "hi"}]}
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.post(f"{gateway.url}/v1/chat/completions", json=body, headers=headers, timeout=20, trust_env=False)


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("gone", ["ledger", "ledger/segments"])
def test_a_ledger_that_is_taken_away_is_begun_anew(upstream: Upstream, tmp_path: Path, gone: str) -> None:
    config = {"ledger": {"fsync_seconds": 0.05}, "models": [model("m", deployment(upstream[1]))]}
    gateway = GatewayProcess(tmp_path, config).start()
    key = gateway.key("k")
    assert ask(gateway, key).status_code == 200
    shutil.rmtree(gateway.data_dir / gone)
    until(lambda: "is gone; a new one is opened" in gateway.log)
    answer = ask(gateway, key)
    assert gateway.record(answer.headers["x-sekisho-request-id"]).outcome == "ok"
    assert gateway.stop() == 0


def test_a_ledger_that_cannot_be_begun_anew_refuses(upstream: Upstream, tmp_path: Path) -> None:
    config = {"ledger": {"fsync_seconds": 0.05}, "models": [model("m", deployment(upstream[1]))]}
    gateway = GatewayProcess(tmp_path, config).start()
    key = gateway.key("k")
    shutil.rmtree(gateway.data_dir / "ledger")
    (gateway.data_dir / "ledger").write_text("a file in its place")
    until(lambda: ask(gateway, key).status_code == 503)
    assert httpx2.get(f"{gateway.url}/readyz", trust_env=False).status_code == 503
    (gateway.data_dir / "ledger").unlink()
    until(lambda: ask(gateway, key).status_code == 200)
    assert gateway.stop() == 0


def test_a_link_that_is_swapped_is_a_change(upstream: Upstream, tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, {"models": [model("old", deployment(upstream[1]))]})
    gateway.file.rename(tmp_path / "old.yaml")
    gateway.file.symlink_to("old.yaml")
    gateway.start()
    key = gateway.key("k")
    assert ask(gateway, key, "old").status_code == 200
    (tmp_path / "new.yaml").write_text((tmp_path / "old.yaml").read_text().replace("name: old", "name: new"))
    (tmp_path / "next").symlink_to("new.yaml")
    os.replace(tmp_path / "next", gateway.file)
    until(lambda: ask(gateway, key, "new").status_code == 200)
    assert ask(gateway, key, "old").status_code == 404
    assert gateway.stop() == 0


@pytest.mark.parametrize("told", ["unknown", "8.8.8.8, unknown", "8.8.8.8,", '"8.8.8.8"', "8.8.8.8%eth0", "_hidden"])
def test_an_address_that_cannot_be_read_is_not_the_proxy_s(upstream: Upstream, tmp_path: Path, told: str) -> None:
    server = {"trusted_proxies": ["127.0.0.0/8"], "allowed_networks": ["127.0.0.0/8", "192.0.2.0/24"]}
    gateway = GatewayProcess(tmp_path, {"server": server, "models": [model("m", deployment(upstream[1]))]}).start()
    url = f"{gateway.url}/v1/models"
    assert httpx2.get(url, headers={"x-forwarded-for": told}, trust_env=False).status_code == 403
    assert httpx2.get(url, headers={"x-forwarded-for": "192.0.2.7"}, trust_env=False).status_code == 401
    assert gateway.stop() == 0


def test_a_host_name_that_is_none_goes_elsewhere(upstream: Upstream, tmp_path: Path) -> None:
    wrong = deployment(f"http://{'a' * 70}.invalid")
    models = [model("m", wrong, deployment(upstream[1])), model("alone", wrong)]
    gateway = GatewayProcess(tmp_path, {"models": models}).start()
    key = gateway.key("k")
    assert ask(gateway, key).status_code == 200
    assert ask(gateway, key, "alone").status_code == 502
    assert "Traceback" not in gateway.log
    assert gateway.stop() == 0


@pytest.mark.parametrize("path", ["keys", "explain?key=tests", "keys/tests/rotate"])
@pytest.mark.parametrize(
    "body",
    [b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}", b'{"model":"mine","user":1e400}', b'{"alias":"\xff"}'],
    ids=["deep", "endless", "no utf-8"],
)
def test_odd_admin_bodies_are_told(gateway: GatewayProcess, key: str, path: str, body: bytes) -> None:
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    answer = httpx2.post(f"{gateway.url}/admin/{path}", content=body, headers=headers, trust_env=False)
    assert answer.status_code == 400, answer.text
    assert "Traceback" not in gateway.log


def test_a_stream_that_a_stop_cuts_ends_with_an_error(upstream: Upstream, tmp_path: Path) -> None:
    server = {"shutdown_grace_seconds": 1}
    deployments = deployment(upstream[1], "silent")
    gateway = GatewayProcess(tmp_path, {"server": server, "models": [model("m", deployments)]}).start()
    key = gateway.key("k")
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    got = b""
    headers = {"authorization": f"Bearer {key}"}
    url = f"{gateway.url}/v1/chat/completions"
    with httpx2.stream("POST", url, json=body, headers=headers, timeout=20, trust_env=False) as answer:
        for number, part in enumerate(answer.iter_raw()):
            got += part
            if number == 0:
                assert gateway.process
                gateway.process.terminate()
    assert b'"code":"shutdown"' in got
    assert gateway.stop() == 0
