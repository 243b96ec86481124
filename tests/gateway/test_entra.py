"""Tokens of Entra ID: for whom the environment names, through the company's proxy; told where they cannot be had."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvicorn
from typer.testing import CliRunner

from gateway.commands.config import app
from gateway.config.models import Deployment
from gateway.errors import CredentialsMissing
from gateway.providers.azure_auth import DATED_SCOPE, SCOPE, EntraSource, scope_of
from gateway.upstream.outbound import DIRECT, Outbound
from tests.fakes.azure import CLIENT, CLIENT_SECRET, TENANT, Azure
from tests.fakes.serving import serving
from tests.fakes.wire import WebProxy, saying
from tests.fixtures.gateway import in_process


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave nobody signed in: no variable, no command of Azure's."""
    for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET", "FEDERATED_TOKEN_FILE", "AUTHORITY_HOST"):
        monkeypatch.delenv(f"AZURE_{name}", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "prod")  # no signed-in developer


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Azure, str]]:
    """Azure, which gives this machine an identity."""
    azure = Azure()
    with serving(azure) as address:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{address}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "identity-canary")
        yield azure, address


@pytest.mark.parametrize(
    ("fields", "scope"),
    [
        ({}, SCOPE),
        ({"api_version": "preview"}, SCOPE),
        ({"api_version": "2024-10-21"}, DATED_SCOPE),
        ({"entra": "https://cognitiveservices.azure.us/.default"}, "https://cognitiveservices.azure.us/.default"),
    ],
)
def test_scopes(fields: dict[str, Any], scope: str) -> None:
    found = Deployment(**{"provider": "azure", "model": "m", "base_url": "https://x", "entra": True, **fields})
    assert scope_of(found) == scope


def test_the_machines_own_identity_asks_every_way(machine: tuple[Azure, str], tmp_path: Path) -> None:
    azure, address = machine
    ways: dict[str, dict[str, Any]] = {
        "v1": {"provider": "azure", "model": "our gpt"},
        "dated": {"provider": "azure", "model": "our gpt", "api_version": "2024-10-21"},
        "foundry": {"provider": "azure", "model": "deep", "base_url": f"{address}/models"},
        "claude": {"provider": "azure-anthropic", "model": "claude"},
    }
    models = [
        {"name": name, "deployments": [{"base_url": address, "entra": True, **way}]} for name, way in ways.items()
    ]
    with in_process(tmp_path, {"models": models}) as gateway:
        for name in (*ways, *ways):
            asked = {"model": name, "messages": [{"role": "user", "content": "hi"}]}
            answer = gateway.post("/v1/chat/completions", json=asked)
            assert answer.status_code == 200, answer.text
            assert not {"api-key", "x-api-key"} & azure.seen[-1].headers.keys()
        assert sorted(azure.tokens.values()) == [SCOPE, DATED_SCOPE], "one token a scope"

        azure.tokens.clear()  # the server knows them no more, and quotes them
        answer = gateway.post("/v1/chat/completions", json=asked | {"model": "v1"})
        assert (answer.status_code, "canary" in answer.text) == (502, False)


def test_what_is_missing_is_a_503_and_named_without_the_secret(
    machine: tuple[Azure, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    azure, address = machine
    azure.refuses = True
    entra = "https://ai.azure.com/.default"  # not the source of another test
    place = {"provider": "azure", "base_url": f"{address}/openai/v1", "model": "our gpt", "entra": entra}
    config = {"server": {"no_proxy": ["only-here.example"]}, "models": [{"name": "m", "deployments": [place]}]}
    with in_process(tmp_path, config) as gateway:
        answer = gateway.post(
            "/v1/chat/completions", json={"model": "m", "messages": [{"role": "user", "content": "x"}]}
        )
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "upstream_credentials")
    assert "Entra ID (the machine, as the environment has no AZURE_CLIENT_SECRET" in caplog.text
    assert "identity-canary" not in caplog.text
    (tmp_path / "check.yaml").write_text(json.dumps(config))
    checked = CliRunner().invoke(app, ["check", "--config", str(tmp_path / "check.yaml")])
    assert checked.exit_code != 0
    assert "AZURE_CLIENT_ID and AZURE_CLIENT_SECRET" in checked.output + str(checked.exception)


# A client's secret, at login.microsoftonline.com itself, behind the company's proxy and under its authority.


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    made = trustme.CA()
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(str(file))
    return made, file


@pytest.fixture
def sign_in(authority: tuple[trustme.CA, Path], tmp_path: Path) -> Iterator[tuple[Azure, int]]:
    azure, pem = Azure(), tmp_path / "server.pem"
    issued = authority[0].issue_cert("login.microsoftonline.com")
    issued.private_key_and_cert_chain_pem.write_to_path(str(pem))
    server = uvicorn.Server(uvicorn.Config(azure, port=0, log_config=None, lifespan="off", ssl_certfile=pem))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield azure, server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TENANT_ID", TENANT), ("CLIENT_ID", CLIENT), ("CLIENT_SECRET", CLIENT_SECRET)):
        monkeypatch.setenv(f"AZURE_{name}", value)


@pytest.fixture
async def proxied(
    sign_in: tuple[Azure, int], authority: tuple[trustme.CA, Path]
) -> AsyncIterator[tuple[Azure, WebProxy, Outbound]]:
    azure, port = sign_in
    proxy = WebProxy(("127.0.0.1", port))
    async with saying(proxy.serve) as address:
        yield azure, proxy, Outbound(address.replace("http://", "http://taro:p%40ss@"), (), authority[1])


@pytest.mark.usefixtures("client_secret")
async def test_a_clients_secret_through_the_proxy(proxied: tuple[Azure, WebProxy, Outbound]) -> None:
    azure, proxy, outbound = proxied
    source = EntraSource(SCOPE, outbound)
    found = await asyncio.gather(*(source.token() for _ in range(20)))
    assert set(found) == set(azure.tokens) == set(source.secrets)
    assert len(azure.tokens) == 1
    assert all(each.startswith("CONNECT login.microsoftonline.com:443 ") for each in proxy.asked)
    assert "Proxy-Authorization: Basic dGFybzpwQHNz\r\n" in proxy.asked[0]


@pytest.mark.usefixtures("client_secret")
async def test_an_expired_secret_is_told_by_its_code(
    proxied: tuple[Azure, WebProxy, Outbound], caplog: pytest.LogCaptureFixture
) -> None:
    azure, _, outbound = proxied
    azure.refuses = True
    source = EntraSource(SCOPE, outbound)
    with pytest.raises(CredentialsMissing):
        await source.token()
    told = await asyncio.to_thread(source.problem) or ""
    assert "Entra ID (AZURE_CLIENT_SECRET): no token for" in told
    assert "AADSTS7000222" in told
    assert CLIENT_SECRET not in told + caplog.text


@pytest.mark.usefixtures("client_secret")
async def test_another_authority_is_not_believed(sign_in: tuple[Azure, int]) -> None:
    proxy = WebProxy(("127.0.0.1", sign_in[1]))
    async with saying(proxy.serve) as address:
        with pytest.raises(CredentialsMissing):
            await EntraSource(SCOPE, Outbound(address)).token()
    assert not sign_in[0].tokens


def test_nothing_of_azures_is_imported_before_it_is_needed() -> None:
    import subprocess
    import sys

    said = "import gateway.app, gateway.providers.rows, sys; print([m for m in sys.modules if m.split('.')[0] in "
    said += "('azure', 'msal', 'requests', 'botocore', 'google')])"
    assert subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_source_of_a_direct_way_is_another_than_that_of_a_proxy() -> None:
    assert Outbound("http://proxy:3128") != DIRECT
    assert "3128" not in repr(Outbound("http://taro:secret@proxy:3128"))
