"""Keys from the command line: shown once, stored hashed, revoked at once."""

import json
import socket
import sqlite3
import time

import httpx2

from gateway.secret import Secret
from tests.fixtures.gateway import ADMIN_KEY, PROVIDER_KEY, GatewayProcess


def _status(gateway: GatewayProcess, key: str) -> int:
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.get(f"{gateway.url}/v1/models", headers=headers, trust_env=False).status_code


def test_create_use_revoke(gateway: GatewayProcess) -> None:
    key = gateway.key("short-lived", "--owner", "bob@example.com")
    assert key.startswith("sk-")
    assert _status(gateway, key) == 200, "a new key is known at once"
    gateway.command("keys", "revoke", "short-lived")
    time.sleep(0.6)
    assert _status(gateway, key) == 401, "a revoked key is dead in a running gateway"
    listed = {each["alias"]: each for each in json.loads(gateway.command("keys", "list", "--json"))}
    assert listed["short-lived"]["revoked_at"]
    assert "short-lived" in gateway.command("keys", "list")


def test_an_alias_is_used_once(gateway: GatewayProcess) -> None:
    gateway.key("twin")
    assert gateway.command("keys", "create", "--alias", "twin", check=False) == ""


def test_no_secret_is_written_anywhere(gateway: GatewayProcess, key: str) -> None:
    body = {"model": "401", "messages": [{"role": "user", "content": "hi"}]}
    url = f"{gateway.url}/v1/chat/completions"
    answer = httpx2.post(url, json=body, headers={"authorization": f"Bearer {key}"}, trust_env=False)
    explained = gateway.command("config", "explain")
    listed = gateway.command("keys", "list", "--json")
    database = gateway.data_dir / "sekisho.db"
    with sqlite3.connect(database) as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    ledger = "".join(path.read_text() for path in (gateway.data_dir / "ledger/segments").iterdir())
    for place in (gateway.log, answer.text, repr(answer.headers), explained, listed, dump, ledger):
        assert key not in place
        assert PROVIDER_KEY not in place


def test_a_secret_cannot_be_printed() -> None:
    secret = Secret("hidden")
    assert "hidden" not in f"{secret} {secret!r} {[secret]}" + str(secret)
    assert secret.reveal() == "hidden"
    assert secret == Secret("hidden")


def test_a_request_that_began_before_a_change_leaves_nothing_of_the_old_key(gateway: GatewayProcess) -> None:
    """Its body arrives after the change, so it is served by what the key was; nobody after it is."""
    key = gateway.key("changed-meanwhile", "--requests-per-minute", "1000")
    body = json.dumps({"model": "mine", "messages": [{"role": "user", "content": "hi"}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n"
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as slow:
        slow.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body[:10])
        time.sleep(0.3)
        changed = {"models": ["echo"], "requests_per_minute": 7}
        admin = {"authorization": f"Bearer {ADMIN_KEY}"}
        path = f"{gateway.url}/admin/keys/changed-meanwhile"
        assert httpx2.patch(path, json=changed, headers=admin, trust_env=False).status_code == 200
        slow.sendall(body[10:])
        assert slow.recv(65536).startswith(b"HTTP/1.1 200")

    headers = {"authorization": f"Bearer {key}"}
    url = f"{gateway.url}/v1/chat/completions"
    refused = httpx2.post(url, content=body, headers=headers, trust_env=False)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "model_not_found")
    allowed = httpx2.post(url, content=body.replace(b"mine", b"echo"), headers=headers, trust_env=False)
    assert (allowed.status_code, allowed.headers["x-ratelimit-limit-requests"]) == (200, "7")
