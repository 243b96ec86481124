"""A person's own pages: complete in both languages, theirs alone, and done once whatever is pressed twice."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.console.pages import PAGES
from tests.console.company import CONFIG, PRICE, SignIn, ask_link, make_key
from tests.console.person import Browser, forms_of
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ADMIN_KEY, ENVIRONMENT, InProcess, deployment, in_process, model

PATHS = ("", "/models", "/keys", "/tools", "/try", "/account", "/tools/claude-code", "/tools/codex", "/tools/zed")
KEY = re.compile(r"sk-[A-Za-z0-9_-]{20,}")
HOSTILE = ["<script>alert(1)</script>", "\"'><img src=x onerror=1>", "{{ 7*7 }}", "{0}", "%s", "${x}"]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_page_is_shown(sign_in: SignIn, language: str) -> None:
    browser = sign_in("shown@example.com", language)
    for path in PATHS:
        page = browser.get(f"/console{path}")
        assert page.status_code == 200, path
        assert f'lang="{language}"' in page.text
        assert len(page.content) < 100_000
        assert " style=" not in page.text
        assert "<script>" not in page.text


@pytest.fixture(scope="module")
def everybody(sign_in: SignIn) -> dict[str, Browser]:
    """Browsers by role, from the one that sees least."""
    mails = {"person": "nobody-special", "lead": "lead", "administrator": "boss"}
    return {role: sign_in(f"{name}@example.com") for role, name in mails.items()}


@pytest.mark.parametrize("page", [page for page in PAGES if page.role and page.show], ids=lambda page: page.path)
def test_every_page_is_for_its_role(company: InProcess, everybody: dict[str, Browser], page: Any) -> None:
    path, order = re.sub(r"\{\w+\}", "x", page.path), list(everybody)
    assert Browser(company.url).get(path).headers["location"].startswith("/console/sign-in?next=")
    for role, browser in everybody.items():
        status = _status(browser, path)
        if order.index(role) < order.index(page.role):
            assert status == 403, f"{role} sees {path}"
        else:
            assert status in (200, 303, 404), f"{role} gets {status} of {path}"


def _status(browser: Browser, path: str) -> int:
    """Return the status of a page, of which some are streams without an end."""
    with browser.http.stream("GET", path) as answer:
        return answer.status_code


def test_posts_without_a_session_do_nothing(company: InProcess) -> None:
    for page in PAGES:
        if page.act and page.role is not None:
            answer = Browser(company.url).post(re.sub(r"\{\w+\}", "x", page.path), {"csrf": "x"})
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/console/sign-in")


def test_a_key_is_made_shown_for_a_while_rotated_and_revoked(company: InProcess, sign_in: SignIn) -> None:
    browser = sign_in("maker@example.com")
    made = browser.submit(browser.get("/console/keys"), "/console/keys", alias="ノート", purpose="試験", days="7")
    shown = browser.follow(made)
    key = KEY.search(shown.text)
    assert key
    assert KEY.search(browser.follow(made).text), "loading the page again shows it, too"
    other = sign_in("curious@example.com")
    assert not KEY.search(other.follow(made).text), "another person sees nothing"
    assert _works(company, key[0])

    id_ = re.search(r"/console/keys/(key_\w+)", shown.text)
    assert id_
    details = browser.get(f"/console/keys/{id_[1]}")
    assert "ノート" in details.text
    rotated = browser.follow(browser.submit(details, None, action="rotate", grace=""))
    second = KEY.search(rotated.text)
    assert second
    assert second[0] != key[0]
    assert not _works(company, key[0]), "without grace"
    assert other.get(f"/console/keys/{id_[1]}").status_code == 404, "another's key is as one that does not exist"
    token = forms_of(other.get("/console/keys"))[-1].fields["csrf"]
    stolen = other.post(f"/console/keys/{id_[1]}", {"csrf": token, "action": "revoke"})
    assert stolen.status_code == 404
    gone = browser.follow(browser.submit(details, None, action="revoke"))
    assert "The key is revoked" in gone.text
    assert not _works(company, second[0])
    late = browser.submit(details, None, action="rotate", once="late")
    assert late.status_code == 400, "a key that was revoked while its page was open"


def test_a_form_that_is_sent_many_times_is_done_once(company: InProcess, sign_in: SignIn) -> None:
    browser = sign_in("twice@example.com")
    page = browser.get("/console/keys")
    (form,) = (form for form in forms_of(page) if form.action == "/console/keys")
    cookies = dict(browser.http.cookies)

    def send(_: int) -> str:
        tab = Browser(company.url)
        tab.http.cookies.update(cookies)
        answer = tab.post("/console/keys", {**form.fields, "alias": "one"})
        assert answer.status_code == 303, answer.text
        found = KEY.search(tab.follow(answer).text)
        assert found
        return found[0]

    with ThreadPoolExecutor(5) as pool:
        assert len(set(pool.map(send, range(5)))) == 1
    assert len(re.findall(r"/console/keys/key_", browser.get("/console/keys").text)) == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"alias": "a/b", "days": "7"}, "1 to 60 characters"),
        ({"alias": "", "days": "7"}, "1 to 60 characters"),
        ({"alias": "x" * 61, "days": "7"}, "1 to 60 characters"),
        ({"alias": "x", "days": "0"}, "1 to 30"),
        ({"alias": "x", "days": "-1"}, "1 to 30"),
        ({"alias": "x", "days": "31"}, "1 to 30"),
        ({"alias": "x", "days": "1.5"}, "1 to 30"),
        ({"alias": "x", "days": "soon"}, "1 to 30"),
        ({"alias": "x", "days": "9" * 400}, "1 to 30"),
        ({"alias": "x", "days": "²"}, "1 to 30"),
        ({"alias": "x", "days": "7", "purpose": "p" * 300}, "200"),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_is_marked_and_nothing_is_lost(
    sign_in: SignIn, typed: dict[str, str], words: str
) -> None:
    browser = sign_in("wrong@example.com")
    answer = browser.submit(browser.get("/console/keys"), "/console/keys", **{"purpose": "a purpose", **typed})
    assert answer.status_code == 400, answer.text
    assert words in answer.text
    assert typed.get("purpose", "a purpose") in answer.text
    assert f'value="{typed["days"]}"' in answer.text
    assert "key_" not in answer.text


def test_a_name_that_is_taken_is_said_at_its_field(sign_in: SignIn) -> None:
    browser = sign_in("taken@example.com", "ja")
    browser.submit(browser.get("/console/keys"), "/console/keys", alias="同じ")
    answer = browser.submit(browser.get("/console/keys"), "/console/keys", alias="同じ", purpose="二つ目")
    assert answer.status_code == 400
    assert 'aria-invalid="true"' in answer.text
    assert "その名前のキーはすでにあります" in answer.text
    assert "二つ目" in answer.text


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_keys_are_text(company: InProcess, sign_in: SignIn, name: str) -> None:
    mail = f"xss{abs(hash(name))}@example.com"
    make_key(company, f"alias of {mail} {name}", owner=mail, purpose=name, team=name)
    browser = sign_in(mail, name=name, groups=[name])
    listed = browser.get("/console/keys").text
    id_ = re.search(r"/console/keys/(key_\w+)", listed)
    assert id_
    for page in (listed, browser.get(f"/console/keys/{id_[1]}").text, browser.get("/console").text):
        assert "<script>alert" not in page
        assert "<img" not in page
        assert ">49<" not in page


def test_pages_stay_small_with_many_models(
    upstream: tuple[FakeUpstream, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    described = {"price": PRICE, "description": "<i>" * 100}
    models = [model(f"model-{number}", deployment(upstream[1]), **described) for number in range(120)]
    with in_process(tmp_path, {**CONFIG, "models": models}) as served:
        key = make_key(served, "chat", identity="open-webui")
        browser = Browser(served.url)
        browser.enter(ask_link(served, key, sub="m", email="many@example.com").json()["url"])
        for path in (*PATHS, "/models?q=model-119"):
            page = browser.get(f"/console{path}")
            assert page.status_code == 200
            assert len(page.content) <= 100_000, (path, len(page.content))
        assert "model-119" in page.text


def test_a_tools_set_up_has_address_models_and_a_new_key(company: InProcess, sign_in: SignIn) -> None:
    browser = sign_in("engineer@example.com")
    page = browser.get("/console/tools/claude-code")
    assert f"{company.url}&#34;" in page.text
    assert "dear-m" in page.text
    assert not KEY.search(page.text)
    filled = browser.follow(browser.submit(page))
    keys = set(KEY.findall(filled.text))
    assert len(keys) == 1
    assert _works(company, keys.pop())
    again = browser.follow(browser.submit(browser.get("/console/tools/claude-code")))
    assert "claude-code-2" in again.text
    assert browser.get("/console/tools/nothing").status_code == 404


def test_a_prompt_is_tried_and_counts(company: InProcess, sign_in: SignIn) -> None:
    browser = sign_in("tries@example.com", name="T")
    answer = browser.submit(browser.get("/console/try"), "/console/try", model="dear-m", prompt="<b>hello</b>")
    assert answer.status_code == 200, answer.text
    assert "&lt;b&gt;hello&lt;/b&gt;" in answer.text
    assert "<b>" not in answer.text
    record = re.search(r"Request ([0-9a-f]{32})", answer.text)
    assert record
    admin = {"authorization": f"Bearer {ADMIN_KEY}"}
    found = httpx2.get(f"{company.url}/admin/records", params={"request": record[1]}, headers=admin).json()["records"]
    assert [(each["user_email"], each["key_alias"]) for each in found] == [("tries@example.com", "console")]


@pytest.mark.parametrize(
    ("model", "prompt", "status"),
    [("dear-m", "  ", 400), ("dear-m", "x" * 30_000, 400), ("unheard-of", "hi", 404), ("", "hi", 400)],
)
def test_a_prompt_that_cannot_be_asked_stays_in_the_box(sign_in: SignIn, model: str, prompt: str, status: int) -> None:
    browser = sign_in("tries@example.com")
    answer = browser.submit(browser.get("/console/try"), "/console/try", model=model, prompt=prompt)
    assert answer.status_code == status, answer.text
    assert prompt.strip()[:100] in answer.text
    assert 'role="alert"' in answer.text


def test_the_admin_key_is_nobodys_account(company: InProcess) -> None:
    browser = Browser(company.url, **{"accept-language": "en"})
    browser.follow(browser.with_admin_key())
    home = browser.get("/console")
    assert home.status_code == 303
    assert browser.follow(home).status_code == 200
    assert browser.get("/console/keys").status_code == 200
    assert "belongs to nobody" in browser.get("/console/keys").text


@pytest.mark.parametrize("query", ["period=%00", "period=year", "lang=xx&theme=red", "done=" + "x" * 3000, "&&&=&x"])
def test_odd_addresses_show_the_page(sign_in: SignIn, query: str) -> None:
    browser = sign_in("odd@example.com")
    for path in ("", "/keys", "/tools/codex"):
        assert browser.get(f"/console{path}?{query}").status_code == 200


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Nowhere/City", "../../etc/passwd", "UTC\n", ""])
def test_an_odd_time_zone_changes_nothing(sign_in: SignIn, zone: str) -> None:
    browser = sign_in("zones@example.com", timezone=zone)
    assert browser.get("/console").status_code == 200
    assert browser.get("/console/keys").status_code == 200


def _works(company: InProcess, key: str) -> bool:
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.get(f"{company.url}/v1/me", headers=headers, timeout=60).status_code == 200


def test_a_model_that_ends_soon_is_not_set_up_for_quick_tasks(sign_in: SignIn) -> None:
    page = sign_in("quick@example.com").get("/console/tools/claude-code")
    assert "dear-m" in page.text
    assert "old-m" not in page.text
