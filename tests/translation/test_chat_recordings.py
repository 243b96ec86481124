"""Every recorded exchange of Chat Completions, read and written again: whole and as a stream."""

import json
from typing import Any

import pytest

from gateway.dialects.usage import from_chat
from gateway.profiles.profile import Profile
from gateway.translation.answer import Closed, Ended, Started
from gateway.translation.chat import CODEC
from gateway.translation.codec import Writing
from tests.fakes.exchanges import Exchange, exchanges
from tests.translation.chat_wire import check_whole, events_of, joined, payloads, whole, written

ALL = [each for each in exchanges("/chat/completions") if "messages" in each.request]
STREAMS = [each for each in ALL if each.is_stream]
WHOLE = [each for each in ALL if not each.is_stream]
_MARKED = ("<think>", "<reasoning>", "<thinking>")


def _id(exchange: Exchange) -> str:
    return exchange.name


def _without_marks(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message with reasoning that stands in its text, as our clients get it."""
    text = message["content"].lstrip()
    mark = next((each for each in _MARKED if text.startswith(each)), None)
    if mark is None:
        return message
    thought, _, rest = text[len(mark) :].partition(mark.replace("<", "</"))
    return {**message, "content": rest.lstrip(), "reasoning": thought.strip()}


def _finish(message: dict[str, Any]) -> str:
    """Return how an answer with these contents ends for our clients."""
    finish = (message["finish"] or "stop").strip() or "stop"
    named = {"function_call": "tool_calls", "model_length": "length"}.get(finish, finish)
    return "tool_calls" if message["calls"] and named == "stop" else named


def _check_same(sent: dict[str, Any], recorded: dict[str, Any]) -> None:
    expected = _without_marks(recorded)
    for name in ("content", "reasoning", "refusal", "calls"):
        assert sent[name] == expected[name], name
    assert sent["finish"] == _finish(expected)
    assert from_chat(sent["usage"]) == from_chat(expected["usage"])


def test_there_are_recordings() -> None:
    if not ALL:
        pytest.skip("no recordings in ../shared/recordings beside the repository")
    assert len(STREAMS) > 100
    assert len(WHOLE) > 250


@pytest.mark.parametrize("exchange", WHOLE, ids=_id)
def test_whole_answers_arrive_as_they_were(exchange: Exchange) -> None:
    answer = CODEC.read_answer(exchange.json, Profile())
    sent = CODEC.write_answer(answer, {"tools": [{}]})
    check_whole(sent)
    _check_same(whole(sent), whole(exchange.json))


@pytest.mark.parametrize("exchange", STREAMS, ids=_id)
def test_streams_arrive_as_they_were(exchange: Exchange) -> None:
    events = events_of(exchange.answer)
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Ended)
    sent = joined(written(events))
    _check_same(sent, joined(payloads(exchange.answer)))


@pytest.mark.parametrize("exchange", STREAMS, ids=_id)
def test_a_stream_says_what_the_whole_answer_would(exchange: Exchange) -> None:
    recorded = joined(payloads(exchange.answer))
    parts = [event.part for event in events_of(exchange.answer) if isinstance(event, Closed)]
    calls = [
        {"id": f"c{at}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for at, (name, arguments) in enumerate(recorded["calls"])
    ]
    message = {"content": recorded["content"], "reasoning": recorded["reasoning"], "tool_calls": calls}
    answer = CODEC.read_answer({"choices": [{"message": message}]}, Profile())
    names = {type(part).__name__ for part in answer.parts}
    assert {type(part).__name__ for part in parts} >= names - {"Refusal"}


@pytest.mark.parametrize("exchange", ALL, ids=_id)
def test_requests_go_up_as_they_came(exchange: Exchange) -> None:
    fields = exchange.request
    writing = Writing(Profile(cache_marks=True, max_tokens_member=_limit(fields)))
    sent = CODEC.write_request(CODEC.read_request(fields), writing)
    assert writing.dropped == []
    assert json.loads(json.dumps(sent)) == _normal(fields)


def _limit(fields: dict[str, Any]) -> Any:
    return "max_completion_tokens" if "max_completion_tokens" in fields else "max_tokens"


def _normal(fields: dict[str, Any]) -> dict[str, Any]:
    """Return a request in the form in which the codec writes it."""
    older = ("user", "functions", "function_call")
    found = {name: content for name, content in fields.items() if content is not None and name not in older}
    found["messages"] = [_normal_message(each) for each in fields["messages"]]
    if tools := [*fields.get("tools", []), *({"function": each} for each in fields.get("functions", []))]:
        found["tools"] = [{"type": "function", **each} for each in tools]
    if called := fields.get("function_call"):
        found["tool_choice"] = called if isinstance(called, str) else {"type": "function", "function": called}
    if found.get("tool_choice") == "any":
        found["tool_choice"] = "required"
    if found.get("response_format") == {"type": "text"}:
        del found["response_format"]
    for name in ("stream", "logprobs"):
        if not found.get(name, True):
            del found[name]
    if isinstance(found.get("stop"), str):
        found["stop"] = [found["stop"]]
    if fields.get("user"):
        found["safety_identifier"] = fields["user"]
    return found


def _normal_message(message: dict[str, Any]) -> dict[str, Any]:
    found = {name: content for name, content in message.items() if content not in (None, [])}
    content = message.get("content")
    if calls := found.get("tool_calls"):
        found["tool_calls"] = [{name: each[name] for name in each if name != "index"} for each in calls]
    if isinstance(content, list):
        found["content"] = [_normal_part(each) for each in content]
    if isinstance(content, list) and len(content) == 1 and content[0].keys() == {"type", "text"}:
        found["content"] = content[0]["text"]
    if message["role"] == "assistant" and not content:
        found["content"] = None if any(found.get(name) for name in ("tool_calls", "audio", "refusal")) else ""
    return found


def _normal_part(part: dict[str, Any]) -> dict[str, Any]:
    if part["type"] != "thinking":
        return part
    return {**part, "thinking": [{"type": "text", "text": "".join(each["text"] for each in part["thinking"])}]}
