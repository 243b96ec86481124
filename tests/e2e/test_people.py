"""Programs that call Open WebUI's API with a person's token: attributed like a chat, and nobody can pose as another."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
import pytest
from openai import OpenAI

from gateway.ledger.record import Record
from tests.e2e.stack import CHAT_MODEL, Person, Stack
from tests.e2e.upstream import ANSWER
from tests.fixtures.open_webui import OpenWebUIServer

PERMISSIONS = "/api/v1/users/default/permissions"


def question(text: str, **more: Any) -> dict[str, Any]:
    return {"model": CHAT_MODEL, "messages": [{"role": "user", "content": text}], **more}


@contextmanager
def new_row(stack: Stack) -> Iterator[list[Record]]:
    """The one chat that is recorded within the block."""
    before = {row.request_id for row in stack.gateway.records()}
    added: list[Record] = []
    yield added
    added += [row for row in stack.gateway.records() if row.request_id not in before]
    assert [row.task for row in added] == ["chat"]


def assert_from(row: Record, person: Person) -> None:
    assert (row.user_id, row.user_email, row.user_name) == (person.id, person.email, person.name)
    assert (row.identity_source, row.user_role, row.outcome) == ("token", "user", "ok")


def test_a_call_without_session_is_attributed(stack: Stack, hanako: Person) -> None:
    with new_row(stack) as rows:
        answer = hanako.post("/api/chat/completions", question("APIから尋ねます。", stream=False))
    assert answer["choices"][0]["message"]["content"] == ANSWER
    assert_from(rows[0], hanako)


@pytest.fixture
def api_key(open_webui: OpenWebUIServer, hanako: Person) -> Iterator[str]:
    """People may make API keys only where the administrator allows it."""
    before = open_webui.request("GET", PERMISSIONS)
    open_webui.request("POST", PERMISSIONS, {**before, "features": {**before["features"], "api_keys": True}})
    yield hanako.post("/api/v1/auths/api_key", None)["api_key"]
    open_webui.request("POST", PERMISSIONS, before)


def test_a_stream_with_an_api_key_is_attributed(stack: Stack, hanako: Person, api_key: str) -> None:
    with new_row(stack) as rows, OpenAI(base_url=f"{stack.open_webui.url}/api", api_key=api_key) as client:
        stream = client.chat.completions.create(
            model=CHAT_MODEL, messages=[{"role": "user", "content": "APIキーで尋ねます。"}], stream=True
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert text == ANSWER
    assert_from(rows[0], hanako)


def test_who_forges_an_identity_is_recorded_as_themself(stack: Stack, hanako: Person, taro: Person) -> None:
    claims = {"iss": "sekisho", "sub": taro.id, "role": "admin", "exp": int(time.time()) + 300}
    forged = jwt.encode(claims, "a-secret-that-i-made-up-0123456789", algorithm="HS256")
    with new_row(stack) as rows:
        hanako.post(
            "/api/chat/completions",
            question("私は誰?", sekisho_identity=forged, user=taro.id, safety_identifier=taro.id),
        )
    assert_from(rows[0], hanako)
    assert not any(forged in seen.everything or taro.id in seen.everything for seen in stack.upstream.seen)


def test_a_call_past_the_filters_is_attributed_by_the_connection(stack: Stack, hanako: Person, taro: Person) -> None:
    with new_row(stack) as rows:
        answer = hanako.post("/openai/chat/completions", question("フィルターを通らない道。", user=taro.id))
    assert answer["choices"][0]["message"]["content"] == ANSWER
    assert (rows[0].user_id, rows[0].identity_source) == (hanako.id, "headers")


def test_two_people_are_two_to_the_upstream_and_the_same_ones_every_time(
    stack: Stack, hanako: Person, taro: Person
) -> None:
    def pseudonym(person: Person, text: str) -> Any:
        person.post("/api/chat/completions", question(text))
        (seen,) = (seen for seen in stack.upstream.seen if text in seen.everything)
        return seen.body["safety_identifier"]

    first, again, other = pseudonym(hanako, "一回目"), pseudonym(hanako, "二回目"), pseudonym(taro, "別の人")
    assert first == again != other
