"""Who is asking: strongest evidence first, nobody speaks for somebody else."""

import base64
import json
import time
from typing import Any
from urllib.parse import quote

import httpx2
import jwt
import pytest

from gateway.identity.client import client_name
from gateway.ledger.record import Record
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import IDENTITY_SECRET, GatewayProcess

HEADERS = {
    "x-openwebui-user-id": "u-headers",
    "x-openwebui-user-email": "taro@example.com",
    "x-openwebui-user-name": quote("山田 太郎"),
    "x-openwebui-user-role": "user",
    "x-openwebui-chat-id": "chat-1",
    "x-sekisho-task": "title_generation",
    "x-sekisho-groups": quote("開発,Research"),
    "x-sekisho-message-id": "message-1",
}


def token(secret: str = IDENTITY_SECRET, **claims: Any) -> str:
    now = int(time.time())
    known = {"iss": "sekisho", "sub": "u-token", "email": "hanako@example.com", "name": "花子", "role": "admin"}
    more = {
        "groups": ["営業"],
        "chat_id": "chat-2",
        "message_id": "message-2",
        "task": "",
        "iat": now,
        "exp": now + 300,
    }
    return jwt.encode({**known, **more, **claims}, secret, algorithm="HS256")


def _ask(gateway: GatewayProcess, key: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
    messages = [{"role": "user", "content": "hi"}]
    sent = {"authorization": f"Bearer {key}", **(headers or {})}
    return httpx2.post(
        f"{gateway.url}/v1/chat/completions",
        json={"model": "mine", "messages": messages, **body},
        headers=sent,
        trust_env=False,
    )


def _recorded(gateway: GatewayProcess, answer: httpx2.Response) -> Record:
    assert answer.status_code == 200, answer.text
    return gateway.record(answer.headers["x-sekisho-request-id"])


def test_headers_of_open_webui(gateway: GatewayProcess, open_webui_key: str) -> None:
    record = _recorded(gateway, _ask(gateway, open_webui_key, {}, HEADERS))
    assert (record.user_id, record.user_email, record.user_name) == ("u-headers", "taro@example.com", "山田 太郎")
    assert (record.user_role, record.user_groups) == ("user", ("開発", "Research"))
    assert (record.chat_id, record.message_id, record.task) == ("chat-1", "message-1", "title_generation")
    assert (record.identity_source, record.client) == ("headers", "open-webui")


def test_a_signed_token_is_stronger_and_goes_no_further(
    gateway: GatewayProcess, open_webui_key: str, upstream: tuple[FakeUpstream, str]
) -> None:
    headers = {name: value for name, value in HEADERS.items() if "task" not in name}
    record = _recorded(gateway, _ask(gateway, open_webui_key, {"sekisho_identity": token()}, headers))
    assert (record.user_id, record.user_name, record.user_groups) == ("u-token", "花子", ("営業",))
    assert (record.chat_id, record.task, record.identity_source) == ("chat-2", "chat", "token")
    seen = upstream[0].last
    assert "sekisho_identity" not in seen.body
    assert not [name for name in seen.headers if name.startswith(("x-openwebui", "x-sekisho"))]


def test_open_webuis_own_jwt(gateway: GatewayProcess, open_webui_key: str) -> None:
    headers = {**HEADERS, "x-openwebui-user-jwt": token(iss="open-webui", groups=None, chat_id=None)}
    record = _recorded(gateway, _ask(gateway, open_webui_key, {}, headers))
    assert (record.user_id, record.identity_source, record.chat_id) == ("u-token", "jwt", "chat-1")


def test_the_bodys_user_is_a_claim(gateway: GatewayProcess, open_webui_key: str) -> None:
    record = _recorded(gateway, _ask(gateway, open_webui_key, {"user": "somebody"}))
    assert (record.user_id, record.identity_source) == ("somebody", "body")


def _unsigned() -> str:
    return jwt.encode({"iss": "sekisho", "sub": "root", "exp": int(time.time()) + 60}, "", algorithm="none")


@pytest.mark.parametrize(
    "forged",
    [
        token(secret="another-secret-of-the-right-length-0"),
        token(exp=int(time.time()) - 120),
        token(iss="somebody"),
        _unsigned(),
        "not-a-token",
    ],
    ids=["wrong secret", "expired", "wrong issuer", "unsigned", "garbage"],
)
def test_a_forged_token_is_refused(gateway: GatewayProcess, open_webui_key: str, forged: str) -> None:
    answer = _ask(gateway, open_webui_key, {"sekisho_identity": forged}, HEADERS)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_identity")
    assert gateway.record(answer.headers["x-sekisho-request-id"]).outcome == "refused"


def test_other_keys_speak_for_nobody_else(gateway: GatewayProcess, key: str) -> None:
    body = {"user": "boss", "sekisho_identity": token()}
    record = _recorded(gateway, _ask(gateway, key, body, HEADERS))
    assert (record.user_id, record.identity_source) == ("alice@example.com", "key")
    assert (record.user_name, record.chat_id, record.task) == (None, None, "chat")


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("claude-cli/2.0.1 (external, cli)", "claude-code"),
        ("codex_cli_rs/0.156.0", "codex"),
        ("RooCode/3.25", "roo-code"),
        ("Cline/3.1", "cline"),
        ("OpenAI/Python 3.54.0", "openai-python"),
        ("Mozilla/5.0", "other"),
    ],
)
def test_clients_are_known_by_their_agent(agent: str, name: str) -> None:
    assert client_name(agent) == name


@pytest.mark.parametrize(
    "token",
    [
        "a.b.c",
        "a" * 100_000,
        ".".join([base64.urlsafe_b64encode(b"[" * 3000).decode()] * 3),
        ".".join([base64.urlsafe_b64encode(b'{"alg":"HS256","a":' + b"[" * 3000).decode(), "e30", "e30"]),
        "\ud800",
        "..",
        "é.é.é",
    ],
    ids=["letters", "long", "nested", "nested deep", "half a pair", "dots", "accents"],
)
@pytest.mark.parametrize("place", ["header", "body"])
def test_a_token_that_is_none_is_refused(gateway: GatewayProcess, open_webui_key: str, token: str, place: str) -> None:
    headers = {b"authorization": f"Bearer {open_webui_key}".encode()}
    body: dict[str, Any] = {"model": "mine", "messages": [{"role": "user", "content": "hi"}]}
    if place == "body":
        body["sekisho_identity"] = token
    else:
        headers[b"x-openwebui-user-jwt"] = token.encode("utf-8", "replace")[:20_000]
    answer = httpx2.post(
        f"{gateway.url}/v1/chat/completions", content=json.dumps(body), headers=headers, timeout=20, trust_env=False
    )
    assert answer.status_code in (400, 401), answer.text
    assert "Traceback" not in gateway.log


def test_half_a_surrogate_pair_in_a_name_leaves_a_record(gateway: GatewayProcess, open_webui_key: str) -> None:
    signed = token(name="\ud83d 花子", groups=["\ude00", "営業"], chat_id="c\ud800")
    answer = _ask(gateway, open_webui_key, {"sekisho_identity": signed})
    record = _recorded(gateway, answer)
    assert (record.user_name, record.user_groups, record.chat_id) == ("? 花子", ("?", "営業"), "c?")
