"""Who gets in, from where, and what travels on: networks, unknown addresses, fallbacks, queries, quoted keys."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.identity.client import AGENTS, calling_client, client_name
from gateway.ledger.record import Record
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ADMIN_KEY, PROVIDER_KEY, GatewayProcess, deployment, model

ADMIN = {"authorization": f"Bearer {ADMIN_KEY}"}
CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}


def call(gateway: GatewayProcess, method: str, path: str, **more: Any) -> httpx2.Response:
    return httpx2.request(method, f"{gateway.url}{path}", trust_env=False, timeout=30, **more)


def last(gateway: GatewayProcess, answer: httpx2.Response) -> Record:
    return gateway.record(answer.headers["x-sekisho-request-id"])


@pytest.fixture(scope="module")
def walled(upstream: tuple[FakeUpstream, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """Only 203.0.113.0/24 may come in; this machine is a trusted proxy."""
    server = {"allowed_networks": ["203.0.113.0/24"], "trusted_proxies": ["127.0.0.0/8"]}
    config = {"server": server, "admin_key": "${ADMIN_KEY}", "models": [model("m", deployment(upstream[1]))]}
    process = GatewayProcess(tmp_path_factory.mktemp("walled"), config).start()
    yield process
    assert process.stop() == 0, process.log


ROUTES = [
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/chat/completions/"),
    ("POST", "/v1/embeddings"),
    ("POST", "/v1/messages"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/m"),
    ("GET", "/v1/me"),
    ("GET", "/v1/me/usage"),
    ("GET", "/v1/responses"),
    ("GET", "/admin/keys"),
    ("POST", "/admin/keys"),
    ("POST", "/admin/explain"),
    ("GET", "/admin/usage"),
    ("GET", "/metrics"),
    ("GET", "/nowhere"),
    ("OPTIONS", "/v1/models"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_networks_hold_for_every_route(walled: GatewayProcess, method: str, path: str) -> None:
    for headers in (ADMIN, {**ADMIN, "x-forwarded-for": "198.51.100.7"}):
        answer = call(walled, method, path, headers=headers)
        assert answer.status_code == 403, answer.text
        assert "network_not_allowed" in answer.text or "messages" in path
    inside = call(walled, method, path, headers={**ADMIN, "x-forwarded-for": "203.0.113.9"})
    assert inside.status_code != 403


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_come_from_everywhere(walled: GatewayProcess, path: str) -> None:
    assert call(walled, "GET", path).status_code == 200


@pytest.mark.parametrize("path", ["/admin/keys", "/metrics", "/v1/models", "/v1/chat/completions"])
def test_two_lines_of_forwarded_for_are_one_list(walled: GatewayProcess, path: str) -> None:
    """The caller's own line comes first; the proxy's is the last."""
    method = "POST" if "chat" in path else "GET"
    forged = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "198.51.100.7"), *ADMIN.items()]
    assert call(walled, method, path, headers=forged).status_code == 403
    honest = [("x-forwarded-for", "198.51.100.7"), ("x-forwarded-for", "203.0.113.9"), *ADMIN.items()]
    assert call(walled, method, path, headers=honest).status_code != 403


@pytest.mark.parametrize("written", ["203.0.113.9:51000", "203.0.113.9", "::ffff:203.0.113.9"])
def test_addresses_as_proxies_write_them(walled: GatewayProcess, written: str) -> None:
    assert call(walled, "GET", "/admin/keys", headers={**ADMIN, "x-forwarded-for": written}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/v1", 404, "not_found"),
        ("POST", "/v1/videos", 404, "not_found"),
        ("POST", "/chat/completions", 404, "not_found"),
        ("POST", "//v1/chat/completions", 404, "not_found"),
        ("POST", "/v1/chat/completions//", 404, "not_found"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
        ("POST", "/%ff%00" + "a" * 5000, 404, "not_found"),
    ],
)
def test_what_is_not_served_leaves_a_record(
    gateway: GatewayProcess, key: str, method: str, path: str, status: int, code: str
) -> None:
    headers = {"authorization": f"Bearer {key}", "user-agent": "QwenCode/0.24.4 (linux; x64)"}
    answer = call(gateway, method, path, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert len(answer.content) < 1500
    record = last(gateway, answer)
    assert (record.api, record.outcome, record.status, record.error_code) == ("unknown", "refused", status, code)
    assert (record.key_alias, record.user_email, record.client) == ("tests", "alice@example.com", "qwen-code")
    stranger = last(gateway, call(gateway, method, path, headers={"authorization": "Bearer sk-wrong"}))
    assert (stranger.key_id, stranger.client_ip) == (None, "127.0.0.1")


@pytest.mark.parametrize("path", ["/v1/chat/completions/", "/v1/models/", "/v1/me/", "/admin/keys/", "/healthz/"])
def test_a_trailing_slash_is_served(gateway: GatewayProcess, key: str, path: str) -> None:
    headers = {"authorization": f"Bearer {ADMIN_KEY if 'admin' in path else key}", "host": "evil.example.com"}
    method, body = ("POST", {"model": "mine", **CHAT}) if "chat" in path else ("GET", None)
    answer = call(gateway, method, path, headers=headers, json=body)
    assert answer.status_code == 200, answer.text
    assert "location" not in answer.headers


@pytest.fixture(scope="module")
def fallbacks(upstream: tuple[FakeUpstream, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    address = upstream[1]
    models = [
        model("broken", deployment(address, "503"), fallback=["secret", "vectors", "past", "open"]),
        model("secret", deployment(address)),
        model("vectors", deployment(address), mode="embedding"),
        model("past", deployment(address), available={"until": "2025-05-01"}),
        model("open", deployment(address)),
        model("claude", deployment(address, dialects=["chat", "messages"])),
    ]
    process = GatewayProcess(tmp_path_factory.mktemp("fallbacks"), {"admin_key": "${ADMIN_KEY}", "models": models})
    yield process.start()
    assert process.stop() == 0, process.log


def test_a_fallback_stays_within_what_the_key_allows(fallbacks: GatewayProcess) -> None:
    some = fallbacks.key("some", "--model", "broken", "--model", "vectors", "--model", "past", "--model", "open")
    one = fallbacks.key("one", "--model", "broken")
    body = {"model": "broken", **CHAT}
    answer = call(fallbacks, "POST", "/v1/chat/completions", json=body, headers={"authorization": f"Bearer {some}"})
    assert (answer.status_code, answer.headers["x-sekisho-model"]) == (200, "open")
    answer = call(fallbacks, "POST", "/v1/chat/completions", json=body, headers={"authorization": f"Bearer {one}"})
    assert answer.status_code == 503, answer.text
    assert last(fallbacks, answer).fallback_from is None


def test_the_explanation_says_which_fallbacks_are_left_out(fallbacks: GatewayProcess) -> None:
    fallbacks.key("explained", "--model", "broken", "--model", "past", "--model", "vectors", "--network", "10.0.0.0/8")
    body = {"model": "broken", **CHAT}
    told = call(fallbacks, "POST", "/admin/explain?key=explained", json=body, headers=ADMIN).json()
    assert [each["model"] for each in told["deployments"]] == ["broken"]
    assert told["fallbacks_left_out"] == {
        "secret": "the key may not use it",
        "vectors": "it is for embedding",
        "past": "it is not served now",
        "open": "the key may not use it",
    }
    assert told["key"]["networks"] == ["10.0.0.0/8"]


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("?key=sk-canary", ""),
        ("?beta=true", "beta=true"),
        ("?beta=true&key=sk-canary", "beta=true"),
        ("?key=sk-canary&beta=true&beta=true", "beta=true"),
        ("?beta=false", ""),
        ("?beta=true%26key%3Dsk-canary", ""),
    ],
)
def test_a_clients_query_stays_here(
    fallbacks: GatewayProcess, upstream: tuple[FakeUpstream, str], query: str, sent: str
) -> None:
    headers = {"authorization": f"Bearer {fallbacks.key(f'query{query}')}"}
    body = {"model": "claude", "max_tokens": 5, **CHAT}
    for path, expected in (("/v1/messages", sent), ("/v1/chat/completions", "")):
        call(fallbacks, "POST", f"{path}{query}", json=body, headers=headers)
        assert upstream[0].last.path == path
        assert upstream[0].last.query == expected


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("claude-cli/2.1.332 (external, sdk-cli)", "claude-code"),
        ("codex_exec/0.171.0 (Debian 12; x86_64)", "codex"),
        ("opencode/1.18.33 ai-sdk/provider-utils/4.0.1 runtime/bun/1.3.5", "opencode"),
        ("ai-sdk/openai-compatible/2.0.41 ai-sdk/provider-utils/4.0.1 runtime/bun/1.3.5", "cline"),
        ("ai-sdk/openai-compatible/2.0.41 ai-sdk/provider-utils/4.0.1 runtime/node.js/22", "ai-sdk"),
        ("Cline/3.39.0", "cline"),
        ("ls/JS 5.23.2", "continue"),
        ("Continue/1.2.0", "continue"),
        ("QwenCode/0.24.4 (linux; x64)", "qwen-code"),
        ("GeminiCLI-tui/0.61.0/gemini-2.5-pro (linux)", "gemini-cli"),
        ("RooCode/3.25", "roo-code"),
        ("Mozilla/5.0 (discontinued)", "other"),
        ("decline/1", "other"),
    ],
)
def test_programs_by_what_they_send(agent: str, name: str) -> None:
    assert client_name(agent) == name


def test_a_program_is_named_by_its_header() -> None:
    unknown = {"user-agent": "node-fetch"}
    assert calling_client(unknown) == "other"
    assert calling_client({**unknown, "x-sekisho-client": " Continue "}) == "continue"
    assert calling_client({**unknown, "originator": "codex_exec"}) == "codex"
    assert calling_client({**unknown, "x-sekisho-client": "made-up-" + "x" * 500}) == "other", "labels stay few"


@pytest.mark.parametrize("agent", ["QwenCode/0.24.4 (linux; x64)", "ls/JS 5.23.2", "ai-sdk/openai/1 runtime/bun/1"])
def test_their_class_is_agent(gateway: GatewayProcess, key: str, agent: str) -> None:
    headers = {"authorization": f"Bearer {ADMIN_KEY}", "user-agent": agent}
    told = call(gateway, "POST", "/admin/explain?key=tests", json={"model": "mine", **CHAT}, headers=headers).json()
    assert told["class"] == "agent"


def test_agents_are_names_of_the_table() -> None:
    assert {client_name(name) for name in AGENTS} == set(AGENTS)


HOSTILE_KEYS: list[Any] = [
    {"alias": "a", "store": 1},
    {"alias": "a", "id_or_alias": "b"},
    {"alias": "a" * 201},
    {"alias": "a\0b"},
    {"alias": "\ud800"},
    {"alias": 5},
    {"alias": "x", "owner": 5},
    {"alias": "x", "owner": ["a"]},
    {"alias": "x", "team": {"a": 1}},
    {"alias": "x", "identity": "root"},
    {"alias": "x", "identity": True},
    {"alias": "x", "models": "gpt"},
    {"alias": "x", "models": ["a" * 5000]},
    {"alias": "x", "models": ["a"] * 5000},
    {"alias": "x", "networks": ["10.0.0.0/33"]},
    {"alias": "x", "networks": [5]},
    {"alias": "x", "networks": "10.0.0.0/8"},
    {"alias": "x", "requests_per_minute": 10**30},
    {"alias": "x", "requests_per_minute": -1},
    {"alias": "x", "requests_per_minute": 1.5},
    {"alias": "x", "expires_at": 10**30},
    {"alias": "x", "budget_nano_usd": 10**30, "budget_window": "month"},
    {"alias": "x", "budget_hard": None},
    {"alias": "x", "traffic_class": []},
    [],
    5,
]


@pytest.mark.parametrize("body", HOSTILE_KEYS, ids=lambda body: json.dumps(body)[:40])
def test_odd_keys_are_refused_in_words(gateway: GatewayProcess, body: Any) -> None:
    answer = call(gateway, "POST", "/admin/keys", content=json.dumps(body), headers=ADMIN)
    assert answer.status_code == 400, answer.text
    assert len(answer.content) < 2000
    assert "Traceback" not in gateway.log
    changed = {name: value for name, value in body.items() if name != "alias"} if isinstance(body, dict) else body
    if changed:
        call(gateway, "POST", "/admin/keys", json={"alias": "odd"}, headers=ADMIN)
        answer = call(gateway, "PATCH", "/admin/keys/odd", content=json.dumps(changed), headers=ADMIN)
        assert answer.status_code == 400, answer.text


def test_an_admin_body_is_bounded_while_it_is_read(gateway: GatewayProcess) -> None:
    answer = call(gateway, "POST", "/admin/keys", content=b" " * 300_000, headers=ADMIN)
    assert answer.status_code == 413


@pytest.mark.parametrize("behaviour", ["quotes-key", "quotes-key-inside"])
@pytest.mark.parametrize("stream", [False, True])
def test_our_key_quoted_in_a_refusal_is_taken_out(
    tmp_path: Path, upstream: tuple[FakeUpstream, str], behaviour: str, *, stream: bool
) -> None:
    gateway = GatewayProcess(tmp_path, {"models": [model("m", deployment(upstream[1], behaviour))]}).start()
    headers = {"authorization": f"Bearer {gateway.key('tests')}"}
    body = {"model": "m", "stream": stream, **CHAT}
    answer = call(gateway, "POST", "/v1/chat/completions", json=body, headers=headers)
    assert "error" in answer.text
    assert PROVIDER_KEY not in answer.text
    assert PROVIDER_KEY[:12] not in answer.text
    assert gateway.stop() == 0
    traces = [path for path in tmp_path.rglob("*") if path.is_file() and PROVIDER_KEY.encode() in path.read_bytes()]
    assert traces == []
