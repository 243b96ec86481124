"""Codes and tokens of a provider: the good ones name a person, every other one is refused for its own reason."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.responses import JSONResponse, Response

from gateway.config.oidc import Oidc
from gateway.config.schema import Config
from gateway.db.engine import closed, open_database
from gateway.db.expiring import ExpiringStore
from gateway.errors import Overloaded
from gateway.identity.teams import Teams
from gateway.signin import flow
from gateway.signin.asking import LARGEST_BYTES
from gateway.signin.errors import Reason, SignInFailed
from gateway.signin.flow import SignedIn, begin, finish, query_of, sign_out_url
from gateway.signin.people import person_of
from gateway.signin.provider import Provider
from gateway.upstream.client import UpstreamClient
from tests.coding_tools.tools import refusing_proxy
from tests.fakes.openid import CURVE, EDWARDS, OTHER, SHARED, FakeOpenId
from tests.fakes.serving import free_port, serving

BACK = "https://ai.example.com/console/sign-in/oidc/callback"


@pytest.fixture
def fake() -> Iterator[FakeOpenId]:
    made = FakeOpenId()
    with serving(made) as address:
        made.issuer = address
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One database for all: states of another test are not known by anybody."""
    return tmp_path_factory.mktemp("states")


@pytest.fixture
async def make(fake: FakeOpenId, folder: Path) -> AsyncIterator["Make"]:
    engine, client = await open_database(Config.model_validate({"data_dir": folder})), UpstreamClient()
    store = ExpiringStore(engine, b"secret-of-the-tests")
    yield partial(Company, fake, store, client)
    await client.stop()
    await closed(engine)


Make = Callable[..., "Company"]


class Company:
    """A gateway that is registered at a provider."""

    def __init__(self, fake: FakeOpenId, store: ExpiringStore, client: UpstreamClient, **more: Any) -> None:
        self.fake, self.store = fake, store
        given = {"issuer": fake.issuer, "client_id": "sekisho", "client_secret": "s:+%/ä", "groups_claim": "groups"}
        self.oidc = Oidc.model_validate({**given, **more})
        self.provider, self.client = Provider(self.oidc.issuer, client), client

    async def begin(
        self, browser: str = "browser", next_: str = "/console/keys", address: str = "192.0.2.1"
    ) -> dict[str, str]:
        """Return the query with which the browser is sent to the provider."""
        url = await begin(
            self.provider,
            self.oidc,
            self.store,
            browser=browser,
            address=address,
            redirect_uri=BACK,
            next_=next_,
        )
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.fake.nonce = query["nonce"]
        return query

    async def finish(self, state: str, browser: str | None = "browser", **more: str) -> SignedIn:
        query = {"state": state, "code": "code", **more}
        return await finish(self.provider, self.oidc, self.store, browser=browser, query=query)

    async def whole(self) -> SignedIn:
        return await self.finish((await self.begin())["state"])

    async def refusal(self) -> str:
        with pytest.raises(SignInFailed) as error:
            await self.whole()
        return error.value.reason


async def test_a_person_comes_back(fake: FakeOpenId, make: Make) -> None:
    company = make()
    query = await company.begin()
    assert query["code_challenge_method"] == "S256"
    assert len(query["state"]) >= 43
    assert (query["redirect_uri"], query["response_type"]) == (BACK, "code")
    assert query["scope"] == "openid email profile"
    fake.claims = {"email": "Alice@Example.com", "name": "Alice 愛", "groups": ["research", "sales", 3], "locale": "ja"}
    done = await company.finish(query["state"], iss=fake.issuer)
    person = done.person
    assert (person.email, person.user_id, person.name) == ("alice@example.com", "oidc:u-1", "Alice 愛")
    assert (person.groups, person.language, person.source) == (("research", "sales"), "ja", "oidc")
    assert done.next == "/console/keys"
    [(_, headers, form)] = [each for each in fake.asked if each[0] == "/token"]
    assert base64.b64decode(headers["authorization"].partition(" ")[2]) == b"sekisho:s%3A%2B%25%2F%C3%A4"
    assert form["redirect_uri"] == BACK
    assert 43 <= len(form["code_verifier"]) <= 128
    assert "client_secret" not in form
    assert [path for path, _, _ in fake.asked].count("/jwks") == 1
    await company.whole()
    assert [path for path, _, _ in fake.asked].count("/jwks") == 1, "kept"


Wrong = Callable[[FakeOpenId], None]


def _claims(**claims: Any) -> Wrong:
    return lambda fake: fake.claims.update(claims)


def _set(**values: Any) -> Wrong:
    return lambda fake: fake.__dict__.update(values)


def _unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def _altered(token: str) -> str:
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    changed = base64.urlsafe_b64encode(json.dumps({**claims, "email": "ceo@example.com"}).encode()).rstrip(b"=")
    return f"{head}.{changed.decode()}.{signature}"


NOW = int(time.time())
WRONG: dict[str, tuple[Wrong, Reason]] = {
    "nonce": (_claims(nonce="another"), "token"),
    "no nonce": (_claims(nonce=None), "token"),
    "nonce in a list": (lambda fake: fake.claims.update(nonce=[fake.nonce]), "token"),
    "audience": (_claims(aud="another-client"), "token"),
    "no audience": (_claims(aud=None), "token"),
    "several audiences": (_claims(aud=["sekisho", "another"]), "token"),
    "authorized party": (_claims(azp="another"), "token"),
    "issuer": (_claims(iss="https://evil.example.com"), "token"),
    "issuer with a slash": (lambda fake: fake.claims.update(iss=f"{fake.issuer}/"), "token"),
    "no subject": (_claims(sub=None), "token"),
    "subject is a number": (_claims(sub=7), "token"),
    "expired": (_claims(exp=NOW - 3600, iat=NOW - 7200), "clock"),
    "expires at infinity": (_claims(exp=float("inf")), "token"),
    "expires never": (_claims(exp=None), "token"),
    "from the future": (_claims(iat=NOW + 3600, exp=NOW + 7200), "clock"),
    "not yet": (_claims(nbf=NOW + 3600), "clock"),
    "no issue time": (_claims(iat=None), "token"),
    "a key that is not the provider's": (_set(key=OTHER), "token"),
    "a key that is not known": (_set(key=OTHER, header={"alg": "RS256", "kid": "other"}), "token"),
    "no signature": (_set(token=_unsigned), "token"),
    "altered": (_set(token=_altered), "token"),
    "a shared secret": (_set(key=SHARED, header={"alg": "HS256"}), "token"),
    "a key of its own": (
        _set(key=OTHER, header={"alg": "RS256", "jwk": OTHER.as_dict(private=False)}),
        "token",
    ),
    "no token": (_set(token=lambda _: None), "token"),
    "a token that is none": (_set(token=lambda _: "a.b"), "token"),
    "a token without claims": (_set(token=lambda token: token.replace(".", ".W10.", 1).rpartition(".")[0]), "token"),
    "a long token": (_set(token=lambda token: token + "a" * 100_000), "token"),
    "wrong access token": (_claims(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), "token"),
    "no address": (_claims(email=None), "no_mail"),
    "no address, but two": (_claims(email="a@example.com, ceo@example.com"), "no_mail"),
    "an address with a line": (_claims(email="a@example.com\n"), "no_mail"),
    "not verified": (_claims(email_verified=False), "no_mail"),
    "verified is a word": (_claims(email_verified="yes"), "no_mail"),
    "another domain": (_claims(email="alice@example.com.evil.org"), "domain"),
    "down": (lambda fake: fake.answers.update({"/token": Response("x", 503)}), "unreachable"),
    "redirected": (lambda fake: fake.answers.update({"/token": Response("", 302, {"location": "/t"})}), "setup"),
    "wrong secret": (
        lambda fake: fake.answers.update({"/token": JSONResponse({"error": "invalid_client"}, 401)}),
        "setup",
    ),
    "used code": (lambda fake: fake.answers.update({"/token": JSONResponse({"error": "invalid_grant"}, 400)}), "state"),
    "an endless answer": (
        lambda fake: fake.answers.update({"/token": Response(b'"' + b"x" * LARGEST_BYTES * 2)}),
        "setup",
    ),
    "deep": (lambda fake: fake.answers.update({"/token": Response(b'{"a":' * 200_00)}), "setup"),
    "a list": (lambda fake: fake.answers.update({"/token": JSONResponse([])}), "setup"),
    "no keys": (_set(keys=[]), "token"),
    "odd keys": (
        _set(keys=[{"kty": "RSA"}, {"kty": "RSA", "n": "AQAB", "e": "x"}, {}, {"kty": "EC", "crv": 7}]),
        "token",
    ),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_does_not_fit_is_refused(fake: FakeOpenId, make: Make, name: str) -> None:
    company = make(email_domains=["example.com"])
    spoil, reason = WRONG[name]
    query = await company.begin()
    spoil(fake)
    with pytest.raises(SignInFailed) as error:
        await company.finish(query["state"])
    assert error.value.reason == reason, str(error.value)
    assert "s:+%" not in str(error.value)
    with pytest.raises(SignInFailed) as again:
        await company.finish(query["state"])
    assert again.value.reason == "state", "a state is used once, whatever came of it"


@pytest.mark.parametrize(
    ("state", "browser", "more"),
    [
        ("", "browser", {}),
        ("unknown", "browser", {}),
        ("x" * 5000, "browser", {}),
        ("\x00", "browser", {}),
        (None, "another", {}),
        (None, None, {}),
        (None, "ブラウザ", {}),
    ],
)
async def test_a_state_is_of_one_browser(
    fake: FakeOpenId, make: Make, state: str | None, browser: str | None, more: dict[str, str]
) -> None:
    company = make()
    query = await company.begin()
    with pytest.raises(SignInFailed) as error:
        await company.finish(query["state"] if state is None else state, browser, **more)
    assert error.value.reason == "state"
    assert not [each for each in fake.asked if each[0] == "/token"], "no code is given to anybody"


@pytest.mark.parametrize(
    ("query", "metadata", "reason"),
    [
        ({"iss": "https://evil.example.com"}, {}, "token"),
        ({}, {"authorization_response_iss_parameter_supported": True}, "token"),
        ({"code": "", "error": "access_denied"}, {}, "refused"),
        ({"code": "x" * 10_000}, {}, "refused"),
    ],
)
async def test_an_answer_of_another_provider_or_without_a_code(
    fake: FakeOpenId, make: Make, query: dict[str, str], metadata: dict[str, Any], reason: str
) -> None:
    fake.metadata = metadata
    company = make()
    state = (await company.begin())["state"]
    with pytest.raises(SignInFailed) as error:
        await company.finish(state, **query)
    assert error.value.reason == reason
    assert not [each for each in fake.asked if each[0] == "/token"]


async def test_a_way_that_was_begun_with_another_provider_ends(fake: FakeOpenId, make: Make) -> None:
    company = make()
    state = (await company.begin())["state"]
    company.oidc = company.oidc.model_copy(update={"client_id": "other"})
    with pytest.raises(SignInFailed) as error:
        await company.finish(state)
    assert error.value.reason == "state"


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"issuer": "https://evil.example.com"}, "setup"),
        ({"token_endpoint": "http://evil.example.com/token"}, "setup"),
        ({"jwks_uri": "file:///etc/passwd"}, "setup"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "setup"),
        ({"authorization_endpoint": "https://evil.example.com\r\nx: y"}, "setup"),
        ({"authorization_endpoint": "https://[evil"}, "setup"),
        ({"userinfo_endpoint": "https://user:pass@example.com/"}, "setup"),
        ({"token_endpoint": None}, "setup"),
        ({"id_token_signing_alg_values_supported": 3}, "setup"),
    ],
)
async def test_a_description_that_cannot_be_is_refused(
    fake: FakeOpenId, make: Make, metadata: dict[str, Any], reason: str
) -> None:
    fake.metadata = metadata
    assert await make().refusal() == reason
    fake.metadata = {}
    assert (await make().whole()).person.email


async def test_a_provider_that_is_away_is_said_so_and_asked_again(fake: FakeOpenId, make: Make) -> None:
    company = make()
    fake.answers["/.well-known/openid-configuration"] = Response("down", 502)
    assert await company.refusal() == "unreachable"
    fake.answers.clear()
    await company.whole()
    away = make(issuer=f"http://127.0.0.1:{free_port()}")
    assert await away.refusal() == "unreachable"
    missing = make(issuer=f"{fake.issuer}/realms/none")
    fake.answers["/realms/none/.well-known/openid-configuration"] = Response("", 404)
    assert await missing.refusal() == "setup"


async def test_all_who_wait_for_a_provider_that_is_away_learn_of_it_together(fake: FakeOpenId, make: Make) -> None:
    company, path = make(), "/.well-known/openid-configuration"
    fake.answers[path] = Response("down", 502)
    told = await asyncio.gather(*(company.refusal() for _ in range(20)))
    assert set(told) == {"unreachable"}
    assert [asked for asked, *_ in fake.asked] == [path]
    fake.answers.clear()
    await company.whole()


@pytest.mark.parametrize("sub", [None, 5, "", " ", "a\nb", "\u202ea", "a" * 257])
def test_a_person_without_a_name_of_their_own_is_nobody(sub: Any) -> None:
    oidc = Oidc.model_validate({"issuer": "https://login.example.com", "client_id": "sekisho"})
    claims = {"sub": sub, "email": "alice@example.com", "email_verified": True}
    with pytest.raises(SignInFailed) as caught:
        person_of(claims, oidc)
    assert caught.value.reason == "token"


async def test_an_old_description_and_old_keys_serve_while_new_ones_cannot_be_had(fake: FakeOpenId, make: Make) -> None:
    company, now = make(), [0.0]
    company.provider = Provider(fake.issuer, company.client, lambda: now[0])
    await company.whole()
    fake.answers |= {path: Response("down", 502) for path in ("/.well-known/openid-configuration", "/jwks")}
    now[0] = 100_000
    assert (await company.whole()).person.email


async def test_a_new_key_is_fetched_and_not_too_often(fake: FakeOpenId, make: Make) -> None:
    company, now = make(), [0.0]
    company.provider = Provider(fake.issuer, company.client, lambda: now[0])
    await company.whole()
    fake.keys, fake.key, fake.header = [OTHER], OTHER, {"alg": "RS256", "kid": "other"}
    assert await company.refusal() == "token", "asked a moment ago"
    now[0] = 60
    assert (await company.whole()).person.email
    fake.header = {"alg": "RS256", "kid": "third"}
    for _ in range(5):
        assert await company.refusal() == "token"
    assert [path for path, _, _ in fake.asked].count("/jwks") == 2


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ({"alg": "ES256", "kid": "curve"}, CURVE),
        ({"alg": "ES256"}, CURVE),
        ({"alg": "Ed25519", "kid": "edwards"}, EDWARDS),
    ],
)
async def test_other_signatures(fake: FakeOpenId, make: Make, header: dict[str, Any], key: Any) -> None:
    fake.header, fake.key = header, key
    assert (await make().whole()).person.email == "alice@example.com"


async def test_what_the_token_leaves_out_stands_in_the_user_info(fake: FakeOpenId, make: Make) -> None:
    fake.claims = {"email": None, "email_verified": None}
    fake.user_info = {"sub": "u-1", "email": "alice@example.com", "email_verified": True, "groups": ["research"]}
    done = await make().whole()
    assert (done.person.email, done.person.groups) == ("alice@example.com", ("research",))
    assert fake.asked[-1][1]["authorization"] == "Bearer access"
    fake.user_info["sub"] = "u-2"
    assert await make().refusal() == "token"
    fake.answers["/me"] = JSONResponse({}, 401)
    assert await make().refusal() == "no_mail"


async def test_an_address_that_administrators_alone_set(fake: FakeOpenId, make: Make) -> None:
    fake.claims = {"email": None, "email_verified": None, "preferred_username": "alice@example.com"}
    trusted = {"email_claim": "preferred_username", "email_verified": "trusted", "email_domains": ["Example.com"]}
    assert (await make(**trusted).whole()).person.email == "alice@example.com"
    assert await make(email_claim="preferred_username").refusal() == "no_mail"
    fake.claims["preferred_username"] = "live.com#alice@outlook.com"
    assert await make(**trusted).refusal() == "domain"


@pytest.mark.parametrize(
    "methods", [["client_secret_post"], ["private_key_jwt", "client_secret_post"], ["client_secret_basic"], None]
)
async def test_how_the_client_shows_itself(fake: FakeOpenId, make: Make, methods: list[str] | None) -> None:
    fake.metadata = {"token_endpoint_auth_methods_supported": methods} if methods else {}
    await make(client_secret=None if methods is None else "secret").whole()
    [(_, headers, form)] = [each for each in fake.asked if each[0] == "/token"]
    assert ("authorization" in headers) == (methods == ["client_secret_basic"])
    assert form.get("client_secret") == ("secret" if methods and "client_secret_post" in methods else None)
    assert (form.get("client_id") == "sekisho") == (methods != ["client_secret_basic"])


async def test_signing_out_there(fake: FakeOpenId, make: Make) -> None:
    company = make()
    metadata = await company.provider.metadata()
    url = sign_out_url(metadata, company.oidc, "a.b.c", "https://ai.example.com/console/sign-in")
    assert url
    assert url.startswith(f"{fake.issuer}/end?tenant=1&client_id=sekisho&post_logout_redirect_uri=https%3A%2F%2Fai.")
    assert "id_token_hint=a.b.c" in url
    fake.metadata = {"end_session_endpoint": None}
    other = make()
    assert sign_out_url(await other.provider.metadata(), other.oidc, None, "https://ai.example.com") is None


async def test_the_way_leads_through_the_companys_proxy() -> None:
    with refusing_proxy() as (proxy, refused):
        client = UpstreamClient(outbound_proxy=proxy)
        with pytest.raises(SignInFailed) as error:
            await Provider("https://login.example.com", client).metadata()
        assert error.value.reason == "unreachable"
        assert refused == ["CONNECT login.example.com:443 HTTP/1.1"]
        await client.stop()


async def test_ways_to_the_provider_are_bounded(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    company = make()
    await company.store.delete_of("oidc_open", "all addresses")
    monkeypatch.setattr(flow, "_MOST_OF_AN_ADDRESS", 2)
    monkeypatch.setattr(flow, "MOST_OPEN", 3)
    states, refused = [], []
    for address in ("198.51.100.1", "198.51.100.1", "198.51.100.1", "198.51.100.2", "198.51.100.3"):
        try:
            states.append((await company.begin(address=address))["state"])
        except Overloaded:
            refused.append(address)
    assert refused == ["198.51.100.1", "198.51.100.3"], "one over their own bound, one over that of all"
    with pytest.raises(SignInFailed):
        await company.finish(states[0], code="")
    await company.begin(address="198.51.100.3")  # whoever came back made room


@pytest.mark.parametrize(
    ("more", "groups"),
    [
        ({"_claim_names": {"g": "src1"}}, None),
        ({"_claim_names": {"g": "src1"}, "g": ["Research"]}, ("Research",)),
        ({"_claim_names": {"address": "src1"}}, ()),
        ({"_claim_names": ["g"]}, ()),
        ({}, ()),
    ],
)
def test_groups_that_the_provider_keeps_elsewhere_let_nobody_in(more: Any, groups: tuple[str, ...] | None) -> None:
    oidc = Oidc(issuer="https://login.example.com", client_id="sekisho", groups_claim="g")
    claims = {"sub": "u", "email": "a@example.com", "email_verified": True, **more}
    if groups is None:
        with pytest.raises(SignInFailed, match="more groups"):
            person_of(claims, oidc)
    else:
        assert person_of(claims, oidc).groups == groups


def test_groups_of_the_provider_are_teams() -> None:
    config = Config.model_validate({"open_webui": {"teams": "groups"}})
    person = person_of(
        {"sub": "u", "email": "a@example.com", "email_verified": True, "g": ["Research"]},
        Oidc(issuer="https://login.example.com", client_id="sekisho", groups_claim="g"),
    )
    assert [team.name for team in Teams(config).of_person(person)] == ["Research"]


def test_a_parameter_that_is_given_twice_is_not_taken() -> None:
    assert query_of("state=a&state=b&code=c&iss=") == {"code": "c", "iss": ""}


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://login.example.com"},
        {"issuer": "https://login.example.com?x=1"},
        {"issuer": "https://user@login.example.com"},
        {"issuer": "login.example.com"},
        {"scopes": ["email"]},
        {"scopes": ["openid email"]},
        {"email_verified": "trusted"},
        {"email_verified": "no"},
        {"email_domains": ["*"]},
        {"issuer": "https://accounts.google.com"},
        {"issuer": "https://ACCOUNTS.google.com:443"},
        {"client_id": ""},
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, Any]) -> None:
    good = {"issuer": "https://login.example.com/realms/company", "client_id": "sekisho"}
    Oidc.model_validate(good)
    with pytest.raises(ValueError):  # noqa: PT011  # the message is pydantic's
        Oidc.model_validate({**good, **wrong})
