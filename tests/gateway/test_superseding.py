"""Code completion while somebody types: the newest keystroke counts, and nobody waits for an old one."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from tests.fixtures.completion import COMPLETIONS, FIM, INFILL, SENT, Lane


def test_a_policy_limits_the_tokens(lane: Lane) -> None:
    asked = [{"max_tokens": 5000}, {"max_tokens": 8}, {}, {"max_tokens": -1}]
    for body in asked:
        lane.ask(FIM, {"model": "vllm-capped", "prompt": "a", **body})
    sent = [body["max_tokens"] for _, body in lane.states["vllm"].asked]
    lane.ask(INFILL, {"model": "vllm-capped", "input_prefix": "a", "n_predict": -1})
    lane.ask(COMPLETIONS, {"model": "vllm-capped", "prompt": "plain", "max_tokens": 4000})
    sent += [body["max_tokens"] for _, body in lane.states["vllm"].asked[len(asked) :]]
    assert sent == [64, 8, 64, 64, 64, 64]


@pytest.mark.parametrize("path", SENT)
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_is_too_old_is_dropped(lane: Lane, path: str, stream: bool) -> None:
    state = lane.states["vllm"]
    state.seconds = 20
    answer = lane.ask(path, {"model": "vllm-late", **SENT[path], "stream": stream})
    silent = path == INFILL
    assert (answer.status_code, len(answer.content) == 0) == ((204, True) if silent else (504, False))
    assert silent or answer.headers["x-should-retry"] == "false"
    assert state.closed.wait(5), "the server goes on for nobody"
    record = lane.gateway.record(answer)
    assert (record.outcome, record.error_code) == ("cancelled", "completion_too_late")


def test_a_stream_that_is_too_old_is_dropped_where_it_stands(lane: Lane) -> None:
    state = lane.states["vllm"]
    state.pause = 0.1
    answer = lane.ask(FIM, {"model": "vllm-later", **SENT[FIM], "stream": True})
    events = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    assert json.loads(events[-1])["error"]["code"] == "completion_too_late"
    record = lane.gateway.record(answer)
    assert (record.outcome, record.error_code) == ("cancelled", "completion_too_late")
    assert record.output_tokens, "what was read is counted"


async def _two(lane: Lane, path: str, first: dict[str, Any], second: dict[str, Any], **more: str) -> list[Any]:
    """Ask twice, the second time as soon as the server has the first request."""
    state, headers = lane.states["vllm"], {"authorization": f"Bearer {lane.gateway.key}", "user-agent": "editor/1"}
    async with httpx2.AsyncClient(base_url=lane.gateway.url, headers=headers, timeout=60, trust_env=False) as client:
        older = asyncio.create_task(client.post(path, json=first))
        await asyncio.to_thread(state.started.wait, 10)
        state.seconds = 0
        newer = await client.post(path, json=second, headers=more)
        return [await older, newer]


@pytest.mark.parametrize("path", SENT)
async def test_the_newest_keystroke_supersedes_the_older_one(lane: Lane, path: str) -> None:
    """Its editor hears nothing that it would show, and does not try again."""
    lane.states["vllm"].seconds = 30
    older, newer = await _two(lane, path, {"model": "vllm", **SENT[path]}, {"model": "vllm", **SENT[path]})
    assert newer.status_code == 200
    assert await asyncio.to_thread(lane.states["vllm"].closed.wait, 5)
    if path == INFILL:
        assert (older.status_code, older.content) == (204, b"")
    else:
        assert (older.status_code, older.headers["x-should-retry"]) == (409, "false")
        assert "operation was aborted" in older.json()["error"]["message"], "Continue shows no such error"
    record = lane.gateway.record(older)
    assert (record.outcome, record.error_code) == ("cancelled", "superseded")


KEPT = [
    ({"model": "vllm-kept"}, {"model": "vllm-kept"}, {}),
    ({"model": "vllm"}, {"model": "vllm-capped"}, {}),
    ({"model": "vllm"}, {"model": "vllm"}, {"user-agent": "another/1"}),
    ({"model": "vllm"}, {"model": "vllm"}, {"x-sekisho-client": "continue"}),
    ({"model": "vllm"}, {"model": "vllm"}, {"x-sekisho-supersede": "off"}),
    ({"model": "vllm"}, {"model": "vllm"}, {"x-sekisho-class": "batch"}),
    ({"model": "vllm"}, {"model": "vllm", "n_predict": 0}, {}),
]


@pytest.mark.parametrize(("first", "second", "headers"), KEPT)
async def test_nothing_else_supersedes(
    lane: Lane, first: dict[str, Any], second: dict[str, Any], headers: dict[str, str]
) -> None:
    lane.states["vllm"].seconds = 0.4
    sent = SENT[INFILL]
    answers = await _two(lane, INFILL, {**sent, **first}, {**sent, **second}, **headers)
    assert [answer.status_code for answer in answers] == [200, 200]


async def test_a_stream_that_began_ends_with_an_error_of_its_dialect(lane: Lane) -> None:
    """The newer one comes while the older one's text arrives."""
    headers = {"authorization": f"Bearer {lane.gateway.key}", "user-agent": "editor/1"}
    state, body = lane.states["vllm"], {"model": "vllm", **SENT[FIM]}
    state.pause = 0.2
    async with (
        httpx2.AsyncClient(base_url=lane.gateway.url, headers=headers, timeout=60, trust_env=False) as client,
        client.stream("POST", FIM, json={**body, "stream": True}) as older,
    ):
        lines = (line async for line in older.aiter_lines() if line.startswith("data: "))
        first = await anext(lines)
        newer = await client.post(FIM, json=body)
        rest = [line async for line in lines]
    assert (older.status_code, newer.status_code) == (200, 200)
    assert "content" in first
    assert json.loads(rest[-1][6:])["error"]["code"] == "superseded"
    assert lane.gateway.record(older).outcome == "cancelled"


async def test_many_keystrokes_leave_one_answer_and_nothing_behind(lane: Lane) -> None:
    headers = {"authorization": f"Bearer {lane.gateway.key}", "user-agent": "editor/1"}
    lane.states["vllm"].seconds = 0.5
    async with httpx2.AsyncClient(base_url=lane.gateway.url, headers=headers, timeout=60, trust_env=False) as client:
        body = {"model": "vllm", **SENT[FIM]}
        answers = await asyncio.gather(*(client.post(FIM, json=body) for _ in range(30)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(409)) == (1, 29)
