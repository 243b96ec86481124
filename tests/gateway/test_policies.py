"""What a key may do, set on the command line and over the admin routes, effective at once."""

import time
from collections.abc import Iterator
from ipaddress import ip_address

import httpx2
import pytest

from gateway.config.schema import Server
from gateway.network import Address, client_address, counted_as
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ADMIN_KEY, PROVIDER_KEY, GatewayProcess

MESSAGES = [{"role": "user", "content": "hi"}]
CHAT = "/v1/chat/completions"


def _ask(gateway: GatewayProcess, key: str, model: str = "mine", **headers: str) -> httpx2.Response:
    sent = {"authorization": f"Bearer {key}", **headers}
    return httpx2.post(gateway.url + CHAT, json={"model": model, "messages": MESSAGES}, headers=sent, trust_env=False)


@pytest.fixture
def admin(gateway: GatewayProcess) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    with httpx2.Client(base_url=gateway.url, headers=headers, trust_env=False) as client:
        yield client


def test_models_by_glob(gateway: GatewayProcess) -> None:
    key = gateway.key("globs", "--model", "m*", "--model", "embed")
    assert _ask(gateway, key).status_code == 200
    refused = _ask(gateway, key, "echo")
    assert (refused.status_code, "may use" in refused.json()["error"]["message"]) == (404, True)
    listed = httpx2.get(f"{gateway.url}/v1/models", headers={"authorization": f"Bearer {key}"}, trust_env=False).json()
    assert {each["id"] for each in listed["data"]} == {"mine", "embed"}
    assert "echo" not in refused.text.replace("'echo'", "").replace("「echo」", ""), (
        "a hint names only what the key may see"
    )


def test_networks_of_a_key(gateway: GatewayProcess) -> None:
    key = gateway.key("elsewhere", "--network", "10.0.0.0/8", "--network", "2001:db8::/32")
    refused = _ask(gateway, key)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "network_not_allowed")
    forged = _ask(gateway, key, **{"x-forwarded-for": "10.1.2.3"})
    assert forged.status_code == 403, "nobody is believed who is not a trusted proxy"
    assert _ask(gateway, gateway.key("here", "--network", "127.0.0.0/8")).status_code == 200


def test_an_expired_key_is_refused(gateway: GatewayProcess) -> None:
    assert _ask(gateway, gateway.key("gone", "--expires", "2025-01-01")).status_code == 401
    assert _ask(gateway, gateway.key("not-yet", "--expires", "2099-01-01T12:00")).status_code == 200


def test_a_rotated_key_works_for_its_grace_time(gateway: GatewayProcess, admin: httpx2.Client) -> None:
    old = gateway.key("turning")
    new = admin.post("/admin/keys/turning/rotate", json={"grace_seconds": 1}).json()["key"]
    assert old != new
    assert _ask(gateway, old).status_code == _ask(gateway, new).status_code == 200
    time.sleep(1.1)
    assert (_ask(gateway, old).status_code, _ask(gateway, new).status_code) == (401, 200)


def test_keys_over_the_admin_routes(gateway: GatewayProcess, admin: httpx2.Client) -> None:
    made = admin.post("/admin/keys", json={"alias": "made", "owner": "bob@example.com", "models": ["mine"]}).json()
    assert _ask(gateway, made["key"]).status_code == 200
    changed = admin.patch("/admin/keys/made", json={"models": ["embed"], "team": "blue"}).json()
    assert (changed["policy"]["models"], changed["team"]) == (["embed"], "blue")
    assert "key" not in changed
    assert _ask(gateway, made["key"]).status_code == 404
    assert admin.get(f"/admin/keys/{made['id']}").json()["alias"] == "made"
    assert "made" in [each["alias"] for each in admin.get("/admin/keys").json()["data"]]
    assert admin.delete("/admin/keys/made").json()["revoked_at"]
    assert _ask(gateway, made["key"]).status_code == 401, "revoked at once"


def test_budgets_over_the_admin_routes(admin: httpx2.Client) -> None:
    wanted = {"nano_usd": 5, "window": "month"}
    assert admin.put("/admin/budgets/team:blue", json=wanted).json() == {"scope": "team:blue", "hard": True, **wanted}
    assert admin.put("/admin/budgets/somebody", json=wanted).status_code == 400
    assert admin.get("/admin/budgets").json()["data"]
    assert admin.delete("/admin/budgets/team:blue").status_code == 200
    assert admin.delete("/admin/budgets/team:blue").status_code == 404


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "alias"),
        ({"alias": "x1", "models": "all"}, "models: must be a list"),
        ({"alias": "x2", "networks": ["10.0.0.1/8"]}, "is not a network"),
        ({"alias": "x3", "budget_nano_usd": 5}, "budget_window: missing"),
        ({"alias": "x4", "tokens_per_minute": -1}, "tokens_per_minute"),
        ({"alias": "x5", "colour": "red"}, "colour: unknown"),
        ({"alias": "x6", "traffic_class": "vip"}, "traffic_class: 'vip'"),
    ],
)
def test_wrong_policies_are_explained(admin: httpx2.Client, body: dict[str, object], says: str) -> None:
    answer = admin.post("/admin/keys", json=body)
    assert (answer.status_code, says in answer.json()["error"]["message"]) == (400, True), answer.text


def test_explain_tells_without_calling_anyone(
    gateway: GatewayProcess, admin: httpx2.Client, upstream: tuple[FakeUpstream, str]
) -> None:
    gateway.key("explained", "--identity", "open-webui")
    before, records = len(upstream[0].seen), len(gateway.records())
    body = {"model": "falls-back", "messages": MESSAGES, "max_tokens": 100, "user": "u9"}
    asked = {"api": "/v1/chat/completions", "key": "explained"}
    told = admin.post("/admin/explain", params=asked, json=body, headers={"x-sekisho-task": "tags_generation"}).json()
    assert [each["model"] for each in told["deployments"]] == ["falls-back", "mine"]
    assert (told["class"], told["person"]["user_id"]) == ("task", "u9")
    assert told["estimate"]["answer_tokens"] == 100
    assert told["reserves"]["tokens"] == told["estimate"]["input_tokens"] + 100
    assert told["reserves"]["cost_usd"] >= 100 * 15 / 1e6, "the dearest model that may answer"
    wrong = admin.post("/admin/explain", params=asked, json={**body, "model": "mime"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (404, "model_not_found")
    assert admin.post("/admin/explain", params={**asked, "api": "/v2/x"}, json=body).status_code == 400
    assert (len(upstream[0].seen), len(gateway.records())) == (before, records)


def test_answers_say_what_they_cost(gateway: GatewayProcess, key: str) -> None:
    assert float(_ask(gateway, key).headers["x-sekisho-cost-usd"]) == (7 * 3000 + 4 * 300 + 7 * 15000) / 1e9


def test_admin_routes_are_closed_to_others(gateway: GatewayProcess, key: str) -> None:
    for presented in ("none", key, ADMIN_KEY[:-1]):
        headers = {"authorization": f"Bearer {presented}"}
        assert httpx2.get(f"{gateway.url}/admin/keys", headers=headers, trust_env=False).status_code == 401


def test_a_header_may_lower_the_class_only(gateway: GatewayProcess, key: str) -> None:
    assert _ask(gateway, key, **{"x-sekisho-class": "batch"}).status_code == 200
    assert _ask(gateway, key, **{"x-sekisho-class": "vip"}).status_code == 400


def test_metrics_tell_counts_and_no_secrets(gateway: GatewayProcess, key: str) -> None:
    _ask(gateway, key)
    text = httpx2.get(f"{gateway.url}/metrics", trust_env=False).text
    assert 'sekisho_requests_total{api="chat",class="chat",model="mine",outcome="ok",status="200"}' in text
    assert 'sekisho_tokens_total{kind="input",model="mine"}' in text
    assert "sekisho_waiting" in text
    assert "sekisho_deployment_up" in text
    for secret in (key, PROVIDER_KEY, ADMIN_KEY, "alice"):
        assert secret not in text


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (ip_address("2001:db8::5"), "2001:db8::/64"),
        (ip_address("192.0.2.1"), "192.0.2.1"),
        ("unknown", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_one_subscriber_counts_as_one(address: Address | str | None, name: str) -> None:
    assert counted_as(address) == name


SERVER = Server.model_validate({"trusted_proxies": ["10.0.0.0/8", "::1/128"]})


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "garbage", None),
        ("10.0.0.1", "198.51.100.7, unknown", None),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::1", "2001:db8::5", "2001:db8::5"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
    ],
)
def test_forwarded_for_is_read_as_far_as_proxies_are_trusted(peer: str, forwarded: str, expected: str | None) -> None:
    """What a trusted proxy tells and nobody can read is no address: it is in no network."""
    scope = {"client": (peer, 1)}
    address = client_address(scope, {"x-forwarded-for": forwarded}, SERVER)
    assert address == (ip_address(expected) if expected else None)
