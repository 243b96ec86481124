"""`/openapi.json` is valid, names every route, and says of each what it really answers."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jwt
import openapi_spec_validator
import pytest
from starlette.routing import Route

from gateway.api.admin import admin_routes
from gateway.ledger.segments import folder, read
from gateway.openapi.document import document
from gateway.openapi.operation import Operation
from gateway.openapi.operations import OPERATIONS
from gateway.openapi.page import page
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.described import differences, is_described, operation_of, validator
from tests.fixtures.gateway import ADMIN_KEY, ENVIRONMENT, IDENTITY_SECRET, InProcess, deployment, in_process, model

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
CHAT = {"model": "mine", "messages": [{"role": "user", "content": "hi"}]}
CONFIG = {
    "admin_key": "${ADMIN_KEY}",
    "own_keys": {"most": 5},
    "open_webui": {"identity_secret": "${SEKISHO_IDENTITY_SECRET}"},
    "mcp": {"servers": {"wiki": {"url": "http://127.0.0.1:9/mcp", "auth": {"oauth": {}}}}},
}


@pytest.fixture(scope="module")
def company(upstream: tuple[FakeUpstream, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    price = {"input": 3.0, "output": 15.0, "images": {"1024x1024": 0.04}}
    models = [model("mine", deployment(upstream[1]), price=price, fallback=["embed"], context_window=8192)]
    other = model("embed", deployment(upstream[1]), mode="embedding")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        config = {**CONFIG, "models": [*models, other]}
        with in_process(tmp_path_factory.mktemp("described"), config) as served:
            yield served


def test_it_is_valid_and_served(company: InProcess) -> None:
    answer = httpx2.get(f"{company.url}/openapi.json", trust_env=False)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == document()
    openapi_spec_validator.validate(answer.json())


def test_the_page_is_written_from_it() -> None:
    assert PAGE.read_text() == page(), "run: python -m gateway.openapi.page docs/api.md"


def test_every_route_is_described_and_nothing_else(company: InProcess) -> None:
    app: Any = company.described
    while not hasattr(type(app), "routes"):
        app = app._app
    served = {
        (each.path_format, method) for each in app.routes if isinstance(each, Route) for method in each.methods or ()
    }
    people = {(path, method) for path, method in served if is_described(path) and method != "HEAD"}
    assert people == {(each.path, each.method) for each in OPERATIONS}, "a route needs a row in gateway/openapi"
    assert {route.path_format for route in admin_routes()} <= {path for path, _ in people}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_its_examples_are_allowed(operation: Operation) -> None:
    made = operation_of(operation.method, operation.path)
    assert made
    assert operation.summary[0].isupper()
    if operation.answered:
        assert differences(made, 200, json.dumps(operation.answered).encode()) == []
    if operation.example:
        schema = made["requestBody"]["content"]["application/json"]["schema"]
        assert [each.message for each in validator(schema).iter_errors(operation.example)] == []


def test_every_operation_answers_as_described(company: InProcess) -> None:
    """The application of the tests compares each of these; so it does with every other test in one process."""
    described = company.described
    assert described
    before = set(described.seen)
    with httpx2.Client(base_url=company.url, timeout=60, trust_env=False) as http:
        _as_administrator(http, company)
        _as_a_person(http, company)
        _as_open_webui(http)
    seen = described.seen - before
    assert {name for name, status in seen if status == 200} == {each.name for each in OPERATIONS}
    assert {status for _, status in seen} >= {200, 400, 401, 403, 404}
    assert described.differences == []


def _as_administrator(http: httpx2.Client, company: InProcess) -> None:
    http.headers["authorization"] = f"Bearer {ADMIN_KEY}"
    limits = {"requests_per_minute": 60, "budget_nano_usd": 10**9, "budget_window": "day", "models": ["*"]}
    _sent(
        http, "POST", "/admin/keys", {"alias": "one", "owner": "a@example.com", "team": "t", "purpose": "p", **limits}
    )
    _sent(http, "GET", "/admin/keys")
    _sent(http, "GET", "/admin/keys/one")
    _sent(http, "PATCH", "/admin/keys/one", {"networks": ["127.0.0.0/8"], "expires_at": 4_000_000_000_000_000})
    key = _sent(http, "POST", "/admin/keys/one/rotate", {"grace_seconds": 0})["key"]
    _sent(http, "PUT", "/admin/budgets/team:t", {"nano_usd": 10**10, "window": "month", "hard": False})
    _sent(http, "GET", "/admin/budgets")
    _sent(http, "POST", "/admin/explain?key=one", {**CHAT, "unheard_of": 1})
    _used(company, key)
    assert _sent(http, "GET", "/admin/records")["records"]
    assert _sent(http, "GET", "/admin/overview?timezone=Asia/Tokyo")["periods"]
    assert _sent(http, "GET", "/admin/live")["deployments"]
    assert _sent(http, "GET", "/admin/configuration")["values"]
    assert _sent(http, "GET", "/admin/ledger")["agrees"]
    assert _sent(http, "GET", "/admin/audit?action=key&limit=2")["more"]
    _sent(http, "GET", "/admin/usage?by=user,day,hour,weekday,status&team=t&team=other")
    _sent(http, "GET", "/admin/models/ending?days=3650")
    _sent(http, "GET", "/v1/me", key=key)
    _sent(http, "GET", "/v1/me/usage?by=model,hour_of_day", key=key)
    _sent(http, "DELETE", "/admin/budgets/team:t")
    _sent(http, "DELETE", "/admin/keys/one")
    for method, path, body in (
        ("POST", "/admin/keys", {"alias": 1}),
        ("PATCH", "/admin/keys/one", {"models": "all"}),
        ("GET", "/admin/keys/nobody", None),
        ("PUT", "/admin/budgets/nobody", {"nano_usd": 1, "window": "month"}),
        ("DELETE", "/admin/budgets/nobody", None),
        ("GET", "/admin/usage?by=nothing", None),
        ("POST", "/admin/explain?key=one", {"model": "none", "messages": []}),
    ):
        assert http.request(method, path, json=body).status_code in (400, 404)


def _as_a_person(http: httpx2.Client, company: InProcess) -> None:
    first = _sent(http, "POST", "/admin/keys", {"alias": "hers", "owner": "b@example.com"})["key"]
    nobodys = _sent(http, "POST", "/admin/keys", {"alias": "nobodys"})["key"]
    made = _sent(http, "POST", "/v1/me/keys", {"alias": "laptop", "days": 3}, first)
    path = f"/v1/me/keys/{made['id']}"
    _used(company, made["key"])
    _sent(http, "GET", "/v1/me/keys", key=first)
    _sent(http, "POST", "/v1/me/notices", {"model": "mine"}, first)
    _sent(http, "POST", "/v1/me/acknowledgements", {"notice": "guide"}, first)
    _sent(http, "GET", "/v1/me/acknowledgements", key=first)
    assert _sent(http, "GET", path, key=first)["last_used"]
    _sent(http, "POST", f"{path}/rotate", {"grace_seconds": 5}, first)
    _sent(http, "DELETE", path, key=first)
    assert not _sent(http, "GET", "/v1/me/tool-servers", key=first)["data"][0]["signed_in"]
    assert not _sent(http, "DELETE", "/v1/me/tool-servers/wiki", key=first)["was_signed_in"]
    for key in (nobodys, "sk-unknown", "x", first):
        headers = {"authorization": f"Bearer {key}"}
        for each in OPERATIONS:
            asked = each.path.format(id="key_0", name="none", server="none")
            assert http.request(each.method, asked, json=None, headers=headers).status_code < 500


def _as_open_webui(http: httpx2.Client) -> None:
    key = _sent(http, "POST", "/admin/keys", {"alias": "chat", "identity": "open-webui"})["key"]
    claims = {"iss": "open-webui", "sub": "u", "email": "b@example.com", "exp": time.time() + 60}
    token = jwt.encode(claims, IDENTITY_SECRET, "HS256")
    _sent(http, "POST", "/v1/me/console-link", {"sekisho_identity": token}, key)


def _used(company: InProcess, key: str) -> None:
    """Send a request with a key, and wait for its record."""
    answer = httpx2.post(f"{company.url}/v1/chat/completions", json=CHAT, headers={"authorization": f"Bearer {key}"})
    deadline = time.monotonic() + 30
    while answer.headers["x-sekisho-request-id"] not in {each.request_id for each in read(folder(company.data_dir))}:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _sent(http: httpx2.Client, method: str, path: str, body: Any = None, key: str = ADMIN_KEY) -> Any:
    answer = http.request(method, path, json=body, headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda answer: answer.pop("limits"), "'limits' is a required property"),
        (lambda answer: answer.update(secret="x"), "Additional properties are not allowed"),
        (lambda answer: answer["person"].update(email=3), "3 is not"),
    ],
)
def test_an_answer_that_differs_is_found(company: InProcess, change: Any, said: str) -> None:
    made = httpx2.get(f"{company.url}/v1/me", headers={"authorization": f"Bearer {company.key}"}, trust_env=False)
    operation = operation_of("GET", "/v1/me")
    assert operation
    answer = made.json()
    assert differences(operation, 200, json.dumps(answer).encode()) == []
    change(answer)
    assert said in differences(operation, 200, json.dumps(answer).encode())[0]
    assert differences(operation, 418, b"{}") == ["this status is not described"]
