"""A group of Open WebUI is a team at the gateway: who pays, what people read of it, before and when it is used up."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.e2e.conftest import PASSWORD
from tests.e2e.stack import CHAT_MODEL, Person, Stack, until

GROUP = "研究 開発"
TEAM = "research"


@pytest.fixture
def jiro(stack: Stack) -> Iterator[Person]:
    """In the group."""
    server, mail = stack.open_webui, "jiro.sato@example.com"
    person = Person(server, "佐藤ジロー", mail, PASSWORD, server.create_user("佐藤ジロー", mail, PASSWORD))
    group = server.request("POST", "/api/v1/groups/create", {"name": GROUP, "description": ""})["id"]
    server.request("POST", f"/api/v1/groups/id/{group}/users/add", {"user_ids": [person.id]})
    yield person
    server.request("DELETE", f"/api/v1/groups/id/{group}/delete")
    person.remove()


def test_the_group_pays_and_people_are_told_in_time(stack: Stack, jiro: Person) -> None:
    gateway = stack.gateway
    own = gateway.key("jiro", "--owner", jiro.email)
    body = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": "hi"}]}
    headers = {"authorization": f"Bearer {own}"}
    answer = httpx2.post(f"{gateway.url}/v1/chat/completions", json=body, headers=headers, trust_env=False, timeout=60)
    spent = float(answer.headers["x-sekisho-cost-usd"])
    gateway.command("budgets", "set", f"person:{jiro.email}", "--usd", f"{spent * 1.1:.9f}", "--warns")

    turn = jiro.ask("チームの質問です。")

    def told() -> str | None:
        messages = jiro.get(f"/api/v1/chats/{turn.chat_id}")["chat"]["history"]["messages"]
        lines = [status.get("description", "") for status in messages[turn.message["id"]].get("statusHistory", [])]
        return next((line for line in lines if "予算" in line), None)

    line = until(told, "nobody was told of the budget")
    assert "あなたの今月の予算 $" in line
    rows = stack.rows({"chat"}, user_id=jiro.id)
    assert {row.team for row in rows.values()} == {TEAM}
    assert {row.identity_source for row in rows.values()} == {"token"}

    gateway.command("budgets", "set", f"team:{TEAM}", "--usd", "0")
    probe = {"authorization": f"Bearer {gateway.key('probe', '--team', TEAM)}"}

    def known() -> bool:
        budgets = httpx2.get(f"{gateway.url}/v1/me", headers=probe, trust_env=False).json()["budgets"]
        return any(each["scope"] == "team" for each in budgets)

    until(known, "the running gateway does not know the team's budget")
    with pytest.raises(AssertionError, match=r"チーム「research」の今月の予算.*it-help@example\.com"):
        jiro.ask("もう一つ質問です。")  # which fails with what stands in place of an answer
    gateway.command("budgets", "remove", f"team:{TEAM}")
