"""Open WebUI's groups are the teams: budgets, models, limits and classes follow them."""

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

from gateway.casing import folded
from gateway.config.load import load
from gateway.config.schema import Config
from gateway.errors import ConfigError
from gateway.identity.keys import Key
from gateway.identity.person import Person
from gateway.identity.policy import Policy
from gateway.identity.scopes import normal, scopes
from gateway.identity.teams import Teams
from gateway.ledger.record import Record
from gateway.ledger.segments import folder, read
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ADMIN_KEY, ENVIRONMENT, IDENTITY_SECRET, InProcess, deployment, in_process, model

PRICE = {"input": 3, "output": 15}
CONFIG: dict[str, Any] = {
    "admin_key": "${ADMIN_KEY}",
    "contact": "it-help@example.com",
    "own_keys": {"most": 50},
    "open_webui": {
        "identity_secret": "${SEKISHO_IDENTITY_SECRET}",
        "several": "next",
        "teams": {"研究開発": "research", "Sales, EMEA": "sales", "Trainees": "trainees", "*": "everybody"},
    },
    "teams": {
        "sales": {"models": ["small-*", "free"], "contact": "営業企画 #sales-ai"},
        "research": {"traffic_class": "agent"},
        "trainees": {"requests_per_minute": 2},
        "everybody": {"models": ["free"]},
    },
}
_numbers = itertools.count()
Ask = Callable[..., httpx2.Response]


@pytest.fixture(scope="module")
def company(upstream: tuple[FakeUpstream, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    models = [model(name, deployment(upstream[1]), price=PRICE) for name in ("small-m", "large-m")]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        config = {**CONFIG, "models": [*models, model("free", deployment(upstream[1]))]}
        with in_process(tmp_path_factory.mktemp("teams"), config) as served:
            yield served


@pytest.fixture(scope="module")
def call(company: InProcess) -> Iterator[Ask]:
    with httpx2.Client(base_url=company.url, timeout=60, trust_env=False) as client:

        def send(method: str, path: str, key: str, body: Any = None, **headers: str) -> httpx2.Response:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            return client.request(method, path, headers={"authorization": f"Bearer {key}", **sent}, json=body)

        yield send


@pytest.fixture(scope="module")
def chat_key(call: Ask) -> str:
    return str(call("POST", "/admin/keys", ADMIN_KEY, {"alias": "chat", "identity": "open-webui"}).json()["key"])


@pytest.fixture
def ask(call: Ask, chat_key: str, company: InProcess) -> Callable[..., tuple[httpx2.Response, Record]]:
    """Ask a model as a person in groups; return the answer and its record."""

    def send(groups: list[str], name: str = "small-m", key: str = chat_key, **more: Any) -> Any:
        body = {"model": name, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}
        answer = call("POST", "/v1/chat/completions", key, {**body, "sekisho_identity": signed(groups, **more)})
        return answer, recorded(company, answer)

    return send


def signed(groups: Any, **claims: Any) -> str:
    who = f"u{next(_numbers)}"
    known = {"iss": "sekisho", "sub": who, "email": f"{who}@example.com", "groups": groups, "exp": time.time() + 60}
    return jwt.encode({**known, **claims}, IDENTITY_SECRET, "HS256")


def recorded(company: InProcess, answer: httpx2.Response) -> Record:
    id_ = answer.headers["x-sekisho-request-id"]
    return next(each for each in read(folder(company.data_dir)) if each.request_id == id_)


def budget(call: Ask, scope: str, usd: float) -> None:
    body = {"nano_usd": round(usd * 10**9), "window": "month"}
    assert call("PUT", f"/admin/budgets/{scope}", ADMIN_KEY, body).status_code == 200


@pytest.mark.parametrize(
    ("groups", "team"),
    [
        (["研究開発"], "research"),
        (["研究開発 ", "nobody's"], "research"),
        (["Sales, EMEA"], "sales"),
        (["ＳＡＬＥＳ,  emea"], "sales"),
        (["Sales, EMEA", "研究開発"], "research"),
        ([], "everybody"),
        (["Renamed"], "everybody"),
        (["key:key_1", "*", "", " ", "person:a@example.com"], "everybody"),
        ([1, None, {"a": 1}, ["研究開発"]], "everybody"),
        ("研究開発", "everybody"),
        (["x" * 10_000, *(f"g{n}" for n in range(90)), "研究開発"], "research"),
    ],
)
def test_a_record_names_the_team_of_the_persons_groups(ask: Any, groups: Any, team: str) -> None:
    """Case and width do not matter; of several the first in the order of the configuration counts."""
    answer, record = ask(groups, "free")
    assert (answer.status_code, record.team) == (200, team)


def test_a_team_narrows_the_models(ask: Any, call: Ask, chat_key: str) -> None:
    answer, record = ask(["Sales, EMEA"], "large-m")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert (record.team, record.outcome) == ("sales", "refused")
    assert ask(["Sales, EMEA"], "small-m")[0].status_code == 200
    told = call("GET", "/v1/me", chat_key, x_openwebui_user_jwt=signed(["Sales, EMEA"])).json()
    assert [each["id"] for each in told["models"]] == ["small-m", "free"]
    assert (told["team"], told["contact"], told["several"]) == ("sales", "営業企画 #sales-ai", "next")
    names = [each["id"] for each in call("GET", "/v1/models", chat_key).json()["data"]]
    assert names == ["small-m", "large-m", "free"], "Open WebUI keeps one list for all"


def test_groups_are_believed_of_open_webuis_key_alone(call: Ask, company: InProcess) -> None:
    made = call("POST", "/admin/keys", ADMIN_KEY, {"alias": "mallory", "owner": "mallory@example.com"}).json()["key"]
    headers = {"x_sekisho_groups": "研究開発".encode().hex(), "x_openwebui_user_jwt": signed(["研究開発"])}
    body = {"model": "free", "messages": [], "sekisho_identity": signed(["研究開発"])}
    assert recorded(company, call("POST", "/v1/chat/completions", made, body, **headers)).team is None


def test_a_keys_own_team_wins(call: Ask, ask: Any) -> None:
    own = call("POST", "/admin/keys", ADMIN_KEY, {"alias": "c", "identity": "open-webui", "team": "SALES"}).json()[
        "key"
    ]
    answer, record = ask(["研究開発"], "large-m", key=own)
    assert (answer.status_code, record.team) == (404, "sales"), "by the name that the configuration has"


def test_a_team_has_limits_of_its_own(ask: Any) -> None:
    answers = [ask(["Trainees"], language="ja")[0] for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429], "of three persons together"
    assert "チーム「trainees」の利用上限（1分あたり2回）" in answers[2].json()["error"]["message"]
    assert ask(["研究開発"])[0].status_code == 200


def test_the_next_team_steps_in(call: Ask, ask: Any) -> None:
    both = ["Sales, EMEA", "研究開発"]
    budget(call, "team:Research", 0)
    answer, record = ask(both)
    assert (answer.status_code, record.team) == (200, "sales"), "the first one's budget is used up"
    answer, record = ask(both, "large-m", language="en", timezone="Asia/Tokyo")
    words = answer.json()["error"]["message"]
    assert (answer.status_code, record.team) == (429, "research"), "sales may not use this model"
    assert answer.headers["x-should-retry"] == "false"
    for part in ("The team “research”'s budget of $0.00", "(Asia/Tokyo)", "go on: free", "ask it-help@example.com."):
        assert part in words, words
    budget(call, "team:sales", 0)
    answer, record = ask(both, language="ja")
    assert (answer.status_code, record.team) == (429, "sales")
    assert "営業企画 #sales-aiにご相談ください" in answer.json()["error"]["message"]
    assert ask(both, "free")[0].status_code == 200, "what costs nothing goes on"
    for scope in ("team:ＲＥＳＥＡＲＣＨ", "team:sales"):
        assert call("DELETE", f"/admin/budgets/{scope}", ADMIN_KEY).status_code == 200


def test_keys_that_people_make_belong_to_their_team(call: Ask, chat_key: str, company: InProcess) -> None:
    person = signed(["Sales, EMEA", "研究開発"])
    made = call("POST", "/v1/me/keys", chat_key, {"alias": "one"}, x_openwebui_user_jwt=person).json()
    chosen = {"alias": "two", "team": "Ｓales"}
    other = call("POST", "/v1/me/keys", chat_key, chosen, x_openwebui_user_jwt=person).json()
    assert (made["team"], other["team"]) == ("research", "sales")
    body = {"model": "small-m", "messages": [{"role": "user", "content": "hi"}]}
    assert recorded(company, call("POST", "/v1/chat/completions", other["key"], body)).team == "sales"
    denied = call("POST", "/v1/chat/completions", other["key"], {**body, "model": "large-m"})
    assert denied.status_code == 404
    assert [each["id"] for each in call("GET", "/v1/models", other["key"]).json()["data"]] == ["small-m", "free"]
    foreign = {"alias": "three", "team": "trainees"}
    refused = call("POST", "/v1/me/keys", chat_key, foreign, x_openwebui_user_jwt=person)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_your_team")


def test_budgets_tell_how_near_their_end_is(call: Ask, chat_key: str, ask: Any) -> None:
    person = {"sub": "near", "email": "near@example.com"}
    ask(["研究開発"], **person)
    told = call("GET", "/v1/me/usage", chat_key, x_openwebui_user_jwt=signed(["研究開発"], **person)).json()
    assert (told["team"], told["teams"]) == ("research", ["research"])
    for factor, warning in ((100, None), (1.2, "near"), (1, "used_up"), (0.1, "used_up")):
        budget(call, "person:near@example.com", told["total"]["cost_usd"] * factor)
        usage = call("GET", "/v1/me/usage", chat_key, x_openwebui_user_jwt=signed([], **person)).json()
        assert usage["budget"]["warning"] == warning, factor


def _teams(groups: Any, teams: dict[str, Any] | None = None, several: str = "first") -> Teams:
    return Teams(Config.model_validate({"open_webui": {"teams": groups, "several": several}, "teams": teams or {}}))


def _key(team: str | None = None, **policy: Any) -> Key:
    return Key("key_1", "", "k", None, team, "open-webui", 0, None, Policy(**policy))


def _names(teams: Teams, groups: list[str], team: str | None = None) -> list[str]:
    return [each.name for each in teams.of(_key(team), Person(user_id="u", groups=tuple(groups), source="token"))]


def test_each_group_is_a_team_of_its_name() -> None:
    teams = _teams("groups", {"Research": {}})
    assert _names(teams, ["営業", "ＲＥＳＥＡＲＣＨ", "research", "Ａ"]) == ["Research", "Ａ", "営業"]
    assert _names(teams, []) == [], "who is in no group has no team"
    assert _names(teams, ["a\nb", "\u202eevil", "x" * 201, "  "]) == [], "no name that could be told"
    assert _names(teams, ["営業"], team="RESEARCH") == ["Research"]


def test_a_mapping_may_give_all_other_groups_a_team_each() -> None:
    teams = _teams({"B": "second", "A": "first", "*": "*"})
    assert _names(teams, ["z", "a", "b"]) == ["second", "first", "z"], "in the order of the mapping"


def test_nobody_gets_a_team_of_groups_without_a_proof() -> None:
    teams = _teams({"*": "everybody"})
    for source in ("key", "none"):
        assert teams.of(_key(), Person(user_id="u", groups=("a",), source=source)) == ()


def test_teams_of_the_first_do_not_step_in() -> None:
    key = _key(models=("a-*", "b-*"))
    teams = _teams("groups", {"one": {"models": ["a-*"]}, "two": {"models": ["b-*", "c"]}})
    person = Person(user_id="u", groups=("two", "one"), source="token")
    first = teams.joined(key, teams.of(key, person))
    assert (first.others, first.policy.allows("a-1"), first.policy.allows("b-1")) == ((), True, False)
    second = _teams("groups", {"one": {"models": ["a-*"]}, "two": {"models": ["b-*", "c"]}}, "next")
    member = second.joined(key, second.of(key, person))
    assert [each.team.name for each in member.allowing("b-1") if each.team] == ["two"]
    assert [each.team.name for each in member.allowing("c") if each.team] == ["one"], "the key does not allow it"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("open_webui: {teams: everyone}", "must be 'groups', or a mapping"),
        ("open_webui: {teams: [a]}", "dictionary"),
        ('open_webui: {teams: {A: "", B: b}}', "must be text in one line"),
        ("open_webui: {teams: {A: x, ａ: y}}", "differ in case, width or blanks only"),
        ("open_webui: {several: all}", "'first' or 'next'"),
        ("teams: {x: {budget: 5}}", "unknown key"),
        ("teams: {x: {requests_per_minute: 0}}", "greater than or equal to 1"),
        ("teams: {x: {requests_per_minute: 99999999999}}", "less than or equal"),
        ("teams: {Ab: {}, aB: {}}", "differ in case"),
        ('teams: {"": {}}', "must be text in one line"),
        ('contact: "a\\nb"', "must be text in one line"),
    ],
)
def test_what_cannot_be_is_told_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "c.yaml").write_text(f"data_dir: data\n{text}\n")
    with pytest.raises(ConfigError, match=problem) as error:
        load(tmp_path / "c.yaml")
    assert "c.yaml:2" in str(error.value)


_DOOR = """\
server: {public_url: "https://ai.example.com"}
console: {oidc: {issuer: "https://login.example.com", client_id: sekisho}}
"""
_RULES = 'teams: {research: {models: ["gemma-*"]}}'
_WITH_CLAIM = _DOOR.replace("sekisho}", "sekisho, groups_claim: groups}")


@pytest.mark.parametrize(
    "text",
    [
        _DOOR + _RULES,
        _DOOR + "teams: {a: {contact: x}, b: {parallel_requests: 1}}",
        _DOOR + "open_webui: {teams: groups}",  # who is in no group is in no team
        _DOOR + _RULES + '\nopen_webui: {teams: {Research: research, "*": "*"}}',
        _DOOR + _RULES + "\nopen_webui: {teams: {Research: research}}",
        _DOOR + "open_webui: {teams: {Research: research}}",  # a budget of a team is not in the configuration
    ],
)
def test_nobody_leaves_their_team_by_the_providers_door(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text(f"data_dir: data\n{text}\n")
    with pytest.raises(ConfigError, match=r"c\.yaml:3.*console\.oidc: .*console\.oidc\.groups_claim.*everybody else"):
        load(tmp_path / "c.yaml")


@pytest.mark.parametrize(
    "text",
    [
        _DOOR,
        _DOOR + "teams: {a: {contact: x}}",
        _DOOR + _RULES + '\nopen_webui: {teams: {"*": research}}',
        _WITH_CLAIM + _RULES,
        _WITH_CLAIM + "open_webui: {teams: groups}",
        _RULES + "\nopen_webui: {teams: groups}",
    ],
)
def test_doors_that_lead_into_a_team(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text(f"data_dir: data\n{text}\n")
    assert load(tmp_path / "c.yaml")


def test_names_are_compared_without_case_and_width() -> None:
    assert folded(" ＡＩ　推進 ｶﾞｲﾄﾞ ") == "ai 推進 ガイド"
    assert scopes(None, "Ｒ＆Ｄ", None, None) == ("team:r&d",) == (normal("team:R&D"),)
    assert normal("key:ABC") == "key:ABC"
