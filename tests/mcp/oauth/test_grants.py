"""Tokens for which nobody signs in, more rights in the middle of a day, HTTP with SSE; commands and configurations."""

import asyncio
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from mcp.server.sse import SseServerTransport
from ruamel.yaml import YAML
from starlette.types import Receive, Scope, Send
from typer.testing import CliRunner

from gateway.commands import mcp
from gateway.config.load import load
from gateway.errors import ConfigError
from tests.fakes.mcp_everything.serving import Everything
from tests.fakes.oauth import Issuer, Protected, issuing, protected
from tests.fakes.serving import serving
from tests.fixtures.gateway import ENVIRONMENT, IDENTITY_SECRET
from tests.mcp.hub import client, texts
from tests.mcp.oauth.people import Company, company

PRIVATE = {"client_id": "sekisho", "client_secret": "s" * 20}


@pytest.fixture
def setting() -> Iterator[tuple[Issuer, Protected]]:
    with issuing() as issuer, protected(issuer) as server:
        yield issuer, server


def entry(server: Protected, **oauth: Any) -> dict[str, Any]:
    return {"x": {"url": server.url, "auth": {"oauth": oauth}}}


async def call(place: Company, who: str, path: str = "/x", era: Any = "modern") -> Any:
    headers = place.headers(who)
    async with client(place.gateway, path, era, place.key, headers=headers) as asking:
        return await asking.call_tool("test_simple_text", {})


def link_of(result: Any) -> str:
    assert result.is_error, result
    link: str = result.meta["sekisho/error"]["sign_in"]
    return "/" + link.split("/", 3)[3]


def test_the_gateways_own_token(tmp_path: Path, setting: tuple[Issuer, Protected]) -> None:
    issuer, server = setting
    settings = {**PRIVATE, "grant": "client_credentials", "scopes": ["read"]}
    with company(tmp_path, entry(server, **settings)) as place:
        for who in ("alice", "bob"):
            assert texts(asyncio.run(call(place, who)))
        assert {subject for subject, _ in server.seen} == {"the gateway"}
        assert issuer.asked.count("/token") == 1, "one token for all, as long as it lives"
        assert issuer.forms[0]["scope"] == "read"
        assert issuer.forms[0]["resource"] == server.url
        issuer.forget()
        assert texts(asyncio.run(call(place, "alice"))), "a token that is refused is asked for anew"
        assert issuer.asked.count("/token") == 2
        issuer.change_tokens = lambda tokens: tokens.update(access_token="unknown")
        issuer.forget()
        refused = asyncio.run(call(place, "alice"))
        assert refused.is_error
        assert issuer.asked.count("/token") <= 5, "it is not asked for without end"
        assert place.accounts("alice") == {}


def test_a_persons_token_for_their_signed_identity(tmp_path: Path, setting: tuple[Issuer, Protected]) -> None:
    issuer, server = setting
    with company(tmp_path, entry(server, client_id="sekisho", grant="token_exchange", audience="wiki")) as place:
        for who in ("alice", "bob", "alice"):
            assert texts(asyncio.run(call(place, who)))
        assert issuer.asked.count("/token") == 2, "one a person"
        for form, who in zip(issuer.forms, ("alice", "bob"), strict=True):
            claims = jwt.decode(form["subject_token"], IDENTITY_SECRET, ["HS256"], options={"verify_aud": False})
            assert (claims["sub"], claims["email"]) == (f"id-{who}", f"{who}@example.com")
            assert form["audience"] == "wiki"
            assert form["resource"] == server.url
        seen = [subject for subject, _ in server.seen]
        assert len(set(seen)) == 2

        async def nobody() -> Any:
            async with client(place.gateway, "/x", "modern") as asking:
                return await asking.call_tool("test_simple_text", {})

        assert "names no person" in texts(asyncio.run(nobody()))[0]


def test_more_rights_are_asked_for_once(tmp_path: Path, setting: tuple[Issuer, Protected]) -> None:
    issuer, server = setting
    with company(tmp_path, entry(server)) as place:
        alice = place.browser("alice")
        alice.sign_in("/mcp-sign-in/x")
        assert texts(asyncio.run(call(place, "alice")))
        server.needed = ["write"]
        alice.sign_in(link_of(asyncio.run(call(place, "alice"))))
        assert texts(asyncio.run(call(place, "alice")))
        assert [params.scopes for params in issuer.authorized] == [["offline_access"], ["offline_access", "write"]]
        server.needed = ["read", "write"]
        issuer.grants = lambda scopes: [each for each in scopes if each != "read"]
        alice.sign_in(link_of(asyncio.run(call(place, "alice"))))
        given_up = asyncio.run(call(place, "alice"))
        assert given_up.is_error
        assert "asked for already" in texts(given_up)[0]
        assert "sign_in" not in given_up.meta["sekisho/error"]


class _Sse:
    """A server of 2024-11-05 that wants a token with each request."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer, self._server = issuer, Everything().server()
        self._transport = SseServerTransport("/messages")
        self.posted: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = dict(scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
        found = self._issuer.access.get(token)
        if scope["path"].startswith("/.well-known/") or found is None:
            status = 404 if scope["path"].startswith("/.well-known/") else 401
            await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})
        elif scope["method"] == "GET":
            async with self._transport.connect_sse(scope, receive, send) as streams:
                await self._server.run(streams[0], streams[1], self._server.create_initialization_options())
        else:
            self.posted.append(found.subject or "")
            await self._transport.handle_post_message(scope, receive, send)


def test_over_http_with_sse(tmp_path: Path) -> None:
    with issuing() as issuer:
        server = _Sse(issuer)
        with serving(server) as url:
            settings = {"url": f"{url}/sse", "transport": "sse", "auth": {"oauth": {"issuer": f"{issuer.url}/"}}}
            with company(tmp_path, {"x": settings}) as place:
                place.browser("alice").sign_in(link_of(asyncio.run(call(place, "alice"))))

                async def run() -> None:
                    headers = place.headers("alice")
                    async with client(place.gateway, "/x", "modern", place.key, headers=headers) as asking:
                        assert texts(await asking.call_tool("test_simple_text", {}))
                        for grant in issuer.access.values():
                            assert grant.subject == "alice"

                asyncio.run(run())
                assert set(server.posted) == {"alice"}


BAD = [
    ({"client_secret": "s" * 20}, "'client_secret' belongs to a 'client_id'"),
    ({"grant": "client_credentials", "client_id": "c"}, "needs 'client_id' and 'client_secret'"),
    ({"grant": "token_exchange"}, "needs a 'client_id'"),
    ({"grant": "token_exchange", "client_id": "c"}, "needs 'open_webui.identity_secret'"),
    ({"client_auth": "client_secret_post", "client_id": "c"}, "'client_auth' says how"),
    ({"audience": "x"}, "'audience' means something only"),
    ({"issuer": "login.example.com"}, "'issuer'"),
    ({"issuer": "https://u:p@login.example.com"}, "'issuer'"),
    ({"scopes": []}, "scopes"),
    ({"scopes": ["a b"]}, "scopes"),
    ({"client_id": "a\nb"}, "client_id"),
    ({"allowed_hosts": ["http://x"]}, "allowed_hosts"),
    ({"grant": "password"}, "grant"),
    ({"unheard_of": 1}, "unheard_of"),
]


@pytest.mark.parametrize(("oauth", "said"), BAD)
def test_configurations_that_are_refused(tmp_path: Path, oauth: dict[str, Any], said: str) -> None:
    file = tmp_path / "sekisho.yaml"
    write(file, {"x": {"url": "https://x.example/mcp", "auth": {"oauth": oauth}}})
    with pytest.raises(ConfigError) as raised:
        load(file, ENVIRONMENT)
    assert said in str(raised.value)
    assert re.search(r"sekisho\.yaml:\d+", str(raised.value)), "file and line"


@pytest.mark.parametrize(
    "server",
    [
        {"command": ["x"], "auth": {"oauth": {}}},
        {"url": "https://x.example/mcp", "auth": {"oauth": {}, "token": "t" * 20}},
        {"url": "https://x.example/mcp", "auth": {"oauth": {}, "user_tokens": {"a@b.c": "t" * 20}}},
    ],
)
def test_what_excludes_each_other(tmp_path: Path, server: dict[str, Any]) -> None:
    file = tmp_path / "sekisho.yaml"
    write(file, {"x": server})
    with pytest.raises(ConfigError, match=r"sekisho\.yaml:\d+"):
        load(file, ENVIRONMENT)


def write(file: Path, servers: dict[str, Any]) -> None:
    with file.open("w") as opened:
        YAML().dump({"data_dir": "data", "models": [], "mcp": {"servers": servers}}, opened)


def command(file: Path, *arguments: str) -> Any:
    return CliRunner().invoke(mcp.app, [*arguments, "--config", str(file)])


def test_signing_in_from_the_command_line(tmp_path: Path, setting: tuple[Issuer, Protected]) -> None:
    """A browser opens the address that is printed; afterwards the tools work in the person's name."""
    issuer, server = setting
    file = tmp_path / "sekisho.yaml"
    write(file, {"x": {"url": server.url, "auth": {"oauth": {}}}})
    skipped = command(file, "check", "x")
    assert "name one with --as" in skipped.output
    refused = command(file, "check", "x", "--as", "alice@example.com")
    assert "sign in" in refused.output

    shown: list[str] = []
    done = threading.Event()

    def browse() -> None:
        while not shown:
            done.wait(0.02)
        left = httpx2.get(shown[0], headers={"x-user": "alice"}, trust_env=False)
        httpx2.get(left.headers["location"], trust_env=False)

    browser = threading.Thread(target=browse, daemon=True)
    browser.start()
    from gateway.mcp.oauth.for_commands import sign_in_here

    config = load(file, ENVIRONMENT).config
    grant = asyncio.run(sign_in_here(config, "x", "Alice@example.com", shown.append))
    browser.join(10)
    assert issuer.access[grant.access].subject == "alice"
    works = command(file, "check", "x", "--as", "alice@example.com")
    assert "x: works" in works.output
    listed = command(file, "list")
    assert re.search(r"x .*\b1\s*$", listed.output, re.MULTILINE), listed.output
    assert server.seen
    assert {subject for subject, _ in server.seen} == {"alice"}


def test_the_link_of_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "sekisho.yaml"
    write(file, {"x": {"url": "https://x.example/mcp", "auth": {"oauth": {}}}, "y": {"url": "https://y.example/mcp"}})
    assert command(file, "sign-in", "x").output == "http://127.0.0.1:4000/mcp-sign-in/x\n"
    marked = command(file, "sign-in", "x", "--as", "alice@example.com").output
    assert re.fullmatch(r"http://127\.0\.0\.1:4000/mcp-sign-in/x\?for=[0-9a-f]{32}\n", marked)
    assert "nobody signs in there" in str(command(file, "sign-in", "y").exception)
    assert "there is no 'z'" in str(command(file, "sign-in", "z").exception)
    assert "--as" in str(command(file, "sign-in", "x", "--loopback").exception)


def test_the_document_is_served_where_issuers_can_read_it(tmp_path: Path, setting: tuple[Issuer, Protected]) -> None:
    _, server = setting
    public = {"server": {"public_url": "https://ai.example.com"}}
    with company(tmp_path, entry(server), **public) as place:
        found = httpx2.get(f"{place.url}/mcp-sign-in/x/client.json", trust_env=False)
        assert found.json()["client_id"] == "https://ai.example.com/mcp-sign-in/x/client.json"
        assert found.json()["redirect_uris"] == ["https://ai.example.com/mcp-sign-in/x/callback"]
        assert httpx2.get(f"{place.url}/mcp-sign-in/y/client.json", trust_env=False).status_code == 404
