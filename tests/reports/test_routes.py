"""`GET /v1/me/usage` and `GET /admin/usage` in a running gateway."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

from gateway.api.usage import as_of
from gateway.config.schema import Ledger
from gateway.reports.query_runner import FRESH_SECONDS
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ADMIN_KEY, IDENTITY_SECRET, GatewayProcess, every_model

COST = 127_200
"""Nano-USD of a request to the fake: 11 tokens in (4 of them cached), 7 out."""


@pytest.fixture(scope="module")
def own(upstream: tuple[FakeUpstream, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway of our own: nobody else's requests are counted."""
    config = {
        "open_webui": {"identity_secret": "${SEKISHO_IDENTITY_SECRET}"},
        "admin_key": "${ADMIN_KEY}",
        "models": every_model(upstream[1]),
    }
    process = GatewayProcess(tmp_path_factory.mktemp("usage"), config)
    process.command("budgets", "set", "person:hanako@example.com", "--usd", "2", "--per", "month")
    process.start()
    yield process
    assert process.stop() == 0, process.log


def _signed(**claims: Any) -> dict[str, str]:
    now = int(time.time())
    known = {"iss": "open-webui", "sub": "u-hanako", "email": "Hanako@example.com", "iat": now, "exp": now + 300}
    return {"x-openwebui-user-jwt": jwt.encode({**known, **claims}, IDENTITY_SECRET, algorithm="HS256")}


def _chat(gateway: GatewayProcess, key: str, **headers: str) -> None:
    body = {"model": "mine", "messages": [{"role": "user", "content": "hi"}]}
    sent = {"authorization": f"Bearer {key}", **headers}
    answer = httpx2.post(f"{gateway.url}/v1/chat/completions", json=body, headers=sent, timeout=20, trust_env=False)
    gateway.record(answer.headers["x-sekisho-request-id"])


def _get(gateway: GatewayProcess, path: str, key: str, headers: dict[str, str] | None = None) -> httpx2.Response:
    sent = {"authorization": f"Bearer {key}", **(headers or {})}
    return httpx2.get(f"{gateway.url}{path}", headers=sent, timeout=60, trust_env=False)


def test_a_person_is_one_over_chat_and_own_keys(own: GatewayProcess) -> None:
    chat = own.key("open-webui", "--identity", "open-webui")
    laptop = own.key("hanako-laptop", "--owner", "hanako@example.com")
    _chat(own, chat, **_signed())
    _chat(own, chat, **_signed(), **{"x-sekisho-task": "title_generation"})
    _chat(own, chat, **_signed(sub="u-taro", email="taro@example.com"))
    _chat(own, laptop)
    today = time.strftime("%Y-%m-%d", time.gmtime())
    for key, headers in ((laptop, {}), (chat, _signed())):
        told = _get(own, f"/v1/me/usage?by=model,day&from={today}&to={today}", key, headers).json()
        assert told["total"] == {"requests": 3, "input_tokens": 33, "output_tokens": 21, "cost_usd": 3 * COST / 1e9}
        assert told["rows"] == [{"model": "mine", "day": today, **told["total"]}]
        assert told["budget"] == told["budgets"][0]
        assert told["budget"] == {
            "scope": "person",
            "name": None,
            "usd": 2.0,
            "used_usd": 3 * COST / 1e9,
            "left_usd": 2.0 - 3 * COST / 1e9,
            "window": "month",
            "hard": True,
            "resets_at": told["budget"]["resets_at"],
            "warning": None,
        }
        assert re.fullmatch(r"\d{4}-\d\d-01T00:00:00Z", told["budget"]["resets_at"])
        assert "echo" in told["free_models"]
        assert "mine" not in told["free_models"]
    taro = _get(own, "/v1/me/usage?by=task", chat, _signed(sub="u-taro", email="taro@example.com")).json()
    assert taro["rows"] == [{"task": "chat", **taro["total"]}]
    assert (taro["total"]["requests"], taro["budget"], taro["currency"]) == (1, None, "USD")
    assert taro["from"] == time.strftime("%Y-%m-01", time.gmtime()), "this month, unless asked otherwise"
    _duckdb_stays_out(own)


def test_a_key_that_speaks_for_others_must_prove_for_whom(own: GatewayProcess) -> None:
    key = own.key("open-webui-too", "--identity", "open-webui")
    claimed = {"x-openwebui-user-id": "u-hanako", "x-openwebui-user-email": "hanako@example.com"}
    forged = {"x-openwebui-user-jwt": jwt.encode({"sub": "u"}, "another-secret-of-someone-else-0123456", "HS256")}
    for headers in ({}, claimed, forged):
        answer = _get(own, "/v1/me/usage", key, headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_identity")
    assert _get(own, "/v1/me/usage", "sk-wrong").status_code == 401


def test_another_ones_key_cannot_speak_for_a_person(own: GatewayProcess) -> None:
    key = own.key("jiro-laptop", "--owner", "jiro@example.com")
    assert _get(own, "/v1/me/usage", key, _signed()).json()["total"]["requests"] == 0
    answer = _get(own, "/v1/me/usage?by=user", key)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "by"


def test_a_key_of_nobody_tells_of_itself(own: GatewayProcess) -> None:
    key = own.key("batch")
    _chat(own, key)
    assert _get(own, "/v1/me/usage", key).json()["total"]["requests"] == 1


def test_answers_are_kept_for_a_moment_and_no_longer(own: GatewayProcess) -> None:
    key = own.key("saburo-laptop", "--owner", "saburo@example.com")
    assert _get(own, "/v1/me/usage", key).json()["total"]["requests"] == 0
    _chat(own, key)
    deadline = time.monotonic() + FRESH_SECONDS + 30
    while _get(own, "/v1/me/usage", key).json()["total"]["requests"] != 1:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_administrators_ask_about_everybody(own: GatewayProcess) -> None:
    key = own.key("shiro-laptop", "--owner", "shiro@example.com", "--team", "research")
    _chat(own, key)
    told = _get(own, "/admin/usage?by=user,model&team=research", ADMIN_KEY).json()
    (row,) = told["rows"]
    assert (row["user"], row["model"], row["requests"], row["cost_usd"]) == ("shiro@example.com", "mine", 1, COST / 1e9)
    assert told["total"]["requests"] == 1
    everybody = _get(own, "/admin/usage?by=user", ADMIN_KEY).json()
    assert {"hanako@example.com", "shiro@example.com"} <= {row["user"] for row in everybody["rows"]}
    assert _get(own, "/admin/usage", key).status_code == 401


@pytest.mark.parametrize(
    "query",
    [
        "by=user;drop table ledger",
        "by=user_email",
        "by=1",
        "by=count(*)",
        "by=model--",
        "from=yesterday",
        "from=2026-02-30",
        "from=2026-02-02&to=2026-02-01",
        "timezone=Mars/Base",
        "timezone=../../etc/passwd",
        "limit=0",
        "user_email=x",
        "by=" + ",".join(["user", "team", "key", "model", "kind", "task", "client", "api", "day"]),
    ],
)
def test_what_cannot_be_asked_is_refused(own: GatewayProcess, query: str) -> None:
    answer = _get(own, f"/admin/usage?{query}", ADMIN_KEY)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("value", ["' OR 1=1 --", "research'); DROP VIEW ledger; --", '"', "\\", "\x00", "山田"])
def test_a_value_is_only_ever_a_value(own: GatewayProcess, value: str) -> None:
    told = httpx2.get(
        f"{own.url}/admin/usage",
        params={"team": value},
        headers={"authorization": f"Bearer {ADMIN_KEY}"},
        timeout=60,
        trust_env=False,
    )
    assert told.json()["total"]["requests"] == 0, told.text


def _duckdb_stays_out(gateway: GatewayProcess) -> None:
    """Questions are answered, yet the worker did not load what answers them."""
    assert gateway.process
    assert "duckdb" not in Path(f"/proc/{gateway.process.pid}/maps").read_text()


def test_it_says_as_of_when(own: GatewayProcess) -> None:
    """Machines that share a destination know of each other's requests once they are shipped."""
    key = own.key("as-of", "--owner", "asof@example.com")
    told = datetime.fromisoformat(_get(own, "/v1/me/usage", key).json()["as_of"])
    assert timedelta(0) <= datetime.now(UTC) - told < timedelta(minutes=1)
    now = datetime(2026, 4, 1, 12, tzinfo=UTC)
    shared = Ledger(destination="/shared", segment_max_seconds=600, ship_seconds=60)
    assert as_of(shared, now) == "2026-04-01T11:47:00Z"
    assert as_of(Ledger(destination="/shared", ship_seconds=None), now) is None
    assert as_of(Ledger(), now) == "2026-04-01T11:59:50Z"
