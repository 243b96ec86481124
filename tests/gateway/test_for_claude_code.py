"""What Claude Code asks of a gateway that it is signed in to: settings, budget, telemetry; budgets in headers."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from gateway.api.claude_code import checksum_of, merged, spend
from gateway.api.unified_limits import budget_headers
from gateway.limits.limit import Limit, LimitStatus
from tests.fakes.replaying import Replaying, Seen
from tests.fakes.serving import serving
from tests.fixtures.gateway import ADMIN_KEY, ENVIRONMENT, InProcess, deployment, in_process, model

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-upstream",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1000, "output_tokens": 1000},
}
THEIRS = {"anthropic-ratelimit-unified-status": "rejected", "anthropic-ratelimit-requests-limit": "1"}
ASKED = {"model": "claude-sonnet", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
PREFIX = "anthropic-ratelimit-unified-"


async def _answer(seen: Seen, scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse(MESSAGE, headers=THEIRS)(scope, receive, send)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    fake = Replaying(("/v1/messages",), {"upstream": _answer})
    with serving(fake) as address, pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        upstream = deployment(address, "upstream", provider="anthropic")
        models = [
            model("claude-sonnet", upstream, price={"input": 3, "output": 15}, context_window=200_000),
            model("small", upstream, price={"input": 0.1, "output": 0.2}),
            model("free", upstream),
        ]
        settings = {
            "env": {"OTEL_METRICS_EXPORTER": "otlp", "CLAUDE_CODE_GATEWAY_HINT_HEADERS": None},
            "permissions": {"deny": ["Read(./秘密)"]},
        }
        config = {"admin_key": "${ADMIN_KEY}", "models": models, "clients": {"claude_code": {"settings": settings}}}
        with in_process(tmp_path_factory.mktemp("company"), config) as served:
            yield served


def get(company: InProcess, path: str, key: str, **headers: str) -> httpx2.Response:
    return httpx2.get(f"{company.url}{path}", headers={"authorization": f"Bearer {key}", **headers}, timeout=30)


def made(company: InProcess, alias: str, **more: Any) -> str:
    answer = httpx2.post(
        f"{company.url}/admin/keys",
        headers={"authorization": f"Bearer {ADMIN_KEY}"},
        json={"alias": alias, "owner": f"{alias}@example.com", **more},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["key"])


def ask(company: InProcess, key: str, **more: Any) -> httpx2.Response:
    body = {**ASKED, **more}
    return httpx2.post(f"{company.url}/v1/messages", headers={"x-api-key": key}, json=body, timeout=30)


def unified(answer: httpx2.Response) -> dict[str, str]:
    return {
        name.removeprefix("anthropic-ratelimit-"): value
        for name, value in answer.headers.items()
        if name.startswith("anthropic-ratelimit-")
    }


def test_settings_are_the_configuration_over_what_is_known(company: InProcess) -> None:
    told = get(company, "/managed/settings", company.key)
    assert told.status_code == 200
    content = told.json()
    settings = content["settings"]
    assert settings["model"] == "claude-sonnet"
    assert settings["permissions"] == {"deny": ["Read(./秘密)"]}
    env = settings["env"]
    assert (env["ANTHROPIC_DEFAULT_SONNET_MODEL"], env["ANTHROPIC_DEFAULT_HAIKU_MODEL"]) == ("claude-sonnet", "small")
    assert env["OTEL_METRICS_EXPORTER"] == "otlp"
    assert "CLAUDE_CODE_GATEWAY_HINT_HEADERS" not in env, "null in the configuration removes it"
    as_the_client = json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert content["checksum"] == f"sha256:{hashlib.sha256(as_the_client).hexdigest()}"
    assert told.headers["etag"] == f'"{content["checksum"]}"'


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ('"{}"', 304),
        ('W/"{}"', 304),
        ('"other", "{}"', 304),
        ("*", 304),
        ('"sha256:0"', 200),
        ("", 200),
        ("," * 5000, 200),
    ],
)
def test_settings_that_the_client_has_are_not_sent_again(company: InProcess, asked: str, status: int) -> None:
    checksum = get(company, "/managed/settings", company.key).json()["checksum"]
    told = get(company, "/managed/settings", company.key, **{"if-none-match": asked.replace("{}", checksum)})
    assert told.status_code == status
    assert bool(told.content) is (status == 200)


def test_settings_are_those_of_the_keys_models(company: InProcess) -> None:
    settings = get(company, "/managed/settings", made(company, "small-only", models=["small"])).json()["settings"]
    assert settings["model"] == "small"
    assert settings["env"]["ENABLE_TOOL_SEARCH"] == "false", "it is not Anthropic's"
    settings = get(company, "/managed/settings", made(company, "nothing", models=["none-*"])).json()["settings"]
    assert "model" not in settings


@pytest.mark.parametrize("path", ["/managed/settings", "/api/oauth/usage"])
def test_an_unknown_key_is_told_not_to_try_again(company: InProcess, path: str) -> None:
    refused = get(company, path, "sk-unknown")
    assert (refused.status_code, refused.headers["x-should-retry"]) == (401, "false")
    assert (refused.json()["type"], refused.json()["error"]["type"]) == ("error", "authentication_error")


def test_the_budget_is_told_in_cents(company: InProcess) -> None:
    key = made(company, "spender", budget_nano_usd=20 * 10**9, budget_window="month")
    assert ask(company, key).status_code == 200
    told = get(company, "/api/oauth/usage", key).json()
    assert told["extra_usage"] == {
        "is_enabled": True,
        "monthly_limit": 2000,
        "used_credits": 1.8,
        "utilization": 0.1,
        "currency": "USD",
    }
    (limit,) = told["limits"]
    assert (limit["kind"], limit["group"], limit["percent"], limit["severity"]) == ("spend", "monthly", 0.1, "normal")
    assert limit["resets_at"].endswith("Z")
    assert get(company, "/api/oauth/usage", company.key).json() == {
        "extra_usage": {
            "is_enabled": False,
            "monthly_limit": None,
            "used_credits": None,
            "utilization": None,
            "currency": "USD",
        },
        "limits": [],
    }


def test_answers_tell_the_budget_and_never_the_upstreams(company: InProcess) -> None:
    assert unified(ask(company, company.key)) == {}, "neither ours nor the upstream's"
    key = made(company, "half", budget_nano_usd=36 * 10**6, budget_window="day")
    assert unified(ask(company, key))["unified-status"] == "allowed"
    told = unified(ask(company, key))
    assert told["unified-overage-utilization"] == "0.5"
    assert told["unified-representative-claim"] == "overage"
    assert told["unified-reset"] == told["unified-overage-reset"]
    assert "unified-overage-surpassed-threshold" not in told


def test_a_budget_that_is_used_up_is_told_in_our_words(company: InProcess) -> None:
    key = made(company, "done", budget_nano_usd=18 * 10**6, budget_window="day")
    assert ask(company, key).status_code == 200
    refused = ask(company, key)
    assert (refused.status_code, refused.headers["x-should-retry"]) == (429, "false")
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    told = unified(refused)
    assert (told["unified-status"], told["unified-overage-period"]) == ("rejected", "daily")
    assert told["unified-overage-disabled-reason"] == "org_spend_cap_reached"
    assert not {"unified-representative-claim", "unified-overage-status"} & told.keys(), (
        "the client would hide our words"
    )
    error = refused.json()["error"]
    assert error["type"] == "billing_error"
    assert "starts anew" in error["message"]
    assert "administrator" in error["message"]
    free = ask(company, key, model="free")
    assert free.status_code == 200
    assert unified(free)["unified-overage-surpassed-threshold"] == "0.95"


@pytest.mark.parametrize(
    ("used", "amount", "status", "threshold"),
    [
        (0, 100, "allowed", None),
        (74, 100, "allowed", None),
        (75, 100, "allowed_warning", "0.75"),
        (95, 100, "allowed_warning", "0.95"),
        (500, 100, "allowed_warning", "0.95"),
        (0, 0, "allowed_warning", "0.95"),
    ],
)
def test_the_fullest_budget_is_told(used: int, amount: int, status: str, threshold: str | None) -> None:
    budgets = [
        LimitStatus(Limit("person:a", "budget", amount, "month"), used, resets_in=60),
        LimitStatus(Limit("team:b", "budget", 10**9, "month"), 0, resets_in=60),
        LimitStatus(Limit("key:c", "requests", 1, "minute"), 1, resets_in=60),
    ]
    told = {name.decode().removeprefix(PREFIX): value.decode() for name, value in budget_headers(budgets)}
    assert (told["status"], told.get("overage-surpassed-threshold")) == (status, threshold)


@pytest.mark.parametrize("path", ["/v1/metrics", "/v1/logs", "/v1/traces"])
def test_telemetry_is_taken_and_thrown_away(company: InProcess, path: str) -> None:
    told = httpx2.post(f"{company.url}{path}", json={"resourceMetrics": []}, timeout=30)
    assert (told.status_code, told.content) == (200, b"{}")
    told = httpx2.post(f"{company.url}{path}", content=b"\x00", headers={"content-type": "application/x-protobuf"})
    assert (told.status_code, told.content) == (200, b"")


def test_telemetry_is_bounded(company: InProcess) -> None:
    assert httpx2.post(f"{company.url}/v1/logs", content=bytes(5 * 1024 * 1024), timeout=30).status_code == 413


@pytest.mark.parametrize(
    ("known", "over", "result"),
    [
        ({}, {}, {}),
        ({"a": 1}, {"a": None, "b": None}, {}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": [1]}, {"a": {"b": 1, "c": None}}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": [2]}, {"a": [2]}),
    ],
)
def test_merging_is_that_of_rfc_7396(known: dict[str, Any], over: dict[str, Any], result: dict[str, Any]) -> None:
    assert merged(known, over) == result


def test_the_checksum_does_not_depend_on_the_order() -> None:
    assert checksum_of({"b": 1, "a": {"d": 1, "c": 2}}) == checksum_of({"a": {"c": 2, "d": 1}, "b": 1})
    assert checksum_of({}) == f"sha256:{hashlib.sha256(b'{}').hexdigest()}"


def test_a_budget_of_nothing_is_full() -> None:
    empty = {"usd": 0.0, "used_usd": 0.0, "window": "day", "resets_at": "2026-01-01T00:00:00Z"}
    assert spend([empty])["limits"][0]["percent"] == 100.0


def test_settings_that_cannot_be_are_refused(tmp_path: Path) -> None:
    from gateway.config.load import load
    from gateway.errors import ConfigError

    for settings in ("[]", "text", f"{{env: {{A: {'x' * 70_000}}}}}"):
        file = tmp_path / "sekisho.yaml"
        file.write_text(f"clients:\n  claude_code:\n    settings: {settings}\n")
        with pytest.raises(ConfigError, match=r"clients\.claude_code\.settings"):
            load(file, {})
