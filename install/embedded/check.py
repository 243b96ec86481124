"""`sekisho up --check`: one chat through Open WebUI as a plain user, found in the ledger under that user."""

import json
import time
from dataclasses import dataclass

import httpx2

from gateway.ledger.record import Record
from gateway.ledger.segments import folder, read
from gateway.project import ADMIN_EMAIL
from install.embedded.layout import CHAT_MODEL
from install.embedded.stack import Stack
from install.errors import InstallError

CHECK_EMAIL = "check@example.com"
QUESTION = "What is the capital of France? Answer in one short sentence."
_ANSWER_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Checked:
    """What came back, and the record of it."""

    answer: str
    record: Record


def check(stack: Stack) -> Checked:
    """Send one chat and find its record. Raises `InstallError` where a part does not do its work."""
    with httpx2.Client(base_url=stack.url, timeout=_ANSWER_SECONDS, trust_env=False) as client:
        user_id, token = _sign_in_as_user(client, stack)
        began = time.time_ns() // 1000
        answer = _chat(client, token, stack)
    record = _record_of(stack, user_id, began)
    if not answer:
        raise _failed("the answer was empty", stack)
    return Checked(answer, record)


def _sign_in_as_user(client: httpx2.Client, stack: Stack) -> tuple[str, str]:
    password = stack.secrets.check_password.reveal()
    signed_in = client.post("/api/v1/auths/signin", json={"email": CHECK_EMAIL, "password": password})
    if signed_in.is_error:
        admin = _ok(
            client.post(
                "/api/v1/auths/signin",
                json={"email": ADMIN_EMAIL, "password": stack.secrets.admin_password.reveal()},
            ),
            stack,
        )
        new = {"name": "Check", "email": CHECK_EMAIL, "password": password, "role": "user"}
        _ok(client.post("/api/v1/auths/add", json=new, headers=_bearer(admin.json()["token"])), stack)
        signed_in = client.post("/api/v1/auths/signin", json={"email": CHECK_EMAIL, "password": password})
    account = _ok(signed_in, stack).json()
    if account["role"] != "user":
        raise _failed(f"{CHECK_EMAIL} is '{account['role']}', not a plain user", stack)
    return account["id"], account["token"]


def _chat(client: httpx2.Client, token: str, stack: Stack) -> str:
    """Return the text of a streamed answer."""
    body = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": QUESTION}], "stream": True, "max_tokens": 40}
    parts: list[str] = []
    with client.stream("POST", "/api/chat/completions", json=body, headers=_bearer(token)) as response:
        if response.is_error:
            response.read()
            _ok(response, stack)
        for line in response.iter_lines():
            if line.startswith("data: {"):
                choices = json.loads(line[6:]).get("choices") or [{}]
                parts.append((choices[0].get("delta") or {}).get("content") or "")
    return "".join(parts).strip()


def _record_of(stack: Stack, user_id: str, since: int) -> Record:
    found = [each for each in read(folder(stack.layout.gateway)) if each.started_at >= since and each.task == "chat"]
    mine = [each for each in found if each.user_id == user_id]
    if len(mine) != 1:
        raise _failed(
            f"{len(mine)} records under user {user_id}, one was expected (of {len(found)} since then)",
            stack,
        )
    return mine[0]


def _failed(what: str, stack: Stack) -> InstallError:
    return InstallError(f"The check failed: {what}.", f"The logs are in {stack.layout.logs}.")


def _ok(response: httpx2.Response, stack: Stack) -> httpx2.Response:
    if response.is_error:
        where = response.request.url.path
        raise _failed(f"{where} answered {response.status_code}: {response.text[:200]}", stack)
    return response


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}
