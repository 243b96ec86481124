"""A person lets a program have a key, or not; what a link from somebody else can do: nothing without a click."""

import re
import secrets
from typing import Any

import httpx2
import pytest

from gateway.audit.listing import Wanted, newest
from tests.console.conftest import SignIn
from tests.console.person import Browser, forms_of
from tests.fixtures.gateway import InProcess
from tests.gateway.oauth.conftest import REDIRECT, VERIFIER, challenge_of, query_of

PAGE = "/console/approve"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


class Program:
    """A program on somebody's machine."""

    def __init__(self, url: str) -> None:
        self.url = url

    def post(self, path: str, **form: str) -> httpx2.Response:
        return httpx2.post(f"{self.url}{path}", data=form, timeout=30)

    def begin(self, **form: str) -> dict[str, Any]:
        return dict(self.post("/oauth/device_authorization", **(form or {"surface": "claude_code"})).json())

    def poll(self, begun: dict[str, Any]) -> dict[str, Any]:
        return dict(self.post("/oauth/token", grant_type=DEVICE, device_code=begun["device_code"]).json())

    def authorize(self, **changed: str) -> str:
        """Return the page to which a browser is sent."""
        asked = {
            "response_type": "code",
            "client_id": "sekisho",
            "redirect_uri": REDIRECT,
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "state": "s 1",
            **changed,
        }
        return str(httpx2.get(f"{self.url}/oauth/authorize", params=asked, timeout=30).headers["location"])


@pytest.fixture
def program(company: InProcess) -> Program:
    return Program(company.url)


@pytest.fixture
def mail() -> str:
    """Somebody new."""
    return f"{secrets.token_hex(6)}@example.com"


def path_of(address: str) -> str:
    return re.sub(r"^https?://[^/]+", "", address)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_code_is_approved(company: InProcess, sign_in: SignIn, program: Program, mail: str, language: str) -> None:
    begun = program.begin()
    browser = sign_in(mail, language)
    page = browser.get(path_of(begun["verification_uri_complete"]))
    for shown in ("Claude Code", begun["user_code"], "127.0.0.1", mail):
        assert shown in page.text
    assert f'lang="{language}"' in page.text
    assert program.poll(begun)["error"] == "authorization_pending", "nothing happens without a click"
    done = browser.submit(page, PAGE, decision="yes")
    assert done.status_code == 200
    answer = program.poll(begun)
    assert answer["email"] == mail
    listed = browser.get("/console/keys")  # where the page of keys is
    assert listed.status_code in (200, 404)
    again = browser.submit(page, PAGE, decision="yes")
    assert again.status_code == 404, "once"


def test_signing_out_everywhere_ends_programs_at_once(
    company: InProcess, sign_in: SignIn, program: Program, mail: str
) -> None:
    browsers = [sign_in(each) for each in (mail, f"other-{mail}")]
    keys, renewals = [], []
    for browser in browsers:
        begun = program.begin()
        browser.submit(browser.get(path_of(begun["verification_uri_complete"])), PAGE, decision="yes")
        given = program.poll(begun)
        keys.append({"authorization": f"Bearer {given['access_token']}"})
        renewals.append(given["refresh_token"])
    browsers[0].submit(browsers[0].get("/console/account"), "/console/sign-out", everywhere="1")
    assert [httpx2.get(f"{company.url}/v1/me", headers=each).status_code for each in keys] == [401, 200]
    ended = program.post("/oauth/token", grant_type="refresh_token", refresh_token=renewals[0])
    assert ended.json()["error"] == "invalid_grant"
    rows = newest(company.data_dir / "ledger/audit/chain.jsonl", Wanted())
    yes = [row for row in rows if row["action"] == "consent.given" and row["actor"]["name"] == mail]
    assert [row["object"]["program"] for row in yes] == ["Claude Code"]


def test_a_code_is_typed(sign_in: SignIn, program: Program, mail: str) -> None:
    begun = program.begin()
    browser = sign_in(mail)
    form = browser.get(PAGE)
    assert forms_of(form)
    wrong = browser.get(f"{PAGE}?code=BBBB-BBBB")
    assert (wrong.status_code, 'value="BBBB-BBBB"' in wrong.text) == (404, True), "what was typed stays"
    page = browser.get(f"{PAGE}?code={begun['user_code'].replace('-', '').lower()}")
    assert page.status_code == 200
    denied = browser.submit(page, PAGE, decision="no")
    assert denied.status_code == 200
    assert program.poll(begun)["error"] == "access_denied"


def test_a_browser_is_sent_back_to_its_program(sign_in: SignIn, program: Program, mail: str) -> None:
    browser = sign_in(mail)
    page = browser.get(program.authorize())
    assert "sekisho" in page.text
    assert "form-action 'self' http:;" in page.headers["content-security-policy"]
    back = browser.submit(page, PAGE, decision="yes")
    assert back.status_code == 303
    assert back.headers["location"].startswith(f"{REDIRECT}?")
    told = query_of(back.headers["location"])
    assert (told["state"], told["iss"]) == ("s 1", program.url)
    form = {"redirect_uri": REDIRECT, "client_id": "sekisho", "code_verifier": VERIFIER}
    answer = program.post("/oauth/token", grant_type="authorization_code", code=told["code"], **form)
    assert answer.json()["email"] == mail
    assert browser.submit(page, PAGE, decision="yes").status_code == 410, "a second click does nothing"


def test_a_no_is_brought_back(sign_in: SignIn, program: Program, mail: str) -> None:
    browser = sign_in(mail)
    back = browser.submit(browser.get(program.authorize()), PAGE, decision="no")
    told = query_of(back.headers["location"])
    assert (told["error"], told["state"]) == ("access_denied", "s 1")
    assert "code" not in told


def test_who_is_not_signed_in_comes_back_to_the_question(company: InProcess, program: Program) -> None:
    to = program.authorize()
    away = Browser(company.url).get(to)
    assert away.status_code == 303
    assert query_of(away.headers["location"])["next"] == to


@pytest.mark.parametrize("path", [f"{PAGE}?request=unknown", f"{PAGE}?request=%00%ff", f"{PAGE}?request=" + "x" * 3000])
def test_a_request_that_is_over_says_so(sign_in: SignIn, mail: str, path: str) -> None:
    page = sign_in(mail).get(path)
    assert page.status_code == 410
    assert "Start anew in the program" in page.text


def test_guessing_ends_after_ten(sign_in: SignIn, program: Program, mail: str) -> None:
    begun = program.begin()
    browser = sign_in(mail)
    for number in range(10):
        assert browser.get(f"{PAGE}?code=BBBBBBB{'BCDFGHJKLM'[number]}").status_code == 404
    stopped = browser.get(f"{PAGE}?code={begun['user_code']}")
    assert stopped.status_code == 429
    assert "Claude Code" not in stopped.text


@pytest.mark.parametrize("fields", [{}, {"decision": "YES"}, {"decision": ""}])
def test_anything_but_yes_is_no(sign_in: SignIn, program: Program, mail: str, fields: dict[str, str]) -> None:
    begun = program.begin()
    browser = sign_in(mail)
    browser.submit(browser.get(path_of(begun["verification_uri_complete"])), PAGE, **fields)
    assert program.poll(begun)["error"] == "access_denied"


def test_forms_of_others_do_nothing(sign_in: SignIn, program: Program, mail: str) -> None:
    begun = program.begin()
    browser = sign_in(mail)
    fields = {"code": begun["user_code"], "decision": "yes"}
    assert browser.post(PAGE, fields).status_code == 403, "without the token"
    csrf = forms_of(browser.get(path_of(begun["verification_uri_complete"])))[-1].fields
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert browser.post(PAGE, {**csrf, **fields}, **headers).status_code == 403
    other = sign_in("other-" + mail)
    assert other.post(PAGE, {**csrf, **fields}).status_code == 403, "with another's token"
    assert program.poll(begun)["error"] == "authorization_pending"


def test_names_of_programs_are_shown_and_never_run(sign_in: SignIn, program: Program, mail: str) -> None:
    begun = program.begin(client_id="<script>alert(1)</script>{{ 7*7 }}")
    page = sign_in(mail).get(path_of(begun["verification_uri_complete"]))
    assert "<script>alert" not in page.text
    assert "{{ 7*7 }}" in page.text
    assert "calls itself" in page.text
    for typed in ('"><script>alert(1)</script>', "{{ 7*7 }}"):
        wrong = sign_in(mail).http.get(PAGE, params={"code": typed})
        assert "<script>alert" not in wrong.text


def test_the_admin_key_is_nobodys(company: InProcess, program: Program) -> None:
    begun = program.begin()
    browser = Browser(company.url)
    browser.with_admin_key()
    page = browser.get(path_of(begun["verification_uri_complete"]))
    assert "Sign in as yourself" in page.text
    assert 'value="yes"' not in page.text
    csrf = forms_of(page)[-1].fields
    assert browser.post(PAGE, {**csrf, "decision": "yes"}).status_code == 403
    assert program.poll(begun)["error"] == "authorization_pending"


def test_policy_is_said_before_anything_is_asked(sign_in: SignIn, program: Program, mail: str) -> None:
    browser = sign_in(mail)
    for _ in range(5):
        begun = program.begin()
        browser.submit(browser.get(path_of(begun["verification_uri_complete"])), PAGE, decision="yes")
        assert "access_token" in program.poll(begun)
    page = browser.get(path_of(program.begin()["verification_uri_complete"]))
    assert "Revoke one" in page.text
    assert 'value="yes"' not in page.text
