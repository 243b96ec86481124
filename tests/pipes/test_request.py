"""What an agent is sent: the conversation, who asks, the files this person may read; and what it is never asked."""

import base64
import json
import time
from typing import Any

import jwt
import pytest

from tests.pipes.conftest import KEY, SECRET, Desk

Json = dict[str, Any]

SIGNED = {"identity_secret": SECRET}
HISTORY: list[Json] = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": "How many days?"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "c", "function": {"name": "search", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c", "content": "found"},
    {"role": "assistant", "content": "20 days."},
    {
        "role": "user",
        "content": [{"type": "text", "text": "And this?"}, {"type": "image_url", "image_url": {"url": "data:x"}}],
    },
]


def echo(desk: Desk, question: Any = "何日ですか。", **options: Any) -> Json:
    answer = desk.ask("echo", question, **options)
    assert answer.error == ""
    return dict(json.loads(answer.text))


def test_the_conversation_without_what_was_only_shown(desk: Desk) -> None:
    sent = echo(desk, HISTORY, body={"temperature": 0.3, "tools": [{"type": "function"}], "tool_choice": "auto"})[
        "body"
    ]
    assert sent["messages"] == [HISTORY[0], HISTORY[1], HISTORY[4], HISTORY[5]]
    assert sent["temperature"] == 0.3
    assert {"tools", "tool_choice", "metadata", "files"} & sent.keys() == set()
    assert (sent["model"], sent["stream"], sent["stream_options"]) == ("echo", True, {"include_usage": True})


def test_the_same_in_the_responses_dialect(desk: Desk) -> None:
    said = echo(desk, HISTORY, agent={"dialect": "responses"}, body={"max_tokens": 50})
    assert said["path"] == "/v1/responses"
    assert said["body"]["instructions"] == "Be short."
    assert said["body"]["max_output_tokens"] == 50
    assert said["body"]["input"] == [
        {"role": "user", "content": [{"type": "input_text", "text": "How many days?"}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "20 days."}]},
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "And this?"}, {"type": "input_image", "image_url": "data:x"}],
        },
    ]


def test_who_asks_is_signed(desk: Desk) -> None:
    group = desk.host.call("group", name="経理部", user_ids=[desk.user["id"]])
    assert group
    headers = echo(desk, valves={**SIGNED, "lifetime_seconds": 60})["headers"]
    said = jwt.decode(headers["x-openwebui-user-jwt"], SECRET, algorithms=["HS256"], issuer="sekisho")
    expires = said.pop("exp")
    assert 0 < expires - time.time() <= 60
    assert said.pop("iat") == expires - 60
    assert said == {
        "iss": "sekisho",
        "sub": desk.user["id"],
        "role": "user",
        "groups": ["経理部"],
        "chat_id": "local:1",
        "message_id": "m1",
        "task": "",
        "language": "ja-JP",
        "timezone": "",
        "email": desk.user["email"],
        "name": desk.user["name"],
    }
    assert headers["x-openwebui-chat-id"] == "local:1"
    assert headers["authorization"] == f"Bearer {KEY}"


def test_the_name_is_told_only_where_the_valve_says_so(desk: Desk) -> None:
    token = echo(desk, valves={**SIGNED, "share": "id"})["headers"]["x-openwebui-user-jwt"]
    assert {"email", "name"} & jwt.decode(token, options={"verify_signature": False}).keys() == set()


def test_without_a_secret_nobody_is_named(desk: Desk) -> None:
    told = json.dumps(echo(desk))
    assert not any(desk.user[key] in told for key in ("id", "email", "name"))


def test_a_query_in_the_address_stays_behind_the_path(desk: Desk) -> None:
    said = echo(desk, agent={"url": f"{desk.address}/v1?api-version=2026-01-01"})
    assert said["path"] == "/v1/chat/completions"


def attached(desk: Desk, owner: Json, text: str = "有給は20日", raw: bytes = b"%PDF") -> Json:
    content = base64.b64encode(raw).decode()
    id = desk.host.call("file", user_id=owner["id"], name="規程.pdf", data={"content": text}, content=content)
    return {"type": "file", "id": id, "name": "規程.pdf", "content_type": "application/pdf"}


def parts(desk: Desk, files: list[Json], how: str, **options: Any) -> list[Json]:
    content = echo(desk, agent={"files": how}, metadata={"files": files}, **options)["body"]["messages"][-1]["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


QUESTION = {"type": "text", "text": "何日ですか。"}


def test_files_as_text(desk: Desk) -> None:
    file = attached(desk, desk.user)
    assert parts(desk, [file], "text") == [
        {"type": "text", "text": '<file name="規程.pdf">\n有給は20日\n</file>\n'},
        QUESTION,
    ]


@pytest.mark.parametrize("how", ["text", "bytes"])
def test_a_file_that_is_attached_twice_is_sent_once(desk: Desk, how: str) -> None:
    """The same row twice, and the same content under another id; other words are another file."""
    file, again, other = attached(desk, desk.user), attached(desk, desk.user), attached(desk, desk.user, "x", b"x")
    assert len(parts(desk, [file, file, again, other], how)) == len(parts(desk, [file, other], how)) == 3


def test_files_as_they_are(desk: Desk) -> None:
    data = f"data:application/pdf;base64,{base64.b64encode(b'%PDF').decode()}"
    expected = {"type": "file", "file": {"filename": "規程.pdf", "file_data": data}}
    assert parts(desk, [attached(desk, desk.user)], "bytes") == [expected, QUESTION]
    said = echo(desk, agent={"files": "bytes", "dialect": "responses"}, metadata={"files": [attached(desk, desk.user)]})
    assert said["body"]["input"][-1]["content"][0] == {"type": "input_file", "filename": "規程.pdf", "file_data": data}


def test_no_files_unless_the_manifest_says_so(desk: Desk) -> None:
    assert parts(desk, [attached(desk, desk.user)], "none") == [QUESTION]


@pytest.mark.parametrize("how", ["text", "bytes"])
def test_a_file_of_somebody_else_stays_where_it_is(desk: Desk, how: str) -> None:
    """Its id came from the browser."""
    stranger = desk.host.call("user")
    answer = desk.ask("echo", agent={"files": how}, metadata={"files": [attached(desk, stranger, "SECRET", b"SECRET")]})
    assert "SECRET" not in answer.text
    assert base64.b64encode(b"SECRET").decode() not in answer.text
    [status] = answer.data("status")
    assert status == {"description": "規程.pdf は読み取れないため、エージェントに渡していません", "done": True}


@pytest.mark.parametrize("how", ["text", "bytes"])
def test_files_beyond_the_limit_are_named(desk: Desk, how: str) -> None:
    files = [attached(desk, desk.user, sign * 600, sign.encode() * 600) for sign in "xy"]
    answer = desk.ask("echo", agent={"files": how}, metadata={"files": files}, valves={"file_megabytes": 0.001})
    content = json.loads(answer.text)["body"]["messages"][-1]["content"]
    assert len(content) == 2
    assert [status["description"] for status in answer.data("status")] == [
        "規程.pdf は大きすぎるため、エージェントに渡していません"
    ]


LONG = "就業規則における年次有給休暇の繰越と時季変更権の関係について詳しく教えてください。"
TASKS = {
    "title_generation": {"title": "How many days of leave do I have this…"},
    "tags_generation": {"tags": []},
    "follow_up_generation": {"follow_ups": []},
    "query_generation": {"queries": ["And in my second year?"]},
    "autocomplete_generation": {"text": ""},
    "function_calling": {"tool_calls": []},
    "image_prompt_generation": {"prompt": "And in my second year?"},
}


def task(desk: Desk, name: str, body: Json, stream: bool = False) -> Any:
    metadata = {"task": name, "task_body": body}
    prompt = [{"role": "user", "content": "### Task: …"}]
    [answer, *_] = desk.ask("chat", prompt, stream=stream, metadata=metadata).chunks
    assert desk.agent.asked == []
    choice = answer["choices"][0]
    return choice["delta" if stream else "message"]["content"]


@pytest.mark.parametrize("name", TASKS)
def test_tasks_never_reach_the_agent(desk: Desk, name: str) -> None:
    questions = ("How many days of leave do I have this year, please?", "And in my second year?")
    body = {"messages": [{"role": "user", "content": question} for question in questions]}
    assert json.loads(task(desk, name, body)) == TASKS[name]


def test_a_japanese_title_is_cut_by_its_width(desk: Desk) -> None:
    said = json.loads(task(desk, "title_generation", {"messages": [{"role": "user", "content": LONG}]}))
    assert said == {"title": f"{LONG[:20]}…"}


def test_other_tasks(desk: Desk) -> None:
    assert task(desk, "emoji_generation", {}) == "💬"
    assert task(desk, "moa_response_generation", {"responses": ["one", "two"]}, stream=True) == "one\n\n---\n\ntwo"
    assert task(desk, "context_compaction", {}) == ""
