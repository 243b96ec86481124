"""Credentials that are missing or expired: found before a request finds them, 503 where one does, never shown."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from typer.testing import CliRunner

from gateway.commands.config import app
from gateway.config.schema import Config
from gateway.credentials import CredentialsWatch
from gateway.providers.amazon import Identity, Keeper
from gateway.providers.google_auth import GoogleSource
from gateway.routing.routes import build_routes
from gateway.upstream.outbound import Outbound
from tests.fakes.google import Google
from tests.fakes.serving import serving
from tests.fakes.wire import WebProxy, saying
from tests.fixtures.gateway import in_process

QUESTION = [{"role": "user", "content": "hi"}]
VENDORS = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "cohere": "COHERE_API_KEY",
    "gemini": "GEMINI_API_KEY",
}


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "BEARER_TOKEN_BEDROCK"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def _models(tmp_path: Path) -> dict[str, Any]:
    file = str(tmp_path / "nobody.json")
    deployments: dict[str, dict[str, Any]] = {
        **{name: {"provider": name, "model": "m"} for name in VENDORS},
        "azure": {"provider": "azure", "base_url": "https://r.openai.azure.com", "model": "m"},
        "bedrock": {"provider": "bedrock", "region": "eu-west-1", "model": "nova", "profile": "nobody"},
        "vertex": {"provider": "vertex", "project": "p", "model": "gemini-3.5-flash", "credentials_file": file},
        "own": {"provider": "vllm", "base_url": "http://gpu1:8000/v1", "model": "m"},
    }
    return {"models": [{"name": name, "deployments": [each]} for name, each in deployments.items()]}


NAMED = {**VENDORS, "azure": "AZURE_API_KEY", "bedrock": "profile 'nobody'", "vertex": "nobody.json"}


def test_config_check_names_each(tmp_path: Path) -> None:
    (tmp_path / "sekisho.yaml").write_text(json.dumps(_models(tmp_path)))
    answer = CliRunner().invoke(app, ["check", "--config", str(tmp_path / "sekisho.yaml")])
    said = (answer.output + str(answer.exception)).splitlines()
    assert answer.exit_code != 0
    for name, told in NAMED.items():
        assert any(f"{name}: " in line and told in line for line in said), (name, said)
    assert not any("vllm" in line for line in said)


def test_a_request_gets_503_and_readyz_knew_it_before(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with in_process(tmp_path, _models(tmp_path)) as gateway:
        deadline = time.monotonic() + 30
        while "warnings" not in (said := httpx2.get(f"{gateway.url}/readyz").json()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert said["status"] == "ok", "other models are served"
        assert "missing or expired for openai, anthropic, mistral, deepseek, cohere and 4 more" in str(said["warnings"])
        assert "nobody" not in str(said)
        for name, told in NAMED.items():
            assert told in caplog.text, name
            answer = gateway.post("/v1/chat/completions", json={"model": name, "messages": QUESTION})
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "upstream_credentials"), answer.text
            assert "nobody" not in answer.text
            assert f"{name}/{name}" in caplog.text


async def test_a_look_takes_no_time_of_the_loop_and_tells_changes_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A source that keeps silent holds up nobody, and the end of the watch least of all."""
    looking, go_on, enough = threading.Event(), threading.Event(), threading.Event()
    config = {"models": [{"name": "m", "deployments": [{"provider": "openai", "model": "m"}]}]}
    targets = list(build_routes(Config.model_validate(config), {}).all_targets())
    looks = 0

    class Slow:
        id, model, credentials_name = targets[0].id, targets[0].model, "its api_key"

        def credentials_problem(self) -> str | None:
            nonlocal looks
            looks += 1
            looking.set()
            go_on.wait(30)
            if looks == 6:
                enough.set()
            return "api_key is missing" if looks < 4 else None

    watch = CredentialsWatch(lambda: [Slow()], every=0.001)  # type: ignore[list-item]
    watch.start()
    assert await asyncio.to_thread(looking.wait, 30)
    assert watch.warning is None
    go_on.set()
    assert await asyncio.to_thread(enough.wait, 30)
    await watch.stop()
    assert (caplog.text.count("api_key is missing"), caplog.text.count("work again")) == (1, 1)
    assert watch.warning is None


# Expired in the eyes of the cloud.


async def _expired(request: Request) -> Response:
    if "converse" in request.url.path:
        said = {"message": "The security token included in the request is expired"}
        return JSONResponse(said, 403, {"x-amzn-errortype": "ExpiredTokenException:http://internal.amazon.com/"})
    return JSONResponse({"error": {"code": 400, "message": "API key expired. Please renew the API key."}}, 400)


@pytest.mark.parametrize(
    ("deployment", "told"),
    [
        ({"provider": "bedrock", "region": "eu-west-1", "model": "nova", "api_key": "bedrock-key-canary"}, "api_key"),
        ({"provider": "gemini", "model": "gemini-3.5-flash", "api_key": "${PROVIDER_KEY}"}, "api_key (PROVIDER_KEY)"),
    ],
)
def test_expired_ones_are_a_503_and_named(
    deployment: dict[str, Any], told: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake = Starlette(routes=[Route("/{path:path}", _expired, methods=["POST"])])
    with serving(fake) as address:
        config = {"models": [{"name": "m", "deployments": [{**deployment, "base_url": address}]}]}
        with in_process(tmp_path, config) as gateway:
            answer = gateway.post("/v1/chat/completions", json={"model": "m", "messages": QUESTION})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "upstream_credentials"), answer.text
    assert f"its {told}: missing or expired; renew them" in caplog.text
    assert "canary" not in answer.text + caplog.text


async def test_a_token_that_is_refused_is_replaced_at_the_next_request(tmp_path: Path) -> None:
    """But not a new one: its server would refuse the next one, too."""
    google, ahead = Google(lambda results: []), 0.0
    with serving(google) as address:
        file = tmp_path / "account.json"
        file.write_text(json.dumps(google.service_account(address)))
        source = GoogleSource(file, clock=lambda: time.time() + ahead)
        assert await source.token() == google.tokens[0]
        source.distrust()
        assert await source.token() == google.tokens[0]
        ahead = 61
        source.distrust()
        assert await source.token() == google.tokens[1]
    assert source.secrets == (google.tokens[1], google.tokens[0])


async def test_expired_keys_of_a_profile_are_looked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, keeper = tmp_path / "credentials", Keeper(Identity("eu-west-1", "company"))
    for number in range(2):
        file.write_text(f"[company]\naws_access_key_id=AKID{number}\naws_secret_access_key=secret-{number}\n")
        assert (await keeper.current()).access_key == f"AKID{number}"
        keeper._tried -= 6
        keeper.distrust()


# Google's and Amazon's servers of tokens, behind the company's proxy and under its authority.


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    made, file = trustme.CA(), tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(str(file))
    return made, file


_STS = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"  # noqa: E501


@pytest.fixture
def tokens(authority: tuple[trustme.CA, Path], tmp_path: Path) -> Iterator[tuple[Google, int]]:
    google, pem = Google(lambda results: []), tmp_path / "server.pem"
    names = ("oauth2.googleapis.com", "sts.eu-west-1.amazonaws.com")
    authority[0].issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(str(pem))

    async def role(_: Request) -> Response:
        return Response(_STS, media_type="text/xml")

    fake = Starlette(routes=[Route("/", role, methods=["POST"])])
    fake.mount("/google", google)
    server = uvicorn.Server(uvicorn.Config(fake, port=0, log_config=None, lifespan="off", ssl_certfile=pem))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield google, server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)


@pytest.fixture
async def proxied(
    tokens: tuple[Google, int], authority: tuple[trustme.CA, Path]
) -> AsyncIterator[tuple[WebProxy, Outbound]]:
    proxy = WebProxy(("127.0.0.1", tokens[1]))
    async with saying(proxy.serve) as address:
        yield proxy, Outbound(address, (), authority[1])


async def test_google_through_the_proxy(
    tokens: tuple[Google, int], proxied: tuple[WebProxy, Outbound], tmp_path: Path
) -> None:
    account = tmp_path / "account.json"
    account.write_text(json.dumps(tokens[0].service_account("https://oauth2.googleapis.com/google")))
    assert await GoogleSource(account, proxied[1]).token() == tokens[0].tokens[0]
    assert proxied[0].asked[0].startswith("CONNECT oauth2.googleapis.com:443 ")


async def test_amazons_roles_through_the_proxy(proxied: tuple[WebProxy, Outbound], tmp_path: Path) -> None:
    keys = "[company]\naws_access_key_id=AKIDEXAMPLE\naws_secret_access_key=secret-of-the-company\n"
    (tmp_path / "credentials").write_text(keys)
    keeper = Keeper(Identity("eu-west-1", "company", "arn:aws:iam::123456789012:role/sekisho", proxied[1]))
    assert (await keeper.current()).access_key == "ASIAROLE"
    assert keeper.secrets == ("role-secret", "role-token")
    assert proxied[0].asked[0].startswith("CONNECT sts.eu-west-1.amazonaws.com:443 ")
