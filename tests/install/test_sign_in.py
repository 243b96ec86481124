"""Getting in, and every way of not getting in: one sentence each, with the remedy."""

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from gateway.secret import Secret
from install.errors import OpenWebUIError, Refused, SignInRefused
from install.open_webui import Credentials, Password, Token, TokenCache, connect
from install.open_webui.http import Http
from install.open_webui.session import at_least
from tests.fixtures.open_webui import ADMIN_EMAIL, ADMIN_PASSWORD, OpenWebUIServer, free_port
from tests.install.conftest import serve

ANY = Token(Secret("any"))


def sign_in(url: str, credentials: Credentials) -> None:
    with connect(url, credentials):
        pass


def test_with_a_password(open_webui: OpenWebUIServer) -> None:
    with connect(open_webui.url, Password(ADMIN_EMAIL, Secret(ADMIN_PASSWORD))) as client:
        assert client.version == "0.12.4"


def test_with_an_api_key(open_webui: OpenWebUIServer) -> None:
    key = open_webui.request("POST", "/api/v1/auths/api_key")["api_key"]
    with connect(f"{open_webui.url}/", Token(Secret(key))) as client:
        assert client.groups() is not None


def test_a_wrong_password(open_webui: OpenWebUIServer) -> None:
    with pytest.raises(SignInRefused, match=r"nobody@example\.com.*Check --email and --password"):
        sign_in(open_webui.url, Password("nobody@example.com", Secret("wrong")))


def test_a_wrong_token(open_webui: OpenWebUIServer) -> None:
    with pytest.raises(SignInRefused, match="does not accept the token"):
        sign_in(open_webui.url, ANY)


def test_too_many_sign_ins(open_webui: OpenWebUIServer) -> None:
    credentials = Password("impatient@example.com", Secret("wrong"))
    for _ in range(15):
        with pytest.raises(SignInRefused, match="--password"):
            sign_in(open_webui.url, credentials)
    with pytest.raises(SignInRefused, match="Wait three minutes, or use --token"):
        sign_in(open_webui.url, credentials)


def test_not_an_administrator(open_webui: OpenWebUIServer) -> None:
    email = f"taro{free_port()}@example.com"
    token = open_webui.create_user("Taro", email, "a-good-password-1")
    with pytest.raises(SignInRefused, match="The owner of the token is not an administrator"):
        sign_in(open_webui.url, Token(Secret(token)))
    with pytest.raises(SignInRefused, match=f"{email} is not an administrator"):
        sign_in(open_webui.url, Password(email, Secret("a-good-password-1")))


def test_a_server_without_tls(open_webui: OpenWebUIServer) -> None:
    with pytest.raises(OpenWebUIError, match=r"no secure connection.*SSL_CERT_FILE"):
        sign_in(open_webui.url.replace("http:", "https:"), ANY)


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    app = Starlette(routes=[Route("/{path:path}", lambda request: PlainTextResponse(""))])
    for url in serve(app, ssl_certfile=certificate, ssl_keyfile=key):
        with pytest.raises(OpenWebUIError, match=r"(?i)certificate.*SSL_CERT_FILE"):
            sign_in(url.replace("http:", "https:"), ANY)


def test_a_kept_token_saves_the_sign_in_and_a_refused_one_is_forgotten(
    open_webui: OpenWebUIServer, tmp_path: Path
) -> None:
    tokens = TokenCache(tmp_path / "tokens.json")

    def never() -> Secret:
        raise AssertionError("asked for the password")

    with connect(open_webui.url, Password(ADMIN_EMAIL, Secret(ADMIN_PASSWORD)), tokens):
        pass
    with connect(open_webui.url, Password(ADMIN_EMAIL, never), tokens):
        pass
    end = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + 9999}).encode()).decode().rstrip("=")
    tokens.put(ADMIN_EMAIL, Secret(f"x.{end}.x"))
    with connect(open_webui.url, Password(ADMIN_EMAIL, Secret(ADMIN_PASSWORD)), tokens):
        pass
    assert tokens.get(ADMIN_EMAIL) != Secret(f"x.{end}.x")
    tokens.put(ADMIN_EMAIL, Secret("x.e30x.x"))
    assert tokens.get(ADMIN_EMAIL) is None
    (tmp_path / "tokens.json").write_text("{")
    assert tokens.get(ADMIN_EMAIL) is None


def test_nothing_there() -> None:
    with pytest.raises(OpenWebUIError, match="Start it, or correct --url"):
        sign_in(f"http://127.0.0.1:{free_port()}", ANY)


@pytest.mark.parametrize("url", ["localhost:8080", "http://", "nonsense"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(OpenWebUIError, match="does not answer at"):
        sign_in(url, ANY)


Answers = dict[str, Any]

GOOD: Answers = {
    "/api/version": {"version": "0.12.4"},
    "/api/v1/auths/signin": {"token": "t"},
    "/openai/config": {},
    "/api/config": {"features": {"enable_functions": True}},
}


def answering(answers: Answers) -> Iterator[str]:
    """A server that is not Open WebUI, or one in a state that ours is not in."""

    async def answer(request: Request) -> Response:
        body = answers.get(request.url.path, PlainTextResponse("<html>", 200))
        return body if isinstance(body, Response) else JSONResponse(body)

    yield from serve(Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])]))


@pytest.mark.parametrize(
    ("answers", "error", "says"),
    [
        ({"/api/version": {"version": "0.11.1"}}, OpenWebUIError, r"0\.11\.1 is too old. Update it to 0\.11\.2"),
        ({"/api/version": {"version": "latest"}}, OpenWebUIError, "not as Open WebUI .its version is 'latest'"),
        ({"/api/version": {}}, OpenWebUIError, "names no version"),
        ({"/api/version": PlainTextResponse("<html>")}, OpenWebUIError, "is a page instead of JSON"),
        ({"/api/version": JSONResponse({}, 404)}, OpenWebUIError, "answers 404"),
        ({"/api/version": RedirectResponse("https://chat")}, OpenWebUIError, "redirects to https://chat"),
        ({"/api/config": {"features": {"enable_functions": False}}}, OpenWebUIError, "ENABLE_FUNCTIONS=true"),
        ({"/api/v1/auths/signin": {"next_step": "verify"}}, SignInRefused, "API key"),
        ({"/openai/config": JSONResponse({"detail": "ouch"}, 500)}, Refused, "with 500: ouch"),
    ],
)
def test_servers_that_will_not_do(answers: Answers, error: type[OpenWebUIError], says: str) -> None:
    for url in answering(GOOD | answers):
        with pytest.raises(error, match=says):
            sign_in(url, Password("a@example.com", Secret("p")))


def test_a_validation_error_does_not_repeat_the_input() -> None:
    detail = [{"loc": ["body", "OPENAI_API_KEYS"], "msg": "Field required", "input": {"key": "sk-secret"}}]
    for url in answering({"/x": JSONResponse({"detail": detail}, 422)}):
        with Http(url) as http, pytest.raises(Refused) as refused:
            http.get("/x")
    assert refused.value.detail == "body.OPENAI_API_KEYS: Field required"


def test_versions_are_compared_as_numbers() -> None:
    assert at_least("0.12.4", "0.12.0")
    assert at_least("0.100.0", "0.12.4")
    assert at_least("1.0.0rc1", "0.12")
    assert not at_least("0.9.10", "0.12.0")
