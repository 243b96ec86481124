"""Servers, issuers and people that lie: nobody is signed in, and nothing private is asked."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from gateway.config.schema import Server
from gateway.fetching.guard import NotFetched, place_of
from gateway.mcp.oauth.failures import OAuthFailed
from gateway.mcp.oauth.guarded import Fetcher
from gateway.mcp.oauth.service import OAuth
from tests.fakes.oauth import Issuer, Protected, issuing, protected
from tests.mcp.oauth.flows import OURS, flow, sign_in, to_issuer

PRM = "/.well-known/oauth-protected-resource/mcp"
META = "/.well-known/oauth-authorization-server"
Setting = tuple[Issuer, Protected]


@pytest.fixture(scope="module")
def servers() -> Iterator[Setting]:
    with issuing() as issuer, protected(issuer) as server:
        yield issuer, server


@pytest.fixture
def setting(servers: Setting) -> Setting:
    for each in servers:
        each.reset()
    return servers


def refused(folder: Path, server: Protected, **oauth: Any) -> OAuthFailed:
    """Return why nobody can be signed in."""
    with pytest.raises(OAuthFailed) as raised:
        flow(folder, server.url, sign_in, **oauth)
    return raised.value


def test_nothing_is_wrong_with_the_setting(tmp_path: Path, setting: Setting) -> None:
    issuer, server = setting
    grant = flow(tmp_path, server.url, sign_in)
    assert issuer.access[grant.access].subject == "alice"
    assert issuer.access[grant.access].resource == server.url
    assert issuer.authorized[0].resource == server.url
    assert issuer.forms[0]["resource"] == server.url


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda metadata: metadata.update(issuer="https://login.example.com"), "issuer_mismatch"),
        (lambda metadata: metadata.pop("code_challenge_methods_supported"), "no_pkce"),
        (lambda metadata: metadata.update(code_challenge_methods_supported=["plain"]), "no_pkce"),
        (lambda metadata: metadata.update(authorization_endpoint="javascript:alert(1)"), "no_metadata"),
        (lambda metadata: metadata.update(token_endpoint="file:///etc/passwd"), "no_metadata"),
        (lambda metadata: metadata.pop("registration_endpoint"), "no_client"),
        (lambda metadata: metadata.update(registration_endpoint="http://169.254.169.254/latest"), "address_refused"),
        (lambda metadata: metadata.update(registration_endpoint="http://10.1.2.3/x"), "address_refused"),
        (lambda metadata: metadata.update(registration_endpoint="http://[fd00::1]/x"), "address_refused"),
        (lambda metadata: metadata.update(registration_endpoint="http://metadata.internal/x"), "address_refused"),
    ],
)
def test_metadata_of_the_issuer(tmp_path: Path, setting: Setting, change: Callable[[Any], None], code: str) -> None:
    issuer, server = setting
    issuer.change_metadata = change
    assert refused(tmp_path, server).code == code
    assert not issuer.authorized


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"resource": "https://evil.example/mcp"}, "resource_mismatch"),
        ({"authorization_servers": ["http://169.254.169.254"]}, "address_refused"),
        ({"authorization_servers": ["http://10.0.0.1"]}, "address_refused"),
        ({"authorization_servers": ["https://192.168.1.1:8443/x"]}, "address_refused"),
        ({"authorization_servers": ["http://[::ffff:10.0.0.1]/"]}, "address_refused"),
    ],
)
def test_metadata_of_the_server(tmp_path: Path, setting: Setting, document: dict[str, Any], code: str) -> None:
    issuer, server = setting
    given = {"resource": server.url, "authorization_servers": [issuer.url], **document}
    server.instead[PRM] = JSONResponse(given)
    assert refused(tmp_path, server).code == code
    assert not issuer.asked


@pytest.mark.parametrize(
    "address", ["http://169.254.169.254/x", "http://10.0.0.1/x", "https://metadata.internal/x", "file:///etc/passwd"]
)
def test_a_challenge_that_names_private_metadata_changes_nothing(
    tmp_path: Path, setting: Setting, address: str
) -> None:
    """The server's own metadata, at its well-known address, is read instead."""
    issuer, server = setting
    server.challenge = f'Bearer resource_metadata="{address}"'
    assert flow(tmp_path, server.url, sign_in).relation.issuer == f"{issuer.url}/"


def _huge(**more: Any) -> Response:
    return PlainTextResponse(json.dumps({"x": "y" * 10_000_000, **more}), media_type="application/json")


@pytest.mark.parametrize("path", [PRM, META])
@pytest.mark.parametrize(
    ("answer", "codes"),
    [
        (_huge(), ("address_refused", "no_metadata")),
        (RedirectResponse("http://169.254.169.254/", 302), ("no_metadata", "older")),
        (PlainTextResponse("[" * 100_000), ("no_metadata", "older")),
        (PlainTextResponse("\x00\xff", 200), ("no_metadata", "older")),
        (PlainTextResponse("", 503), ("failing",)),
        (PlainTextResponse("", 429), ("failing",)),
    ],
)
def test_documents_that_are_none(
    tmp_path: Path, setting: Setting, path: str, answer: Response, codes: tuple[str, ...]
) -> None:
    issuer, server = setting
    (server if path == PRM else issuer).instead[path] = answer
    if path == PRM and "older" in codes:  # as if it published nothing: then it is its own issuer, which it is not
        assert refused(tmp_path, server).code in ("failing", "not_registered", "no_metadata")
    else:
        assert refused(tmp_path, server).code in codes
    assert not issuer.authorized


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda answer: answer.update(iss="https://evil.example"), "other_issuer"),
        (lambda answer: answer.update(iss=""), "other_issuer"),
        (lambda answer: answer.update(code="other-" + answer["code"]), "token_refused"),
        (lambda answer: answer.update(state="other"), "state"),
        (lambda answer: answer.pop("state"), "state"),
        (lambda answer: answer.update(error="access_denied"), "denied"),
        (lambda answer: answer.update(error="access_denied", iss="https://evil.example"), "other_issuer"),
        (lambda answer: answer.pop("code"), "state"),
    ],
)
def test_answers_of_the_issuer(tmp_path: Path, setting: Setting, change: Callable[[Any], None], code: str) -> None:
    issuer, server = setting
    issuer.change_answer = change
    assert refused(tmp_path, server).code == code
    assert not issuer.access


def test_an_issuer_that_promises_its_name_must_give_it(tmp_path: Path, setting: Setting) -> None:
    issuer, server = setting
    issuer.change_metadata = lambda metadata: metadata.update(authorization_response_iss_parameter_supported=True)
    assert refused(tmp_path, server).code == "issuer_missing"
    issuer.change_answer = lambda answer: answer.update(iss=f"{issuer.url}/")
    assert flow(tmp_path, server.url, sign_in)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda tokens: tokens.update(token_type="DPoP"), "no_bearer"),
        (lambda tokens: tokens.update(access_token="a\r\nhost: evil"), "bad_tokens"),
        (lambda tokens: tokens.pop("access_token"), "bad_tokens"),
    ],
)
def test_tokens(tmp_path: Path, setting: Setting, change: Callable[[Any], None], code: str) -> None:
    issuer, server = setting
    issuer.change_tokens = change
    assert refused(tmp_path, server).code == code


def test_a_code_of_another_sign_in_is_worth_nothing(tmp_path: Path, setting: Setting) -> None:
    """An attacker's code in the victim's answer, and the victim's code in the attacker's: PKCE keeps both apart."""
    _, server = setting

    async def work(oauth: OAuth) -> None:
        alice, mallory = await to_issuer(oauth, "alice"), await to_issuer(oauth, "mallory")
        state = alice.split("state=")[1]
        code = mallory.split("code=")[1].split("&")[0]
        with pytest.raises(OAuthFailed, match="token_refused"):
            await oauth.signing_in.finish("wiki", f"code={code}&state={state}", "alice", "b")
        assert await oauth.store.find("wiki", "alice") is None

    flow(tmp_path, server.url, work)


def test_an_answer_is_worth_something_once_and_to_its_person_and_browser(tmp_path: Path, setting: Setting) -> None:
    _, server = setting

    async def work(oauth: OAuth) -> None:
        for person, browser in (("mallory", "b"), ("alice", "other"), ("alice", "")):
            answer = await to_issuer(oauth)
            with pytest.raises(OAuthFailed, match="other_person"):
                await oauth.signing_in.finish("wiki", answer, person, browser)
            with pytest.raises(OAuthFailed, match="state"):
                await oauth.signing_in.finish("wiki", answer, "alice", "b")
        answer = await to_issuer(oauth)
        await oauth.signing_in.finish("wiki", answer, "alice", "b")
        with pytest.raises(OAuthFailed, match="state"):
            await oauth.signing_in.finish("wiki", answer, "alice", "b")

    flow(tmp_path, server.url, work)


def test_a_secret_is_shown_to_the_first_issuer_alone(tmp_path: Path) -> None:
    with ExitStack() as stack:
        honest, thief = (stack.enter_context(issuing()) for _ in range(2))
        server = stack.enter_context(protected(honest))
        asked = {"redirect_uris": [OURS.redirect], "scope": "read write offline_access"}
        registered = httpx2.post(f"{honest.url}/register", json=asked, trust_env=False).json()
        client = {"client_id": registered["client_id"], "client_secret": registered["client_secret"]}
        assert flow(tmp_path, server.url, sign_in, **client)
        server.instead[PRM] = JSONResponse({"resource": server.url, "authorization_servers": [thief.url]})
        assert refused(tmp_path, server, **client).code == "issuer_changed"
        assert "/token" not in thief.asked
        assert refused(tmp_path, server, issuer=honest.url).code == "issuer_mismatch"


@pytest.mark.parametrize(
    ("server", "issuer", "hosts", "allowed"),
    [
        ("127.0.0.1", "127.0.0.2", (), True),
        ("localhost", "127.0.0.1", (), True),
        ("127.0.0.1", "10.0.0.1", (), False),
        ("127.0.0.1", "169.254.169.254", (), False),
        ("10.0.0.1", "10.0.0.1", (), True),
        ("10.0.0.1", "10.0.0.2", (), False),
        ("10.0.0.1", "127.0.0.1", (), False),
        ("10.0.0.1", "10.0.0.2", ("10.0.0.2",), True),
        ("1.1.1.1", "8.8.8.8", (), True),
        ("1.1.1.1", "127.0.0.1", (), False),
        ("1.1.1.1", "10.0.0.2", (), False),
        ("1.1.1.1", "10.0.0.2", ("10.0.0.2",), True),
        ("169.254.169.254", "169.254.169.254", (), True),
    ],
)
def test_which_addresses_may_be_asked(server: str, issuer: str, hosts: tuple[str, ...], allowed: bool) -> None:
    """Nothing is connected: the guard decides."""

    async def decided() -> bool:
        guard = await Fetcher(Server()).guard(f"https://{server}/mcp", hosts)
        try:
            await guard.destination(place_of(f"https://{issuer}/x"))
        except NotFetched:
            return False
        return True

    assert asyncio.run(decided()) is allowed


def test_a_public_address_is_asked_with_tls_alone() -> None:
    async def asked() -> None:
        fetcher = Fetcher(Server())
        await fetcher.get("http://1.1.1.1/x", await fetcher.guard("https://1.1.1.1/mcp", ()))

    with pytest.raises(OAuthFailed, match="address_refused"):
        asyncio.run(asked())
