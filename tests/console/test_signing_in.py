"""Signing in and out: the admin key, one-time links; what an attacker tries with them."""

from pathlib import Path

import httpx2
import pytest

from gateway.console.rendering import STATIC
from gateway.console.security import own_path
from tests.console.company import SignIn, ask_link, make_key
from tests.console.person import Browser, forms_of, signed
from tests.fixtures.gateway import ADMIN_KEY, InProcess, in_process

SESSION = "sekisho-session"


@pytest.fixture
def visitor(company: InProcess) -> Browser:
    return Browser(company.url)


def test_who_is_not_signed_in_is_led_to_it_and_back(visitor: Browser) -> None:
    away = visitor.get("/console?lang=en&x=%2F")
    assert away.headers["location"] == "/console/sign-in?next=%2Fconsole%3Flang%3Den%26x%3D%252F"
    page = visitor.follow(away)
    assert page.status_code == 200
    done = visitor.submit(page, "/console/sign-in", admin_key=ADMIN_KEY)
    assert done.headers["location"] == "/console?lang=en&x=%2F"
    assert visitor.follow(done).status_code in (200, 303)
    assert visitor.get("/console/sign-in").status_code == 303, "who is signed in goes on"


@pytest.mark.parametrize("key", ["", "wrong", ADMIN_KEY + "x", "é" * 300, "\ud83d"[:0] + "鍵"])
def test_a_wrong_admin_key_signs_nobody_in(visitor: Browser, key: str) -> None:
    answer = visitor.with_admin_key(key)
    assert answer.status_code in (401, 429)
    assert SESSION not in visitor.http.cookies
    assert key == "" or key not in answer.text


def test_guessing_is_slowed_down(company: InProcess) -> None:
    browser = Browser(company.url)
    statuses = [browser.with_admin_key("guess").status_code for _ in range(12)]
    assert statuses[-1] == 429
    assert browser.with_admin_key().status_code == 429, "the right one, too"
    forget_tries(company)


def forget_tries(company: InProcess) -> None:
    """Delete the counted attempts, as a minute's waiting does."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(company.data_dir / "sekisho.db", timeout=10)) as connection, connection:
        connection.execute("DELETE FROM expiring WHERE kind = 'try'")


@pytest.fixture(autouse=True)
def _no_tries(company: InProcess) -> None:
    forget_tries(company)


def test_a_link_signs_a_person_in_once(company: InProcess, chat_key: str) -> None:
    answer = ask_link(company, chat_key, sub="u-1", email="alice@example.com", name="Alice", language="ja-JP")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["expires_in"] == 60
    link = answer.json()["url"]
    assert link.startswith("http://127.0.0.1:")
    path = "/" + link.split("/", 3)[3]
    browser = Browser(company.url)
    for _ in range(3):  # previews do not use it up
        shown = browser.get(path)
        assert shown.status_code == 200
        assert "Alice" in shown.text
    entered = browser.submit(shown)
    assert entered.headers["location"] == "/console"
    home = browser.follow(entered)
    assert 'lang="ja"' in home.text
    assert "Alice" in home.text

    assert browser.submit(shown).status_code == 410, "used"
    other = Browser(company.url, **{"accept-language": "ja"})
    again = other.post(path, forms_of(shown)[-1].fields)
    assert again.status_code == 403, "another browser has not opened the page"
    late = other.get(path)
    assert late.status_code == 410
    assert "マイページ" in late.text
    assert SESSION not in other.http.cookies


@pytest.mark.parametrize("id_", ["x", "a" * 43, "..%2F..", "%00", "é" * 200])
def test_a_link_that_was_never_made_says_so(visitor: Browser, id_: str) -> None:
    answer = visitor.get(f"/console/enter/{id_}", **{"accept-language": "en"})
    assert answer.status_code in (404, 410)
    if answer.status_code == 410:
        assert "no longer valid" in answer.text or "older than a minute" in answer.text


def test_a_link_needs_open_webuis_key_and_signature(company: InProcess, chat_key: str) -> None:
    own = make_key(company, "an own one", owner="alice@example.com")
    claims = {"sub": "u-1", "email": "boss@example.com"}
    assert ask_link(company, own, **claims).status_code == 403
    assert ask_link(company, ADMIN_KEY, **claims).status_code == 401
    url = f"{company.url}/v1/me/console-link"
    headers = {"authorization": f"Bearer {chat_key}", "x-openwebui-user-email": "boss@example.com"}
    assert httpx2.post(url, headers={**headers, "x-openwebui-user-id": "u"}).status_code == 401, "plain headers"
    assert httpx2.post(url, headers=headers, json={"user": "boss@example.com"}).status_code == 401
    expired = signed(**claims, exp=1)
    assert httpx2.post(url, headers=headers, json={"sekisho_identity": expired}).status_code == 401
    assert httpx2.post(url, headers=headers, json=[]).status_code == 400
    token = signed(**claims)
    assert httpx2.post(url, headers=headers, json={"sekisho_identity": token}).status_code == 200


def test_a_session_has_a_new_id_and_the_old_one_ends(company: InProcess, sign_in: SignIn, chat_key: str) -> None:
    browser = sign_in("fixed@example.com")
    before = browser.http.cookies[SESSION]
    planted = Browser(company.url)
    planted.http.cookies.set(SESSION, "chosen-by-an-attacker")
    link = ask_link(company, chat_key, sub="v", email="victim@example.com").json()["url"]
    planted.http.cookies.clear()
    planted.enter(link)
    assert planted.http.cookies[SESSION] != "chosen-by-an-attacker"
    link = ask_link(company, chat_key, sub="f", email="fixed@example.com").json()["url"]
    browser.enter(link)
    assert browser.http.cookies[SESSION] != before
    old = Browser(company.url)
    old.http.cookies.set(SESSION, before)
    assert old.get("/console").status_code == 303


def test_signing_out_ends_the_session_for_a_kept_cookie_too(company: InProcess, sign_in: SignIn) -> None:
    first, second = sign_in("out@example.com"), sign_in("out@example.com")
    kept = first.http.cookies[SESSION]
    page = first.get("/console")
    gone = first.submit(page, "/console/sign-out")
    assert "signed out" in first.follow(gone).text
    first.http.cookies.set(SESSION, kept)
    assert first.get("/console").status_code == 303
    assert second.get("/console").status_code == 200
    third = sign_in("out@example.com")
    third.submit(third.get("/console"), "/console/sign-out", everywhere="1")
    assert second.get("/console").status_code == 303


def test_a_revoked_key_ends_the_sessions_that_it_vouched_for(company: InProcess) -> None:
    key = make_key(company, "another chat", identity="open-webui")
    browser = Browser(company.url)
    browser.enter(ask_link(company, key, sub="r", email="r@example.com").json()["url"])
    assert browser.get("/console").status_code == 200
    admin = {"authorization": f"Bearer {ADMIN_KEY}"}
    httpx2.delete(f"{company.url}/admin/keys/another%20chat", headers=admin).raise_for_status()
    assert browser.get("/console").status_code == 303


@pytest.mark.parametrize(
    "next_",
    [
        "https://evil.example",
        "//evil.example/console",
        "/\\evil.example",
        "/console/../../evil",
        "/console\\..",
        "/console\r\nlocation: https://evil.example",
        "javascript:alert(1)",
        "/v1/me",
        "/consoles",
        "/console//evil.example",
        "\t/console",
        "/console" + "x" * 5000,
        None,
        "",
    ],
)
def test_signing_in_leads_nowhere_else(next_: str | None) -> None:
    assert own_path(next_) == "/console"


@pytest.mark.parametrize("next_", ["/console", "/console/keys?a=%2F%2Fb", "/oauth/authorize?x=1", "/mcp-sign-in/wiki"])
def test_signing_in_leads_back(next_: str) -> None:
    assert own_path(next_) == next_


def test_a_redirect_after_signing_in_stays_here(visitor: Browser) -> None:
    assert visitor.with_admin_key(next_="https://evil.example/console").headers["location"] == "/console"


CROSS = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://["},
    {"origin": "http://127.0.0.1:1"},
]


def test_a_query_of_very_many_fields_is_no_failure(visitor: Browser) -> None:
    assert visitor.http.get("/console/sign-in?" + "&".join("a" * 300)).status_code == 200


@pytest.mark.parametrize("headers", CROSS, ids=str)
def test_forms_of_other_sites_do_nothing(sign_in: SignIn, headers: dict[str, str]) -> None:
    browser = sign_in("csrf@example.com")
    (form,) = (form for form in forms_of(browser.get("/console")) if form.action == "/console/sign-out")
    assert browser.post("/console/sign-out", form.fields, **headers).status_code == 403
    assert browser.get("/console").status_code == 200, "still signed in"


@pytest.mark.parametrize("fields", [{}, {"csrf": ""}, {"csrf": "x"}, {"start": "x"}, {"csrf": "é"}])
def test_forms_without_the_sessions_token_do_nothing(sign_in: SignIn, fields: dict[str, str]) -> None:
    browser = sign_in("csrf@example.com")
    browser.http.cookies.set("sekisho-start", "x")
    assert browser.post("/console/sign-out", fields).status_code in (400, 403)
    assert browser.get("/console").status_code == 200


def test_another_sessions_token_does_nothing(sign_in: SignIn) -> None:
    mine, others = sign_in("csrf@example.com"), sign_in("other@example.com")
    (form,) = (form for form in forms_of(others.get("/console")) if form.action == "/console/sign-out")
    assert mine.post("/console/sign-out", form.fields).status_code == 403


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("application/x-www-form-urlencoded", b"a=1&" * 300),
        ("application/x-www-form-urlencoded", b"a=" + b"x" * 70_000),
    ],
)
def test_what_is_no_form_is_refused(sign_in: SignIn, kind: str, body: bytes) -> None:
    browser = sign_in("odd@example.com")
    answer = browser.http.post("/console/sign-out", content=body, headers={"content-type": kind, "origin": browser.url})
    assert answer.status_code in (400, 413)
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", ["/console/sign-in", "/console", "/console/enter/x", "/console/nothing-here"])
def test_pages_cannot_be_framed_kept_or_given_scripts(sign_in: SignIn, path: str) -> None:
    answer = sign_in("headers@example.com").get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    for banned in ("<script>", " style=", "onclick=", "javascript:"):
        assert banned not in answer.text
    assert len(answer.content) < 100_000


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "\"'><img src=x onerror=1>", "{{ 7*7 }}", "{0.__class__}"]
)
def test_names_are_text(company: InProcess, chat_key: str, name: str) -> None:
    link = ask_link(company, chat_key, sub="x", email="x@example.com", name=name).json()["url"]
    browser = Browser(company.url)
    shown = browser.get("/" + link.split("/", 3)[3])
    assert shown.status_code == 200
    assert "<script>alert" not in shown.text
    assert "<img" not in shown.text
    home = browser.follow(browser.submit(shown))
    assert home.status_code == 200
    assert "<script>alert" not in home.text
    assert "<img" not in home.text


def test_without_a_console_there_are_no_pages(tmp_path: Path) -> None:
    off = {"console": False, "open_webui": {"identity_secret": "${SEKISHO_IDENTITY_SECRET}"}}
    with in_process(tmp_path, {"admin_key": "${ADMIN_KEY}", "models": [], **off}) as served:
        visitor = Browser(served.url)
        for path in ("/console", "/console/sign-in", "/console/enter/x", f"/console/static/{next(iter(STATIC))}"):
            assert visitor.get(path).status_code == 404
        assert visitor.post("/console/sign-in", {}).status_code == 404
        key = make_key(served, "chat", identity="open-webui")
        assert ask_link(served, key, sub="u", email="a@example.com").status_code == 404


def test_one_subscriber_of_ipv6_is_one_who_guesses(tmp_path: Path) -> None:
    config = {"admin_key": "${ADMIN_KEY}", "models": [], "server": {"trusted_proxies": ["127.0.0.0/8"]}}
    with in_process(tmp_path, config) as served:
        addresses = [*(f"2001:db8::{number}" for number in range(12)), "2001:db8:0:1::1"]
        browsers = [Browser(served.url, **{"x-forwarded-for": address}) for address in addresses]
        statuses = [browser.with_admin_key("guess").status_code for browser in browsers]
    assert statuses == [401] * 10 + [429] * 2 + [401]


@pytest.mark.parametrize("query", ["", "?lang=ja", "?theme=dark"])
def test_a_page_that_is_only_posted_to_leads_to_the_first_one(query: str, sign_in: SignIn) -> None:
    answer = sign_in().get(f"/console/sign-out{query}")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/console{query}"
    refused = sign_in().post("/console/sign-out", {"csrf": "old"})
    assert 'href="?lang=ja"' in refused.text


@pytest.mark.parametrize("path", ["nothing", "keys/a/b", "%00", "static", "é"])
def test_an_address_that_is_no_page_is_answered_by_one(path: str, sign_in: SignIn, company: InProcess) -> None:
    for browser in (sign_in(language="ja"), Browser(company.url, **{"accept-language": "ja"})):
        answer = browser.get(f"/console/{path}")
        assert answer.status_code == 404
        assert "ページが見つかりません" in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
