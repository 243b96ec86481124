"""People make, rotate and revoke keys of their own; nobody sees or gets what is not theirs."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

import gateway
from gateway.api import own_keys
from gateway.errors import Forbidden
from gateway.identity.own_keys import check_covers
from gateway.identity.policy import Policy
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ADMIN_KEY, ENVIRONMENT, IDENTITY_SECRET, InProcess, deployment, in_process, model

DAY = 86_400 * 10**6
Call = Callable[..., httpx2.Response]
PRICE = {"input": 3, "output": 15, "images": {"1024x1024": 0.04}}
CONFIG = {
    "admin_key": "${ADMIN_KEY}",
    "open_webui": {"identity_secret": "${SEKISHO_IDENTITY_SECRET}"},
    "own_keys": {"most": 3, "longest_days": 30, "models": ["open-*"], "requests_per_minute": 60},
}


@pytest.fixture(scope="module")
def company(upstream: tuple[FakeUpstream, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    models = [model(name, deployment(upstream[1]), price=PRICE) for name in ("open-m", "dear-m")]
    with pytest.MonkeyPatch.context() as patch:
        # The process that reads the ledger reads the configuration, too.
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with in_process(tmp_path_factory.mktemp("company"), {**CONFIG, "models": models}) as served:
            yield served


@pytest.fixture(scope="module")
def call(company: InProcess) -> Iterator[Call]:
    with httpx2.Client(base_url=company.url, timeout=60, trust_env=False) as client:

        def send(method: str, path: str, key: str, json: Any = None, jwt: str | None = None) -> httpx2.Response:
            headers = {"authorization": f"Bearer {key}", **({"x-openwebui-user-jwt": jwt} if jwt else {})}
            return client.request(method, path, headers=headers, json=json)

        yield send


@pytest.fixture(scope="module")
def make(call: Call) -> Callable[..., str]:
    def create(alias: str, owner: str | None, **more: Any) -> str:
        answer = call("POST", "/admin/keys", ADMIN_KEY, {"alias": alias, "owner": owner, **more})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["key"])

    return create


@pytest.fixture
def person(make: Callable[..., str], request: pytest.FixtureRequest) -> tuple[str, str]:
    """Somebody new, with a key that an administrator made: name and key."""
    name = f"{abs(hash(request.node.name)) % 10**10}@example.com"
    return name, make(f"first of {name}", name, team="research")


def signed(**claims: Any) -> str:
    return jwt.encode({"iss": "open-webui", "exp": time.time() + 60, **claims}, IDENTITY_SECRET, "HS256")


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_key_is_made_used_rotated_and_revoked(call: Call, company: InProcess, person: tuple[str, str]) -> None:
    name, first = person
    made = call("POST", "/v1/me/keys", first, {"alias": "ノート", "purpose": "Claude Code", "days": 7})
    assert made.status_code == 200, made.text
    assert made.headers["cache-control"] == "no-store"
    told = made.json()
    key = told.pop("key")
    assert (told["alias"], told["purpose"], told["team"], told["made_by"]) == (
        "ノート",
        "Claude Code",
        "research",
        "person",
    )
    assert 0 < told["expires_at"] - told["created_at"] - 6 * DAY <= DAY + 10**6
    assert told["models"] == ["open-*"]

    chat = {"messages": [{"role": "user", "content": "hi"}]}
    assert call("POST", "/v1/chat/completions", key, {"model": "open-m", **chat}).status_code == 200
    assert call("POST", "/v1/chat/completions", key, {"model": "dear-m", **chat}).status_code == 404

    listed = call("GET", "/v1/me/keys", key).json()
    assert [(each["alias"], each["presented"]) for each in listed["data"]] == [
        ("ノート", True),
        (f"first of {name}", False),
    ]
    assert listed["own_keys"] == {"most": 3, "longest_days": 30}
    assert key not in str(listed)

    rotated = call("POST", f"/v1/me/keys/{told['id']}/rotate", key, {}).json()["key"]
    assert call("GET", "/v1/me", key).status_code == 401, "without grace"
    assert call("GET", "/v1/me", rotated).json()["key"]["alias"].endswith("/ノート")
    assert call("DELETE", f"/v1/me/keys/{told['id']}", rotated).json()["valid"] is False
    assert call("GET", "/v1/me", rotated).status_code == 401
    assert code(call("POST", f"/v1/me/keys/{told['id']}/rotate", first)) == (400, "key_ended")
    again = call("POST", "/v1/me/keys", first, {"alias": "ノート"})
    assert code(again) == (400, "alias_taken")


def test_the_last_use_is_told(call: Call, company: InProcess, person: tuple[str, str]) -> None:
    _, first = person
    made = call("POST", "/v1/me/keys", first, {"alias": "used"}).json()
    assert call("GET", f"/v1/me/keys/{made['id']}", first).json()["last_used"] is None
    body = {"model": "open-m", "messages": [{"role": "user", "content": "hi"}]}
    other = call("POST", "/v1/me/keys", first, {"alias": "other"}).json()
    headers = {"authorization": f"Bearer {other['key']}", "user-agent": "claude-cli/2.1.197 (external, cli)"}
    httpx2.post(f"{company.url}/v1/chat/completions", json=body, headers=headers, trust_env=False)
    used = call("GET", f"/v1/me/keys/{other['id']}", first).json()["last_used"]
    assert (used["client"], used["client_ip"]) == ("claude-code", "127.0.0.1")


NOT_THERE = {(404, "key_not_found"), (404, "not_found"), (405, "method_not_allowed")}
ROUTES: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/v1/me/keys/{id}", None),
    ("DELETE", "/v1/me/keys/{id}", None),
    ("POST", "/v1/me/keys/{id}/rotate", {}),
)


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_anothers_key_is_as_one_that_is_not(
    call: Call, make: Callable[..., str], person: tuple[str, str], method: str, path: str, body: Any
) -> None:
    name, own = person
    for owner, more in (("mallory@example.com", {}), (None, {}), (name, {"identity": "open-webui"})):
        alias = f"{method} {len(path)} {owner} {name}"
        make(alias, owner, **more)
        id_ = _id(call, alias)
        for guessed in (id_, "key_0000000000000000", alias, "%00", "%2E%2E", "*"):
            answer = call(method, path.format(id=guessed), own, body)
            assert code(answer) in NOT_THERE, answer.text
            assert answer.json()["error"]["code"] != "key_not_found" or "mallory" not in answer.text
        still = [each for each in call("GET", "/admin/keys", ADMIN_KEY).json()["data"] if each["id"] == id_]
        assert still[0]["revoked_at"] is None


def _id(call: Call, alias: str) -> str:
    listed = call("GET", "/admin/keys", ADMIN_KEY).json()["data"]
    return next(str(each["id"]) for each in listed if each["alias"] == alias)


EVERY = (
    ("GET", "/v1/me/keys", None),
    ("POST", "/v1/me/keys", {"alias": "x"}),
    *((method, path.format(id="key_0"), body) for method, path, body in ROUTES),
)


@pytest.mark.parametrize(("method", "path", "body"), EVERY)
@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("stranger", (401, "invalid_api_key")),
        ("nobody's key", (403, "no_owner")),
        ("open-webui unsigned", (401, "invalid_identity")),
        ("open-webui forged", (401, "invalid_identity")),
        ("open-webui expired", (401, "invalid_identity")),
        ("the admin key", (401, "invalid_api_key")),
        ("a revoked key", (401, "key_revoked")),
        ("from elsewhere", (403, "network_not_allowed")),
    ],
)
def test_every_route_with_every_role(
    call: Call, make: Callable[..., str], method: str, path: str, body: Any, role: str, expected: tuple[int, str]
) -> None:
    alias, token = f"{role} {method} {path}", None
    if role in ("stranger", "the admin key"):
        key = ADMIN_KEY if role == "the admin key" else "sk-guessed"
    elif role.startswith("open-webui"):
        key = make(alias, None, identity="open-webui")
        token = {
            "open-webui unsigned": None,
            "open-webui forged": jwt.encode({"iss": "open-webui", "sub": "u", "exp": 2**33}, "x" * 32, "HS256"),
            "open-webui expired": signed(sub="u", exp=time.time() - 3600),
        }[role]
    else:
        more = {"networks": ["203.0.113.0/24"]} if role == "from elsewhere" else {}
        key = make(alias, None if role == "nobody's key" else "carol@example.com", **more)
        if role == "a revoked key":
            call("DELETE", f"/admin/keys/{_id(call, alias)}", ADMIN_KEY)
    assert code(call(method, path, key, body, token)) == expected


def test_a_person_of_open_webui(call: Call, make: Callable[..., str], person: tuple[str, str]) -> None:
    """Signed in there they see the keys of their address and of their id, and make new ones in their team."""
    name, _ = person
    speaks_for_all = make(f"chat for {name}", "admin@example.com", identity="open-webui")
    make(f"by id {name}", "user-77", team="research")
    alice = signed(sub="user-77", email=name.upper())
    listed = call("GET", "/v1/me/keys", speaks_for_all, jwt=alice).json()["data"]
    assert {each["alias"] for each in listed} == {f"first of {name}", f"by id {name}"}
    made = call("POST", "/v1/me/keys", speaks_for_all, {"alias": "from chat"}, jwt=alice).json()
    assert (made["team"], made["presented"]) == ("research", False)
    mine = call("GET", "/v1/me", speaks_for_all, jwt=alice).json()
    assert mine["person"] == {"user_id": "user-77", "email": name.upper()}
    mallory = signed(sub="user-78", email="mallory@example.com")
    assert code(call("DELETE", f"/v1/me/keys/{made['id']}", speaks_for_all, jwt=mallory)) == (404, "key_not_found")


@pytest.mark.parametrize(
    "restriction",
    [
        {"models": ["gemma-*"]},
        {"networks": ["127.0.0.0/8"]},
        {"requests_per_minute": 5},
        {"parallel_requests": 5},
        {"budget_nano_usd": 10**9, "budget_window": "month"},
    ],
)
def test_a_restricted_key_makes_no_freer_one(
    call: Call, make: Callable[..., str], person: tuple[str, str], restriction: dict[str, Any]
) -> None:
    name, first = person
    narrow = make(f"narrow {name}", name, **restriction)
    assert code(call("POST", "/v1/me/keys", narrow, {"alias": "wide"})) == (403, "key_restricted")
    [other] = [each for each in call("GET", "/v1/me/keys", narrow).json()["data"] if not each["presented"]]
    refused = call("POST", f"/v1/me/keys/{other['id']}/rotate", narrow)
    assert code(refused) == (403, "key_restricted"), "its new secret would be that of a freer key"
    assert call("GET", "/v1/me", first).status_code == 200
    [own] = [each for each in call("GET", "/v1/me/keys", narrow).json()["data"] if each["presented"]]
    assert call("POST", f"/v1/me/keys/{own['id']}/rotate", narrow).status_code == 200, (
        "its own secret gives nothing new"
    )


def test_a_key_that_ends_makes_none_that_lasts(call: Call, make: Callable[..., str], person: tuple[str, str]) -> None:
    name, _ = person
    ends = time.time_ns() // 1000 + 2 * DAY
    leaving = make(f"leaving {name}", name, expires_at=ends)
    assert call("POST", "/v1/me/keys", leaving, {"alias": "on"}).json()["expires_at"] == ends
    [lasting] = [each for each in call("GET", "/v1/me/keys", leaving).json()["data"] if each["expires_at"] is None]
    assert code(call("POST", f"/v1/me/keys/{lasting['id']}/rotate", leaving)) == (403, "key_restricted")


def test_a_key_that_people_made_makes_its_like(call: Call, person: tuple[str, str]) -> None:
    made = call("POST", "/v1/me/keys", person[1], {"alias": "one", "days": 5}).json()
    second = call("POST", "/v1/me/keys", made["key"], {"alias": "two"}).json()
    assert second["expires_at"] == made["expires_at"]


def test_the_number_is_bounded_however_they_are_made(call: Call, person: tuple[str, str]) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: call("POST", "/v1/me/keys", person[1], {"alias": f"k{n}"}), range(8)))
    assert sorted(each.status_code for each in answers) == [200] * 3 + [403] * 5
    assert {code(each)[1] for each in answers if each.status_code != 200} == {"too_many_keys"}
    for number in range(6):
        _revoke_one(call, person[1])
        assert call("POST", "/v1/me/keys", person[1], {"alias": f"again {number}"}).status_code == 200
    _revoke_one(call, person[1])
    assert code(call("POST", "/v1/me/keys", person[1], {"alias": "too often"})) == (403, "too_many_keys")


def _revoke_one(call: Call, key: str) -> None:
    mine = call("GET", "/v1/me/keys", key).json()["data"]
    other = next(each["id"] for each in mine if each["valid"] and not each["presented"])
    assert call("DELETE", f"/v1/me/keys/{other}", key).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"alias": ""},
        {"alias": "  "},
        {"alias": "a/b"},
        {"alias": "a\nb"},
        {"alias": "a" * 61},
        {"alias": 1},
        {"alias": "a", "purpose": "p" * 201},
        {"alias": "a", "purpose": "p\x00"},
        {"alias": "a", "days": 0},
        {"alias": "a", "days": 31},
        {"alias": "a", "days": 10**30},
        {"alias": "a", "days": 1.5},
        {"alias": "a", "owner": "mallory@example.com"},
        {"alias": "a", "identity": "open-webui"},
        {"alias": "a", "models": ["*"]},
    ],
)
def test_wrong_bodies(call: Call, person: tuple[str, str], body: Any) -> None:
    answer = call("POST", "/v1/me/keys", person[1], body)
    assert answer.status_code == 400, answer.text
    assert len(call("GET", "/v1/me/keys", person[1]).json()["data"]) == 1


@pytest.mark.parametrize("seconds", [-1, 86_401, 10**30, "1", None])
def test_wrong_grace(call: Call, person: tuple[str, str], seconds: Any) -> None:
    [own] = call("GET", "/v1/me/keys", person[1]).json()["data"]
    answer = call("POST", f"/v1/me/keys/{own['id']}/rotate", person[1], {"grace_seconds": seconds})
    assert answer.status_code == 400
    assert call("GET", "/v1/me", person[1]).status_code == 200


def test_two_people_may_use_one_alias(call: Call, make: Callable[..., str], person: tuple[str, str]) -> None:
    other = make(f"other {person[0]}", f"other-{person[0]}")
    for key in (person[1], other):
        assert call("POST", "/v1/me/keys", key, {"alias": "laptop"}).status_code == 200


def test_me_tells_models_and_budgets(call: Call, person: tuple[str, str]) -> None:
    name, key = person
    budget = {"nano_usd": 5 * 10**9, "window": "month", "hard": True}
    assert call("PUT", f"/admin/budgets/person:{name}", ADMIN_KEY, budget).status_code == 200
    told = call("GET", "/v1/me", key).json()
    assert told["person"] == {"user_id": name, "email": name}
    assert [(each["scope"], each["left_usd"]) for each in told["budgets"]] == [("person", 5.0)]
    assert told["models"][0]["mode"] == "chat"
    assert told["models"][0]["price_usd_per_million_tokens"]["images"] == {"1024x1024": 0.04}


def test_it_is_off_unless_it_is_switched_on(upstream: tuple[FakeUpstream, str], tmp_path: Path) -> None:
    config = {"admin_key": "${ADMIN_KEY}", "models": [model("m", deployment(upstream[1]))]}
    with in_process(tmp_path, config) as served:
        admin = {"authorization": f"Bearer {ADMIN_KEY}"}
        made = httpx2.post(f"{served.url}/admin/keys", json={"alias": "a", "owner": "a@b"}, headers=admin)
        own = {"authorization": f"Bearer {made.json()['key']}"}
        assert code(httpx2.post(f"{served.url}/v1/me/keys", json={"alias": "b"}, headers=own)) == (403, "own_keys_off")
        [listed] = httpx2.get(f"{served.url}/v1/me/keys", headers=own).json()["data"]
        assert httpx2.post(f"{served.url}/v1/me/keys/{listed['id']}/rotate", headers=own).status_code == 200


@pytest.mark.parametrize(
    ("maker", "other", "covers"),
    [
        (Policy(), Policy(), True),
        (Policy(), Policy(models=("a",), requests_per_minute=1), True),
        (Policy(traffic_class="batch"), Policy(), True),
        (Policy(models=("a",)), Policy(models=("a",)), True),
        (Policy(models=("a",)), Policy(), False),
        (Policy(models=("a", "b")), Policy(models=("a",)), False),
        (Policy(expires_at=5), Policy(), False),
        (Policy(expires_at=5), Policy(expires_at=6), False),
        (Policy(expires_at=5), Policy(expires_at=5), True),
        (Policy(budget_nano_usd=1), Policy(budget_nano_usd=1), False),
    ],
)
def test_what_a_key_covers(maker: Policy, other: Policy, covers: bool) -> None:
    if covers:
        check_covers(maker, other)
    else:
        with pytest.raises(Forbidden):
            check_covers(maker, other)


@pytest.mark.parametrize("page", ["me.md", "me.ja.md"])
def test_every_route_and_code_is_documented(page: str) -> None:
    text = (Path(gateway.__file__).parents[1] / "docs" / page).read_text()
    for method, path, _ in own_keys._TABLE:
        assert f"`{method} /v1/me/keys{path}`" in text
    for each in ("own_keys_off", "no_owner", "key_restricted", "too_many_keys", "alias_taken", "key_ended"):
        assert f"`{each}`" in text
