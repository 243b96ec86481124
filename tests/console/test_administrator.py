"""Pages of team leads and administrators: who sees what, what is changed, and that names never become markup."""

import csv
import html
import io
import re
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from gateway.console.admin import live
from gateway.console.admin.cache import Fall, largest_fall, lost_tokens
from gateway.console.admin.csv_file import cell
from gateway.console.admin.fields import Wrong, converted, moment, nano, whole
from gateway.console.pages import PAGES
from tests.console.company import ENDS, SignIn, make_key
from tests.console.person import Browser
from tests.fixtures.gateway import ADMIN_KEY, InProcess

BOSS, LEAD, ALICE = "boss@example.com", "lead@example.com", "alice@example.com"
OWN = ("/console/spend", "/console/overview", "/console/people", "/console/access", "/console/live")
ADMIN = (*OWN, "/console/state", "/console/audit", "/console/cache", "/console/ending")
XSS = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def boss(sign_in: SignIn) -> Browser:
    return sign_in(BOSS)


@pytest.fixture(scope="module")
def used(company: InProcess) -> None:
    """Requests of two teams, and of a person whose name is markup."""
    for owner, team, alias in (
        (ALICE, "research", "alices"),
        ("bob@example.com", "sales", "bobs"),
        (f"{XSS}@example.com", "research", f"=1+1{XSS}"),
        ("wanda@example.com", "WIDE team", "wandas"),
        ("wim@example.com", "wide Ｔeam", "wims"),
    ):
        key = make_key(company, alias, owner=owner, team=team)
        body = {"model": "old-m" if owner == ALICE else "dear-m", "messages": [{"role": "user", "content": "hi"}]}
        headers = {"authorization": f"Bearer {key}"}
        httpx2.post(f"{company.url}/v1/chat/completions", headers=headers, json=body, trust_env=False, timeout=60)


@pytest.mark.parametrize("path", [page.path for page in PAGES if page.role == "administrator"])
def test_nobody_else_sees_an_administrators_page(path: str, sign_in: SignIn) -> None:
    path = path.replace("{name}", "key_0")
    for mail in (ALICE, LEAD):
        assert sign_in(mail).get(path).status_code == 403
    assert Browser(sign_in(ALICE).url).get(path).headers["location"].startswith("/console/sign-in")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/keys"),
        ("GET", "/admin/usage"),
        ("GET", "/admin/audit"),
        ("GET", "/admin/overview"),
        ("GET", "/admin/live"),
        ("GET", "/admin/configuration"),
        ("GET", "/admin/ledger"),
        ("GET", "/admin/records"),
        ("GET", "/admin/keys/key_0"),
        ("POST", "/admin/keys"),
    ],
)
def test_a_cookie_opens_no_route_to_a_browser(method: str, path: str, boss: Browser) -> None:
    assert boss.http.request(method, path).status_code == 401


def test_an_administrators_address_in_open_webui_makes_nobody_one(sign_in: SignIn) -> None:
    stranger = sign_in(BOSS, role="user", sub="registered-today")
    assert stranger.get("/console").status_code == 200
    assert stranger.get("/console/overview").status_code == 403


def test_a_lead_sees_the_teams_led_and_nothing_else(used: None, sign_in: SignIn) -> None:
    lead = sign_in(LEAD)
    page = lead.get("/console/spend?by=user&period=today")
    assert page.status_code == 200
    assert ALICE in page.text
    assert "bob@example.com" not in page.text
    for query in ("by=team", "by=user&team=sales", "by=model&user=bob@example.com", "by=day&team=sales&format=csv"):
        answer = lead.get(f"/console/spend?period=today&{query}")
        assert answer.status_code == 200
        assert "sales</a>" not in answer.text
        assert "bob@" not in re.sub(r'<a class="tag".*?</a>', "", re.sub(r"href=\"[^\"]*\"", "", answer.text))
    assert lead.get("/console/spend?by=client_ip&period=today").status_code == 200, "what is not offered is not asked"
    nobody = sign_in(ALICE).get("/console/spend")
    assert nobody.status_code == 403


def test_a_lead_sees_a_team_however_its_name_is_written(used: None, sign_in: SignIn) -> None:
    lead = sign_in("wide@example.com")
    for team in ("", "&team=WIDE+team", "&team=wide+team"):
        page = lead.get(f"/console/spend?by=user&period=today{team}")
        assert "wanda@example.com" in page.text, team
        assert "wim@example.com" in page.text, team
        assert ALICE not in page.text
        assert "bob@example.com" not in page.text


def test_a_team_is_one_row_however_its_name_is_written(used: None, boss: Browser) -> None:
    boss.submit(boss.get("/console/people"), "/console/people", who="team:Wide TEAM", usd="77", per="day")
    page = boss.get("/console/people?kind=team&q=wide")
    assert "1 found" in page.text
    assert "$77.00" in page.text
    assert re.search(r'<td class="number">2</td>', page.text), "the requests of both spellings"


def test_models_that_end_are_shown_with_who_uses_them_and_what_to_write(used: None, sign_in: SignIn) -> None:
    for language, draft in (("en", "The model old-m ends on"), ("ja", "モデル old-m の提供が")):
        page = sign_in(BOSS, language).get("/console/ending")
        assert page.status_code == 200
        assert all(each in page.text for each in ("old-m", f"{ENDS}", "dear-m", ALICE, "alices", draft)), page.text
        assert "bob@example.com" not in page.text
    assert "old-m" not in sign_in(BOSS).get("/console/ending?days=30").text.partition("<main")[2]
    for odd in ("-1", "x", "9" * 400, "%00"):
        assert sign_in(BOSS).get(f"/console/ending?days={odd}").status_code == 200


def test_names_never_become_markup(used: None, boss: Browser) -> None:
    for path in ("/console/spend?by=user&period=today", "/console/people", "/console/access", "/console/audit"):
        page = boss.get(path)
        assert page.status_code == 200
        assert "<img" not in page.text
        assert html.escape(XSS) in page.text, path
    for query in (f"by=user&team={XSS}", f"by={XSS}", f"period={XSS}", f"day={XSS}"):
        assert "<img" not in boss.get(f"/console/spend?{query}").text
    assert "<img" not in boss.get(f"/console/people?q={XSS}&budget={XSS}").text


def test_who_spent_most_is_two_links_away(used: None, boss: Browser) -> None:
    first = boss.get("/console/overview")
    assert 'href="/console/spend"' in first.text
    second = boss.get("/console/spend")
    (yesterday,) = {
        html.unescape(each) for each in re.findall(r'href="(/console/spend\?[^"]*period=yesterday[^"]*)"', second.text)
    }
    answer = boss.get(yesterday)
    assert answer.status_code == 200
    assert "Person" in answer.text


def test_each_cell_opens_what_is_behind_it(used: None, boss: Browser) -> None:
    page = boss.get("/console/spend?by=team&period=today")
    (behind, *_) = [
        html.unescape(each) for each in re.findall(r'href="(/console/spend\?[^"]*team=research[^"]*)"', page.text)
    ]
    opened = boss.get(behind)
    assert "by=user" in behind
    assert ALICE in opened.text
    assert "bob@example.com" not in opened.text


def test_a_file_holds_no_formula(used: None, boss: Browser) -> None:
    answer = boss.get("/console/spend?by=key&period=today&format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0][:2] == ["key", "requests"]
    assert f"'=1+1{XSS}" in [row[0] for row in rows]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", " =1", "＝1", "＠x", "－1"])
def test_what_a_spreadsheet_would_run_is_defused(text: str) -> None:
    assert cell(text) == f"'{text}"


def test_other_cells_stay(used: None) -> None:
    assert [cell(value) for value in ("a=1", "", None, -1, 0.5, "日本")] == ["a=1", "", "", -1, 0.5, "日本"]


def test_a_key_is_made_changed_rotated_and_revoked(boss: Browser) -> None:
    page = boss.get("/console/access")
    made = boss.submit(
        page, "/console/access", alias="山田の鍵", owner="yamada@example.com", budget="20.50", per="week"
    )
    shown = boss.follow(made)
    assert re.search(r"sk-[\w-]{40,}", shown.text)
    again = boss.submit(
        page, "/console/access", alias="山田の鍵", owner="yamada@example.com", budget="20.50", per="week"
    )
    assert again.headers["location"] == made.headers["location"], "a double click makes one key"
    listed = boss.get("/console/access?q=YAMADA@")
    assert listed.text.count("/console/access/key_") == 1
    path = re.findall(r'"(/console/access/key_\w+)"', listed.text)[0]
    key = boss.get(path)
    assert 'value="20.5"' in key.text
    fields = {
        "alias": "山田の鍵",
        "owner": "yamada@example.com",
        "models": "dear-*, free-m",
        "budget": "",
        "requests": "60",
    }
    changed = boss.post(path, {"csrf": csrf(key), "action": "save", "per": "month", **fields})
    after = boss.follow(changed)
    assert 'value="dear-*, free-m"' in after.text
    assert 'value="20.5"' not in after.text
    rotated = boss.follow(boss.post(path, {"csrf": csrf(key), "action": "rotate", "once": "o1"}))
    assert re.search(r"sk-[\w-]{40,}", rotated.text)
    assert boss.post(path, {"csrf": csrf(key), "action": "revoke"}).status_code == 303
    audit = boss.get("/console/audit?about=yamada")
    assert BOSS in audit.text
    assert not re.search(r"sk-[\w-]{40,}", audit.text)
    for sentence in ("Key created", "Key changed", "Secret of a key replaced", "Key revoked"):
        assert sentence in audit.text


def csrf(page: httpx2.Response) -> str:
    return str(re.findall(r'name="csrf" value="([^"]+)"', page.text)[0])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("budget", "many"), ("budget", "-1"), ("budget", "1e400"), ("budget", "NaN"), ("requests", "1.5"),
        ("tokens", "９"), ("expires", "tomorrow"), ("expires", "9999-99-99"),
        ("expires", "9999-12-31"), ("expires", "1969-01-01"),
        ("expires", "2020-01-01"), ("budget", "0.0000000001"), ("alias", "x" * 300), ("alias", "alices"),
        ("owner", "x" * 500), ("parallel", "9" * 30),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_is_marked_and_nothing_is_lost(
    field: str, value: str, used: None, boss: Browser
) -> None:
    typed = {"alias": "kept-alias", "owner": "kept@example.com", "purpose": "kept purpose", "per": "week", field: value}
    answer = boss.submit(boss.get("/console/access"), "/console/access", **typed)

    assert answer.status_code in (400, 409)
    assert re.search(rf'id="field-{field}"[^>]*aria-invalid="true"', answer.text), answer.text[-3000:]
    for name, kept in typed.items():
        if name != "per":
            assert f'name="{name}"' in answer.text
            assert html.escape(kept) in answer.text
    assert '<option value="week" selected>' in answer.text


def test_budgets_are_set_changed_and_removed(boss: Browser) -> None:
    page = boss.get("/console/people?kind=team")
    boss.submit(page, "/console/people", who="team:観測", usd="12.5", per="day", hard="1")
    listed = boss.get("/console/people?kind=team&q=観測")
    assert "$12.50" in listed.text
    for who in ("nobody", "team:", ""):
        wrong = boss.submit(page, "/console/people", who=who, usd="1", per="day")
        assert re.search(r'id="field-who"[^>]*aria-invalid="true"', wrong.text)
    odd = boss.submit(page, "/console/people", who="team:観測", usd="1", per="year")
    assert re.search(r'id="field-per"[^>]*aria-invalid="true"', odd.text)
    bad = boss.submit(boss.get("/console/people"), "/console/people", who="team:観測", usd="a lot", per="day")
    assert re.search(r'id="field-usd"[^>]*aria-invalid="true"', bad.text)
    assert 'value="a lot"' in bad.text
    edited = boss.get("/console/people?kind=team&budget=team:観測")
    assert 'value="12.5"' in edited.text
    removed = boss.post("/console/people", {"csrf": csrf(edited), "action": "remove", "who": "team:観測"})
    assert removed.status_code == 303
    assert "$12.50" not in boss.get("/console/people?kind=team&q=観測").text


@pytest.mark.parametrize("name", ["dev/backend", "/top", "a?b#c", "%2f", "..", "😀"])
def test_a_team_of_any_name_has_a_budget(name: str, boss: Browser) -> None:
    set_ = boss.submit(boss.get("/console/people"), "/console/people", who=f"team:{name}", usd="3.25", per="day")
    assert set_.status_code == 303
    edited = boss.get("/console/people?" + urlencode({"kind": "team", "budget": f"team:{name}"}))
    assert 'value="3.25"' in edited.text
    assert 'value="remove"' in edited.text
    taken = boss.post("/console/people", {"csrf": csrf(edited), "action": "remove", "who": f"team:{name}"})
    assert taken.status_code == 303
    assert 'value="remove"' not in boss.get(f"/console/people?budget={edited.request.url.params['budget']}").text


def test_a_key_that_was_revoked_in_mid_form_gets_no_new_secret_and_is_revoked_once(
    company: InProcess, boss: Browser
) -> None:
    make_key(company, "dev/soon/revoked")
    listed = boss.get("/console/access?q=dev/soon/revoked")
    path = re.findall(r'"(/console/access/key_\w+)"', listed.text)[0]
    form = {"csrf": csrf(boss.get(path)), "alias": "dev/soon/revoked", "per": "month"}
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    gone = httpx2.delete(f"{company.url}/admin/keys/dev%2Fsoon%2Frevoked", headers=headers, trust_env=False)
    assert gone.status_code == 200, "a name with slashes is found, too"
    for action in ("rotate", "save"):
        answer = boss.post(path, {**form, "action": action, "once": "late"})
        assert answer.status_code == 400
        assert "revoked; make a new" in answer.text
    assert boss.post(path, {**form, "action": "revoke"}).status_code == 303
    audit = boss.get("/console/audit?about=dev/soon/revoked&action=key.revoked")
    assert audit.text.count("Key revoked") == 1


def test_a_key_past_its_day_is_shown_as_ended(company: InProcess, boss: Browser) -> None:
    make_key(company, "long-over", expires_at=1_000_000)
    listed = boss.get("/console/access?q=long-over").text
    assert "ended" in listed
    assert ">valid<" not in listed


@pytest.mark.parametrize("path", ADMIN)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_each_page_answers_in_both_languages(path: str, language: str, used: None, sign_in: SignIn) -> None:
    page = sign_in(BOSS, language).get(path)

    assert page.status_code == 200, page.text[-500:]
    assert len(page.content) < 100_000
    assert f'<html lang="{language}"' in page.text


def test_the_admin_key_opens_the_pages(company: InProcess) -> None:
    browser = Browser(company.url)
    browser.with_admin_key()
    for path in ADMIN:
        assert browser.get(path).status_code == 200, path


def test_the_live_page_is_told_of_changes(boss: Browser) -> None:
    with boss.http.stream("GET", "/console/live/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        lines = answer.iter_lines()
        assert next(lines) == "event: live"
        assert next(lines).startswith("data: ")


def test_a_question_for_the_head_of_the_events_is_answered_and_holds_nothing(boss: Browser) -> None:
    before = set(live._listeners)
    answer = boss.http.head("/console/live/events", timeout=20)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert live._listeners <= before


def test_the_audit_shows_amounts_and_days_and_not_how_they_are_stored(boss: Browser) -> None:
    boss.submit(boss.get("/console/people"), "/console/people", who="team:shown", usd="12345.5", per="day", hard="1")
    row = boss.get("/console/audit?about=team:shown").text
    assert "$12,345.50" in row
    assert "12345500000000" not in row
    assert "True" not in row


def test_a_row_of_the_audit_can_hold_anything(company: InProcess, boss: Browser) -> None:
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    body: dict[str, Any] = {"nano_usd": 0, "window": "day"}
    httpx2.put(f"{company.url}/admin/budgets/team:%7B%7B7*7%7D%7D", headers=headers, json=body, trust_env=False)
    assert "{{7*7}}" in boss.get("/console/audit").text
    for query in ("before=x", "before=-1", "before=99999999999999999999", "action=%00", "actor=" + "x" * 3000):
        assert boss.get(f"/console/audit?{query}").status_code == 200


def test_a_fall_of_the_cache_is_found_with_its_day_and_its_cost() -> None:
    from datetime import date

    first = date(2026, 4, 1)
    series = [(100_000, 80_000)] * 10 + [(100_000, 20_000)] * 10

    fall = largest_fall(series, first)
    assert fall == Fall(date(2026, 4, 11), 0.8, 0.2)
    assert lost_tokens(series, first, fall) == 600_000
    assert largest_fall([(100_000, 80_000)] * 20, first) is None
    assert largest_fall([(0, 0)] * 20, first) is None
    assert largest_fall([(10, 9)] * 5 + [(10, 0)] * 5, first) is None, "too little to tell"


def test_fields_are_read_or_named() -> None:
    table = {"budget": ("b", nano), "n": ("n", whole), "d": ("d", moment)}
    assert converted({"budget": "$1,000.000000001", "n": "7", "d": "1970-01-02"}, table) == {
        "b": 1_000_000_000_001, "n": 7, "d": 86_400_000_000,
    }  # fmt: skip
    assert converted({}, table) == {"b": None, "n": None, "d": None}
    with pytest.raises(Wrong, match="budget"):
        converted({"budget": "Infinity"}, table)
