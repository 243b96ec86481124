"""Signing in to the console with a certified provider, and with one that lies; signing out at both."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from playwright.sync_api import sync_playwright

from gateway.config.schema import Config
from gateway.console.oidc_pages import SIGN_OUT, START
from gateway.identity.person import Person
from gateway.sessions.session import role_of
from tests.console.person import Browser
from tests.console.test_browser import CHROMIUM, SILENT
from tests.fakes.openid import FakeOpenId
from tests.fakes.serving import free_port, serving
from tests.fixtures.gateway import ADMIN_KEY, ENVIRONMENT, in_process
from tests.signin.certified import AtProvider, certified, path_of

PEOPLE = {
    "alice": {"email": "alice@example.com", "email_verified": True, "name": "Alice 愛", "groups": ["research"]},
    "boss": {"email": "Boss@Example.com", "email_verified": True},
    "mallory": {"email": "boss@example.com", "email_verified": False},
    "stranger": {"email": "alice@evil.example", "email_verified": True},
}
SECRET = "se:c/r+e%t"
SESSION, OIDC = "sekisho-session", "sekisho-oidc"
Enter = Callable[..., httpx2.Response]


@contextmanager
def _gateway(folder: Any, port: int, issuer: str, **oidc: Any) -> Iterator[str]:
    settings = {
        "issuer": issuer,
        "client_id": "sekisho",
        "client_secret": SECRET,
        "name": "Example & Sons",
        "email_domains": ["example.com"],
        "groups_claim": "groups",
        **oidc,
    }
    config = {
        "admin_key": "${ADMIN_KEY}",
        "server": {"public_url": f"http://127.0.0.1:{port}"},
        "console": {"administrators": ["boss@example.com"], "oidc": settings},
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with in_process(folder, config, port=port) as served:
            assert served.url == f"http://127.0.0.1:{port}"
            yield served.url


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    client = {
        "client_id": "sekisho",
        "client_secret": SECRET,
        "redirect_uris": [f"http://127.0.0.1:{port}/console/sign-in/oidc/callback"],
        "post_logout_redirect_uris": [f"http://127.0.0.1:{port}/console/sign-in"],
    }
    with (
        certified(client, PEOPLE, thin=True) as issuer,
        _gateway(tmp_path_factory.mktemp("company"), port, issuer) as url,
    ):
        yield url


def _begin(browser: Browser, next_: str = "/console") -> str:
    page = browser.http.get("/console/sign-in", params={"next": next_})
    assert page.text.count("Example &amp; Sons") == 1
    link = page.text.partition('class="button" href="')[2].partition('"')[0].replace("&amp;", "&")
    away = browser.get(link)
    assert away.status_code == 303, away.text
    return str(away.headers["location"])


def _signed_in(url: str, login: str, next_: str = "/console") -> tuple[Browser, AtProvider, httpx2.Response]:
    browser, provider = Browser(url), AtProvider()
    back = provider.sign_in(_begin(browser, next_), login, url)
    return browser, provider, browser.get(path_of(back, browser))


def test_a_person_signs_in_and_out_at_both(company: str) -> None:
    browser, provider, entered = _signed_in(company, "alice", "/console?lang=ja")
    assert entered.headers["location"] == "/console?lang=ja"
    home = browser.follow(entered)
    assert "Alice 愛" in home.text
    cookies = [value for name, value in entered.headers.multi_items() if name == "set-cookie"]
    assert len(cookies) == 2
    assert all("HttpOnly" in each and "SameSite=lax" in each for each in cookies)

    out = browser.submit(home, "/console/sign-out")
    page = browser.follow(out)
    assert SESSION not in browser.http.cookies
    assert "Example &amp; Sons" in page.text
    away = browser.get("/console/sign-out/oidc")
    url = away.headers["location"]
    assert "id_token_hint=" in url
    assert OIDC not in browser.http.cookies
    answer = provider.http.get(url)
    assert "logout" in answer.text.lower()
    fields = {"xsrf": answer.text.partition('name="xsrf" value="')[2].partition('"')[0], "logout": "yes"}
    action = answer.text.partition('action="')[2].partition('"')[0]
    ended = provider.http.post(action, data=fields)
    assert ended.headers["location"].partition("?")[0] == f"{company}/console/sign-in"
    asked = provider.http.get(_begin(browser))
    while asked.is_redirect:
        asked = provider.http.get(str(asked.next_request.url if asked.next_request else ""))
    assert 'name="login"' in asked.text, "the session there has ended, too"


def test_the_cookie_opens_no_api(company: str) -> None:
    browser, _, _ = _signed_in(company, "boss")
    assert browser.get("/console").status_code == 200
    assert browser.get("/admin/keys").status_code == 401
    assert browser.get("/v1/me").status_code == 401


def test_roles_follow_the_address() -> None:
    config = Config.model_validate({"console": {"administrators": ["Boss@example.com"]}})
    for mail, role in (("boss@example.com", "administrator"), ("alice@example.com", "person")):
        assert role_of(Person(email=mail, role="admin", source="oidc"), "oidc", config) == role


@pytest.mark.parametrize(("login", "reason"), [("mallory", "no_mail"), ("stranger", "domain")])
def test_who_is_not_of_the_company_stays_out(company: str, login: str, reason: str) -> None:
    browser, _, entered = _signed_in(company, login)
    assert entered.headers["location"].startswith(f"/console/sign-in?oidc={reason}")
    assert SESSION not in browser.http.cookies
    page = browser.follow(entered)
    assert 'role="alert"' in page.text
    assert "127.0.0.1" not in page.text.partition("<main")[2]


def test_a_way_back_is_of_one_browser_and_used_once(company: str) -> None:
    victim, attacker, provider = Browser(company), Browser(company), AtProvider()
    back = path_of(provider.sign_in(_begin(attacker), "alice", company), attacker)
    assert "oidc=state" in victim.get(back).headers["location"], "without a cookie"
    _begin(victim)
    assert "oidc=state" in victim.get(back).headers["location"], "nobody is signed in as the attacker"
    assert SESSION not in victim.http.cookies
    assert "oidc=state" in attacker.get(back).headers["location"], "it was used"
    entered, _, _ = _signed_in(company, "alice")
    assert entered.get(back).headers["location"].startswith("/console/sign-in?oidc=state")
    again = path_of(AtProvider().sign_in(_begin(attacker), "boss", company), attacker)
    assert "oidc=token" in attacker.get(f"{again}&iss=x").headers["location"], "said twice, so not said"


def test_a_refusal_of_the_provider_is_told(company: str) -> None:
    browser, provider = Browser(company), AtProvider()
    page = provider.http.get(_begin(browser), follow_redirects=True)
    abort = page.text.partition('<a href="')[2].partition('"')[0]
    answer = provider.http.get(abort)
    while not str(answer.headers.get("location", "")).startswith(company):
        answer = provider.http.get(str(answer.next_request.url if answer.next_request else ""))
    refused = browser.get(path_of(answer.headers["location"], browser))
    assert "oidc=refused" in refused.headers["location"]


@pytest.mark.parametrize(("locale", "width"), [("en-US", 1280), ("ja-JP", 390)])
def test_a_real_browser_goes_the_whole_way(company: str, locale: str, width: int) -> None:
    """Policies, cookies and redirects are those that Chromium takes; what it says of our pages is nothing."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is missing: run `apt-get install chromium` as root")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=SILENT)
        page = chromium.new_page(locale=locale, viewport={"width": width, "height": 844})
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text) if company in message.location["url"] else None)
        page.goto(f"{company}/console/account")
        page.click(f"a.button[href^='{START}']")
        page.fill("input[name=login]", "alice")
        page.fill("input[name=password]", "x")
        page.click("button[type=submit]")
        page.wait_for_selector("input[name=prompt][value=consent]", state="attached")
        page.click("button[type=submit]")
        page.wait_for_url(f"{company}/console/account")
        assert "Alice 愛" in page.inner_text("header")
        page.click("form.who button")
        page.click(f"a[href='{SIGN_OUT}']")
        page.click("button[name=logout]")
        page.wait_for_url(f"{company}/console/sign-in*")
        assert not {each["name"] for each in page.context.cookies()} & {SESSION, OIDC}
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        chromium.close()
    assert not [text for text in said if "Security" in text or "refused" in text.lower()]


@pytest.mark.parametrize("next_", ["https://evil.example", "//evil.example", "/console/../x", "/v1/me", "javascript:x"])
def test_no_other_site_is_led_to(company: str, next_: str) -> None:
    _, _, entered = _signed_in(company, "alice", next_)
    assert entered.headers["location"] == "/console"


def test_another_site_signs_nobody_out(company: str) -> None:
    browser, _, _ = _signed_in(company, "alice")
    answer = browser.get("/console/sign-out/oidc", **{"sec-fetch-site": "cross-site"})
    assert answer.headers["location"] == "/console/sign-in"
    assert browser.get("/console").status_code == 200


def test_a_new_session_replaces_the_old_one(company: str) -> None:
    browser, provider, _ = _signed_in(company, "alice")
    first = browser.http.cookies[SESSION]
    back = provider.sign_in(browser.get("/console/sign-in/oidc").headers["location"], "alice", company)
    browser.get(path_of(back, browser))
    second = browser.http.cookies[SESSION]
    assert second != first
    other = Browser(company)
    other.http.cookies.set(SESSION, first)
    assert other.get("/console").status_code == 303, "the old one has ended"


@pytest.fixture(scope="module")
def lying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeOpenId, str]]:
    fake = FakeOpenId()
    with serving(fake) as fake.issuer, _gateway(tmp_path_factory.mktemp("lying"), free_port(), fake.issuer) as url:
        yield fake, url


def test_no_cookie_but_ours_is_kept(lying: tuple[FakeOpenId, str]) -> None:
    browser = Browser(lying[1])
    first = browser.get("/console/sign-in/oidc", cookie=f"{OIDC}={'x' * 65}")
    assert "x" * 65 not in first.headers["set-cookie"]


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(
    ("claims", "reason"),
    [({"nonce": "x"}, "token"), ({"aud": "x"}, "token"), ({"exp": 1, "iat": 1}, "clock"), ({"iss": "x"}, "token")],
)
def test_a_lie_is_a_page_with_a_remedy(
    lying: tuple[FakeOpenId, str], claims: dict[str, Any], reason: str, language: str
) -> None:
    fake, url = lying
    browser = Browser(url, **{"accept-language": language})
    sent = parse_qs(urlsplit(browser.get("/console/sign-in/oidc").headers["location"]).query)
    fake.nonce, fake.claims = sent["nonce"][0], claims
    answer = browser.get(f"/console/sign-in/oidc/callback?code=abc&state={sent['state'][0]}")
    assert answer.headers["location"].startswith(f"/console/sign-in?oidc={reason}")
    page = browser.follow(answer)
    assert 'role="alert"' in page.text
    assert ("もう一度" if language == "ja" else "begin again") in page.text
    for secret in (fake.issuer, "nonce", "abc", SECRET):
        assert secret not in page.text
    assert SESSION not in browser.http.cookies


def test_a_provider_that_is_down_leaves_other_ways_open(tmp_path: Any) -> None:
    with _gateway(tmp_path, free_port(), f"http://127.0.0.1:{free_port()}") as url:
        browser = Browser(url)
        answer = browser.get("/console/sign-in/oidc?next=%2Fconsole%3Fa%3D1")
        assert answer.headers["location"] == "/console/sign-in?oidc=unreachable&next=%2Fconsole%3Fa%3D1"
        page = browser.follow(answer)
        assert "does not answer at the moment" in page.text
        assert browser.submit(page, "/console/sign-in", admin_key=ADMIN_KEY).headers["location"] == "/console?a=1"
        assert browser.get("/console/sign-out/oidc").headers["location"].startswith("/console/sign-in?oidc=unreach")
        odd = browser.get("/console/sign-in/oidc/callback?state=%00&state=x&code=%FF" + "&a=" * 10)
        assert "oidc=state" in odd.headers["location"]
        assert browser.get("/console/sign-in?oidc=%3Cscript%3E").text.count("<script>") == 0
