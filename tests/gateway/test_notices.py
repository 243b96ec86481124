"""People are told before it is too late: budgets from 80 % on, models that end; each news once."""

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import jwt
import pytest
from typer.testing import CliRunner

from gateway.commands.models import app as models_command
from gateway.limits.limit import Limit, LimitStatus, Window
from gateway.notices.budgets import budget_notices
from gateway.wording.languages import Language
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ADMIN_KEY, ENVIRONMENT, IDENTITY_SECRET, InProcess, deployment, in_process, model

PRICE = {"input": 3, "output": 15}
Call = Callable[..., httpx2.Response]
_numbers = itertools.count()


def _day(days: int) -> str:
    return f"{datetime.now(UTC).date() + timedelta(days=days)}"


@pytest.fixture(scope="module")
def company(upstream: tuple[FakeUpstream, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    def at(name: str, **more: Any) -> dict[str, Any]:
        return model(name, deployment(upstream[1]), **more)

    models = [
        at("dear", price=PRICE),
        at("free"),
        at("ending", price=PRICE, end_of_life=_day(20), successor="dear"),
        at("ending-alone", end_of_life=_day(20), successor="secret"),
        at("far", end_of_life=_day(400)),
        at("over", end_of_life=_day(-1)),
        at("pilot", available={"until": _day(10)}, successor="dear"),
        at("secret", end_of_life=_day(5)),
    ]
    config = {
        "admin_key": "${ADMIN_KEY}",
        "contact": "it-help@example.com",
        "open_webui": {"identity_secret": "${SEKISHO_IDENTITY_SECRET}", "teams": "groups"},
        "teams": {"staff": {"models": ["dear", "free", "ending*", "far", "over", "pilot"]}},
        "models": models,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with in_process(tmp_path_factory.mktemp("notices"), config) as served:
            yield served


@pytest.fixture(scope="module")
def call(company: InProcess) -> Iterator[Call]:
    with httpx2.Client(base_url=company.url, timeout=60, trust_env=False) as client:

        def send(method: str, path: str, key: str, json: Any = None, **headers: str) -> httpx2.Response:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            return client.request(method, path, headers={"authorization": f"Bearer {key}", **sent}, json=json)

        yield send


@pytest.fixture(scope="module")
def chat_key(call: Call) -> str:
    return str(call("POST", "/admin/keys", ADMIN_KEY, {"alias": "chat", "identity": "open-webui"}).json()["key"])


class Someone:
    """A person who asks through Open WebUI."""

    def __init__(self, call: Call, key: str, **claims: Any) -> None:
        self.mail = f"p{next(_numbers)}@example.com"
        self._call, self._key = call, key
        self._claims = {"iss": "open-webui", "sub": self.mail, "email": self.mail, "groups": ["staff"], **claims}

    def send(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        token = jwt.encode({**self._claims, "exp": time.time() + 60}, IDENTITY_SECRET, "HS256")
        return self._call(method, path, self._key, body, x_openwebui_user_jwt=token)

    def told(self, name: str | None = None) -> list[str]:
        answer = self.send("POST", "/v1/me/notices", {"model": name})
        assert answer.status_code == 200, answer.text
        return [each["text"] for each in answer.json()["notices"]]

    def ask(self, name: str) -> float:
        body = {"model": name, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}
        answer = self.send("POST", "/v1/chat/completions", body)
        assert answer.status_code == 200, answer.text
        return float(answer.headers.get("x-sekisho-cost-usd", 0))

    def budget(self, usd: float, hard: bool = True) -> None:
        body = {"nano_usd": round(usd * 10**9), "window": "month", "hard": hard}
        assert self._call("PUT", f"/admin/budgets/person:{self.mail}", ADMIN_KEY, body).status_code == 200


@pytest.fixture
def someone(call: Call, chat_key: str) -> Callable[..., Someone]:
    return lambda **claims: Someone(call, chat_key, **claims)


def test_a_budget_is_told_of_at_each_threshold_once(someone: Callable[..., Someone]) -> None:
    person = someone(language="en-GB", timezone="Asia/Tokyo")
    spent = person.ask("dear")
    person.budget(spent * 2)
    assert person.told() == []
    person.budget(spent * 1.2)
    [near] = person.told("dear")
    assert near.startswith("Your budget of $")
    for part in ("is used to 83 %", "(Asia/Tokyo)", "Models that cost nothing go on: free", "ask it-help@example.com."):
        assert part in near
    assert person.told("dear") == [], "once"
    person.budget(spent)
    [used_up] = person.told()
    assert "is used up: $0.00 left" in used_up
    assert person.told() == []
    person.budget(spent * 1.1)
    assert len(person.told()) == 1, "one that was raised and is near its end again is news"


def test_a_budget_that_only_warns_says_so(someone: Callable[..., Someone]) -> None:
    person = someone(language="ja-JP")
    person.budget(person.ask("dear") / 2, hard=False)
    [told] = person.told()
    assert "を超えました" in told
    assert "引き続き利用できます" in told
    assert "free" not in told


def test_many_pages_at_once_tell_it_once(someone: Callable[..., Someone]) -> None:
    person = someone(language="en")
    person.budget(person.ask("dear"))
    with ThreadPoolExecutor(8) as pool:
        told = [text for texts in pool.map(lambda _: person.told("ending"), range(8)) for text in texts]
    assert len(told) == 2, "the budget and the model"


@pytest.mark.parametrize(
    ("name", "language", "parts"),
    [
        ("ending", "en", ["“ending” ends on", "“dear” follows it"]),
        ("ending", "ja", ["モデル「ending」", "に終了します", "「dear」"]),
        ("ending-alone", "en", ["Please choose another model"]),
        ("pilot", "en", ["“pilot” is served only until", "(UTC)", "“dear” follows it"]),
        ("pilot", "ja", ["期間限定", "「dear」"]),
        ("pilot", "de", ["is served only until"]),
        ("ending", None, ["“ending” ends on", "モデル「ending」"]),
    ],
)
def test_a_model_that_ends_soon_says_what_follows(
    someone: Callable[..., Someone], name: str, language: str | None, parts: list[str]
) -> None:
    """A successor that the person may not use is not named."""
    person = someone(**({"language": language} if language else {}))
    [told] = person.told(name)
    assert all(part in told for part in parts), told
    assert "secret" not in told
    assert person.told(name) == [], "once a day"


@pytest.mark.parametrize("name", ["dear", "far", "over", "secret", "nothing", "", "x" * 10_000, None])
def test_others_are_not_told_of(someone: Callable[..., Someone], name: str | None) -> None:
    assert someone(language="en").told(name) == []


@pytest.mark.parametrize("body", [[], {"model": 1}, {"models": "x"}, "x"])
def test_wrong_bodies_of_notices(someone: Callable[..., Someone], body: Any) -> None:
    assert someone().send("POST", "/v1/me/notices", body).status_code == 400


def test_nobody_is_told_nothing(call: Call, chat_key: str) -> None:
    nobodys = call("POST", "/admin/keys", ADMIN_KEY, {"alias": "nobodys"}).json()["key"]
    for path in ("/v1/me/notices", "/v1/me/acknowledgements"):
        assert call("POST", path, nobodys, {"notice": "guide"} if "ack" in path else {}).status_code == 403
        assert call("POST", path, chat_key, {}).status_code == 401


def test_what_was_read_is_kept_once_a_version(someone: Callable[..., Someone], call: Call) -> None:
    person, other = someone(), someone()
    assert person.send("GET", "/v1/me/acknowledgements").json() == {"data": []}
    for version in ("1", "1", "2026-春"):
        assert (
            person.send("POST", "/v1/me/acknowledgements", {"notice": "guide", "version": version}).status_code == 200
        )
    found = person.send("GET", "/v1/me/acknowledgements").json()["data"]
    assert [(each["notice"], each["version"]) for each in found] == [("guide", "2026-春"), ("guide", "1")]
    assert other.send("GET", "/v1/me/acknowledgements").json() == {"data": []}
    rows = call("GET", "/admin/audit?action=notice.acknowledged", ADMIN_KEY).json()["rows"]
    mine = [each for each in rows if each["actor"]["name"] == person.mail]
    assert [each["object"]["version"] for each in mine] == ["2026-春", "1"], "what was said twice is one row"


@pytest.mark.parametrize("body", [{}, {"notice": ""}, {"notice": "x" * 101}, {"notice": 1}, {"notice": "a", "at": 1}])
def test_wrong_acknowledgements(someone: Callable[..., Someone], body: Any) -> None:
    assert someone().send("POST", "/v1/me/acknowledgements", body).status_code == 400


def test_the_administrator_sees_who_still_uses_a_model(
    someone: Callable[..., Someone], call: Call, company: InProcess
) -> None:
    person = someone()
    person.ask("ending")
    own = call("POST", "/admin/keys", ADMIN_KEY, {"alias": "hers", "owner": person.mail, "team": "staff"}).json()["key"]
    nobodys = call("POST", "/admin/keys", ADMIN_KEY, {"alias": "batch"}).json()["key"]
    body = {"model": "ending", "messages": [{"role": "user", "content": "hi"}]}
    for key in (own, own, nobodys):
        assert call("POST", "/v1/chat/completions", key, body).status_code == 200
    found = call("GET", "/admin/models/ending?days=30", ADMIN_KEY).json()
    assert [each["model"] for each in found["data"]] == ["secret", "pilot", "ending", "ending-alone"]
    ending = found["data"][2]
    assert (ending["ends"], ending["certain"], ending["temporary"], ending["successor"]) == (
        _day(20),
        True,
        False,
        "dear",
    )
    users = {each["person"]: each for each in ending["users"]}
    assert users[person.mail] == {
        "person": person.mail,
        "teams": ["staff"],
        "keys": ["hers"],
        "chat": True,
        "requests": 3,
    }
    assert users[None]["keys"] == ["batch"]
    for language, part in (("en", "Please use “dear” from now on"), ("ja", "「dear」をお使いください")):
        draft = ending["draft"][language]
        assert "ending" in draft["subject"]
        assert part in draft["text"]
        assert "it-help@example.com" in draft["text"]
    assert found["data"][1]["temporary"]
    assert call("GET", "/admin/models/ending?days=0", ADMIN_KEY).json()["data"] == []
    for query in ("days=-1", "days=9999999999999999999", "days=x", "model=ending"):
        assert call("GET", f"/admin/models/ending?{query}", ADMIN_KEY).status_code == 400
    assert call("GET", "/admin/models/ending", own).status_code == 401
    file = str(company.data_dir.parent / "sekisho.yaml")
    printed = CliRunner().invoke(models_command, ["ending", "--lang", "ja", "--config", file])
    assert printed.exit_code == 0, printed.output
    for part in (f"ending: {_day(20)} (20 days left", f"{person.mail} (staff): 3 requests; chat, key hers", "「dear」"):
        assert part in printed.output


@pytest.mark.parametrize(
    ("used", "amount", "warning"),
    [(0, 100, None), (79, 100, None), (80, 100, "near"), (99, 100, "near"), (100, 100, "used"), (10**17, 1, "used")],
)
@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("window", ["day", "week", "month"])
def test_thresholds(used: int, amount: int, warning: str | None, language: Language, window: Window) -> None:
    status = LimitStatus(Limit("team:研究", "budget", amount, window, name="研究"), used, resets_in=1e-9)
    made = list(
        budget_notices([status], 1_764_000_000, [language], in_chat=True, zone="No/Where", free_models=(), contact=None)
    )
    assert len(made) == (1 if warning else 0)
    for notice in made:
        assert (" near" in notice.id) is (warning == "near")
        assert "研究" in notice.text
        assert "{" not in notice.text
        assert 60 <= notice.seconds < 33 * 86_400


def test_a_budget_of_nothing_is_used_up() -> None:
    status = LimitStatus(Limit("person:a", "budget", 0, "day"), 0, resets_in=86_400 * 1000)
    [made] = budget_notices([status], 0, ["en"], in_chat=False, zone=None, free_models=["m"], contact="x")
    assert made.text.startswith("Your budget of $0.00 for today is used up")
