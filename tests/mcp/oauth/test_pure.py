"""What servers and issuers say, taken apart: challenges, metadata, tokens, answers of browsers."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.mcp.oauth import words
from gateway.mcp.oauth.challenge import Challenge, challenge_of, scopes_of
from gateway.mcp.oauth.clients import Client, Ours, _registered, by_document, document_of, metadata_of
from gateway.mcp.oauth.endpoint import Tokens, authenticated, tokens_of
from gateway.mcp.oauth.failures import OAuthFailed
from gateway.mcp.oauth.metadata import Issuer, Resource, canonical, is_address, issuer_of, resource_of
from gateway.mcp.oauth.people import is_for, mark_of
from gateway.mcp.oauth.records import Grant, Pending, Relation
from gateway.mcp.oauth.signing_in import _address, _answer, _check_issuer, _code

SERVER = "https://wiki.example.com/mcp"
ISSUER = "https://login.example.com/tenant"
META = "https://wiki.example.com/.well-known/oauth-protected-resource/mcp"
DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "code_challenge_methods_supported": ["plain", "S256"],
}


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (f'Bearer resource_metadata="{META}"', Challenge(META)),
        (f'bearer RESOURCE_METADATA="{META}" , scope="a b a"', Challenge(META, ("a", "b"))),
        (f'Basic realm="x", Bearer realm="y", resource_metadata="{META}"', Challenge(META)),
        (f'Bearer realm="a", Bearer resource_metadata="{META}"', Challenge(META)),
        (f'Bearer realm="resource_metadata=\\"https://evil.example\\"", resource_metadata="{META}"', Challenge(META)),
        (f'Bearer realm=", scope=evil", scope="good", resource_metadata={META}', Challenge(META, ("good",))),
        (
            'Bearer error="insufficient_scope", scope="pages:write"',
            Challenge("", ("pages:write",), "insufficient_scope"),
        ),
        ("Bearer", Challenge()),
        ("", Challenge()),
        ('Negotiate abc==, Basic realm="x"', Challenge()),
        (f'DPoP resource_metadata="{META}"', Challenge()),
        ('Bearer scope="a', Challenge()),
        ('Bearer scope="a"b"c"', Challenge("", ("a",))),
        ("Bearer " + "x=1, " * 10_000, Challenge()),
        ('Bearer scope="\x00 ü good"', Challenge("", ("good",))),
        ("=,=,;\x7f\xff Bearer", Challenge()),
    ],
)
def test_challenges(header: str, found: Challenge) -> None:
    assert challenge_of(header) == found


def test_scopes_are_bounded() -> None:
    assert len(scopes_of(" ".join(f"s{number}" for number in range(5000)))) == 100
    assert scopes_of("ok " + "x" * 201) == ("ok",)
    assert scopes_of(None) == scopes_of(5) == scopes_of("") == ()


@pytest.mark.parametrize("resource", [SERVER, "https://wiki.example.com", "https://wiki.example.com/", f"{SERVER}/"])
def test_metadata_of_the_server(resource: str) -> None:
    found = resource_of({"resource": resource, "authorization_servers": [ISSUER], "scopes_supported": ["a", 5]}, SERVER)
    assert found == Resource(resource, (ISSUER,), ("a",))


@pytest.mark.parametrize(
    "resource", ["https://evil.example/mcp", "https://wiki.example.com/mcp2", "http://wiki.example.com/mcp"]
)
def test_metadata_of_another_server(resource: str) -> None:
    with pytest.raises(OAuthFailed, match="resource_mismatch"):
        resource_of({"resource": resource, "authorization_servers": [ISSUER]}, SERVER)


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"resource": SERVER},
        {"resource": SERVER, "authorization_servers": []},
        {"resource": SERVER, "authorization_servers": "https://login.example.com"},
        {"resource": SERVER, "authorization_servers": [None, 3, "javascript:alert(1)", "file:///etc/passwd"]},
        {"resource": [SERVER], "authorization_servers": [ISSUER]},
    ],
)
def test_metadata_that_is_none(found: dict[str, Any]) -> None:
    assert resource_of(found, SERVER) is None


def test_metadata_of_an_issuer() -> None:
    found = issuer_of({**DOCUMENT, "scopes_supported": ["a", None]}, ISSUER, signs_in=True)
    assert found == Issuer(ISSUER, f"{ISSUER}/authorize", f"{ISSUER}/token", scopes=("a",), has_s256=True)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"issuer": "https://login.example.com"}, "issuer_mismatch"),
        ({"issuer": "https://login.example.com/TENANT"}, "issuer_mismatch"),
        ({"issuer": f"{ISSUER}/"}, "issuer_mismatch"),
        ({"code_challenge_methods_supported": ["plain"]}, "no_pkce"),
        ({"code_challenge_methods_supported": None}, "no_pkce"),
        ({"code_challenge_methods_supported": "S256"}, "no_pkce"),
    ],
)
def test_issuers_that_are_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(OAuthFailed, match=code):
        issuer_of({**DOCUMENT, **change}, ISSUER, signs_in=True)


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
@pytest.mark.parametrize(
    "address",
    [
        *("javascript:alert(1)", "data:text/html,x", "http://login.example.com/x", "https://u:p@h.example/", "//h/x"),
        *(
            "https://h.example/x#y",
            "https://h.example:0/",
            "https://[::1",
            "https://h.example/ü",
            "https://h.example/ b",
        ),
        *("", 5),
    ],
)
def test_endpoints_that_are_none(name: str, address: Any) -> None:
    assert issuer_of({**DOCUMENT, name: address}, ISSUER, signs_in=True) is None


def test_an_endpoint_without_tls_belongs_to_an_issuer_without() -> None:
    local = {name: str(value).replace("https:", "http:") for name, value in DOCUMENT.items()}
    local["code_challenge_methods_supported"] = ["S256"]  # type: ignore[assignment]
    assert issuer_of(local, ISSUER.replace("https:", "http:"), signs_in=True)


@pytest.mark.parametrize(
    ("url", "named"),
    [("HTTPS://Wiki.Example.com/mcp", SERVER), (f"{SERVER}#x", SERVER), (f"{SERVER}?a=1", f"{SERVER}?a=1")],
)
def test_the_name_of_a_resource(url: str, named: str) -> None:
    assert canonical(url) == named
    assert is_address(named)


def test_tokens() -> None:
    given = {"access_token": "abc", "token_type": "bEaReR", "expires_in": "60", "refresh_token": "r", "scope": "a b"}
    assert tokens_of(given) == Tokens("abc", "r", 60, ("a", "b"))
    assert tokens_of({"access_token": "abc", "token_type": "Bearer"}) == Tokens("abc", None, None, None)


@pytest.mark.parametrize(
    ("expires", "lifetime"),
    [(0, 0), (-1, None), ("soon", None), (True, None), (1e400, None), (10**40, 366 * 86_400), (59.9, 59), ("٣", None)],
)
def test_lifetimes(expires: Any, lifetime: int | None) -> None:
    assert tokens_of({"access_token": "a", "token_type": "Bearer", "expires_in": expires}).lifetime == lifetime


@pytest.mark.parametrize("access", ["", "a b", "a\r\nx-evil: 1", "ü", None, 5, "a" * 70_000, ["a"]])
def test_tokens_that_no_header_takes(access: Any) -> None:
    with pytest.raises(OAuthFailed, match="bad_tokens"):
        tokens_of({"access_token": access, "token_type": "Bearer"})


@pytest.mark.parametrize("kind", ["DPoP", "mac", None, "", ["Bearer"]])
def test_tokens_of_another_kind(kind: Any) -> None:
    with pytest.raises(OAuthFailed, match="no_bearer"):
        tokens_of({"access_token": "a", "token_type": kind})


def test_a_client_shows_itself() -> None:
    form, headers = authenticated(Client("a:b", "s%", "client_secret_basic"), {"x": "1"})
    assert (form, headers) == ({"x": "1", "client_id": "a:b"}, {"authorization": "Basic YSUzQWI6cyUyNQ=="})
    assert authenticated(Client("c", "s", "client_secret_post"), {})[0] == {"client_id": "c", "client_secret": "s"}
    assert authenticated(Client("c"), {}) == ({"client_id": "c"}, {})


def test_the_document_of_the_client() -> None:
    ours = Ours(
        "https://ai.example.com/mcp-sign-in/wiki/callback", "https://ai.example.com/mcp-sign-in/wiki/client.json"
    )
    document = document_of(ours)
    assert document["client_id"] == ours.document
    assert document["redirect_uris"] == [ours.redirect]
    assert document["token_endpoint_auth_method"] == "none"
    assert document["application_type"] == "web"
    assert metadata_of(Ours("http://127.0.0.1:1/x"), "none")["application_type"] == "native"
    issuer = Issuer(ISSUER, "", "", takes_documents=True)
    assert by_document(issuer, ours) == Client(ours.document)
    assert by_document(issuer, Ours(ours.redirect)) is None
    assert by_document(Issuer(ISSUER, "", ""), ours) is None


@pytest.mark.parametrize(
    ("answer", "client"),
    [
        (b'{"client_id":"c"}', Client("c")),
        (b'{"client_id":"c","client_secret":"s"}', Client("c", "s", "client_secret_basic")),
        (b'{"client_id":"c","client_secret":"s","token_endpoint_auth_method":"none"}', Client("c")),
        (
            b'{"client_id":"c","client_secret":"s","token_endpoint_auth_method":"client_secret_post"}',
            Client("c", "s", "client_secret_post"),
        ),
    ],
)
def test_registrations(answer: bytes, client: Client) -> None:
    assert _registered(answer, Issuer(ISSUER, "", ""))[0] == client


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"{}",
        b'{"client_id":""}',
        b'{"client_id":"a\\nb"}',
        b'{"client_id":5}',
        b'{"client_id":"c","token_endpoint_auth_method":"private_key_jwt"}',
        b'{"client_id":"c","token_endpoint_auth_method":"client_secret_basic"}',
        b'{"client_id":"' + b"c" * 5000 + b'"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_registrations_that_cannot_be_used(answer: bytes) -> None:
    with pytest.raises(OAuthFailed, match="bad_registration"):
        _registered(answer, Issuer(ISSUER, "", ""))


def pending(**more: Any) -> Pending:
    relation = Relation("wiki", ISSUER, SERVER, Client("c"), f"{ISSUER}/token")
    given = {"sends_issuer": False, "verifier": "v" * 64, "redirect": "https://ai.example.com/cb", "scopes": ("a", "b")}
    return Pending(**{"person": "alice", "browser": "x", "relation": relation, **given, **more})


def test_the_address_of_an_authorization_request() -> None:
    url = _address(f"{ISSUER}/authorize?tenant=a&state=theirs&client_id=evil", pending(), "st&te")
    asked = parse_qs(urlsplit(url).query)
    assert asked["tenant"] == ["a"]
    assert asked["state"] == ["st&te"]
    assert asked["client_id"] == ["c"]
    assert asked["resource"] == [SERVER]
    assert asked["scope"] == ["a b"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["code_challenge"] != ["v" * 64]
    assert len(asked["code_challenge"][0]) == 43


@pytest.mark.parametrize("query", ["state=a&state=b", "code=a&code=b&state=x", "&".join(f"x{n}=1" for n in range(99))])
def test_answers_that_say_things_twice(query: str) -> None:
    with pytest.raises(OAuthFailed, match="state"):
        _answer(query)


@pytest.mark.parametrize(
    ("sends", "said", "code"),
    [
        (False, None, None),
        (False, ISSUER, None),
        (True, ISSUER, None),
        (True, None, "issuer_missing"),
        (False, "https://evil.example", "other_issuer"),
        (True, f"{ISSUER}/", "other_issuer"),
        (True, ISSUER.upper(), "other_issuer"),
        (False, "", "other_issuer"),
    ],
)
def test_who_answers(sends: bool, said: str | None, code: str | None) -> None:
    if code is None:
        _check_issuer(pending(sends_issuer=sends), said)
        return
    with pytest.raises(OAuthFailed, match=code):
        _check_issuer(pending(sends_issuer=sends), said)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"error": "access_denied"}, "denied"),
        ({"error": "<script>"}, "issuer_refuses"),
        ({"error": "", "code": "c"}, "issuer_refuses"),
        ({}, "state"),
        ({"code": ""}, "state"),
        ({"code": "c" * 9000}, "state"),
    ],
)
def test_answers_without_a_code(answer: dict[str, str], code: str) -> None:
    with pytest.raises(OAuthFailed, match=code):
        _code(answer)


def test_a_link_names_its_person_to_nobody_else() -> None:
    secret = b"s" * 32
    mark = mark_of(secret, "wiki", "alice@example.com")
    assert "alice" not in mark
    assert is_for(mark, secret, "wiki", "alice@example.com")
    assert not is_for(mark, secret, "wiki", "bob@example.com")
    assert not is_for(mark, secret, "git", "alice@example.com")
    assert not any(
        is_for(other, secret, "wiki", "alice@example.com") for other in ("", mark[:-1], mark + "0", "\ud800", "ü")
    )


@pytest.mark.parametrize(
    ("lifetime", "ago", "due", "valid"),
    [
        *((3600, 0, False, True), (3600, 3290, False, True), (3600, 3310, True, True), (3600, 3700, True, False)),
        *((60, 40, False, True), (60, 50, True, True), (None, 10**6, False, True), (0, 0, True, False)),
    ],
)
def test_when_a_token_is_refreshed(
    monkeypatch: pytest.MonkeyPatch, lifetime: int | None, ago: float, due: bool, valid: bool
) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    grant = Grant.of("g", pending().relation, Tokens("a", "r", lifetime, None), ("x",))
    monkeypatch.setattr("time.time", lambda: now + ago)
    assert (grant.is_due, grant.is_valid) == (due, valid)


def test_every_failure_has_words_in_both_languages() -> None:
    values = dict.fromkeys(("server", "host", "status", "issuer", "expected", "resource", "error"), "x")
    for code in words.FAILURES:
        english, japanese = (words.told(OAuthFailed(code, **values), language) for language in ("en", "ja"))
        assert english.isascii()
        assert any(ord(each) > 0x3000 for each in japanese)
        assert not english.endswith(" ")
