"""What upstreams leave out of their answers, or say wrongly: the same for clients of each wire, whole and streamed."""

import json
from typing import Any

import pytest

from gateway import wire
from gateway.dialects.relay import StreamState
from gateway.dialects.usage import from_chat
from gateway.translation import chat, messages, responses
from gateway.translation.codec import Codec
from gateway.translation.contract import Asked
from gateway.translation.crossing import ConversationCrossing, Conversations
from tests.translation.clients import payloads

Fields = dict[str, Any]

SAID = [{"role": "user", "content": "hi"}]
REQUESTS: dict[str, Fields] = {
    "chat": {"messages": SAID},
    "responses": {"input": SAID, "store": False},
    "messages": {"messages": SAID, "max_tokens": 9},
}
CODECS: dict[str, Codec] = {"chat": chat.CODEC, "responses": responses.CODEC, "messages": messages.CODEC}


def begun(client: str, upstream: str, *, stream: bool, **more: Any) -> ConversationCrossing:
    fields = wire.members(wire.encode({"model": "m", "stream": stream, **REQUESTS[client], **more}))
    # the bytes of the client's request are never looked at
    asked = Asked(payload=None, fields=fields, model="m", stream=stream)  # type: ignore[arg-type]
    crossing = Conversations(CODECS[client], CODECS[upstream]).begin(asked)
    crossing.encode({})
    return crossing


def whole(client: str, upstream: str, answer: Fields) -> Fields:
    found = begun(client, upstream, stream=False).answer(wire.members(wire.encode(answer)))
    return {name: json.loads(bytes(raw)) for name, raw in found.items()}


def streamed(client: str, upstream: str, *events: Fields) -> tuple[StreamState, list[Fields]]:
    relay = begun(client, upstream, stream=True).relay()
    step = relay.feed(b"".join(b"data: %s\n\n" % wire.encode(event) for event in events))
    sent = step.block + step.last
    return relay.state, [json.loads(each) for each in payloads(sent) if each != b"[DONE]"]


def message(stop_reason: str, *content: Fields) -> Fields:
    base = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None}
    return {
        **base,
        "content": list(content),
        "stop_reason": stop_reason,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def events_of(answer: Fields) -> list[Fields]:
    begun = {"type": "message_start", "message": {**answer, "content": [], "stop_reason": None}}
    blocks: list[Fields] = []
    for index, block in enumerate(answer["content"]):
        blocks += [
            {"type": "content_block_start", "index": index, "content_block": block},
            {"type": "content_block_stop", "index": index},
        ]
    delta = {"type": "message_delta", "delta": {"stop_reason": answer["stop_reason"]}, "usage": {"output_tokens": 1}}
    return [begun, *blocks, delta, {"type": "message_stop"}]


@pytest.mark.parametrize("ids", [("", ""), ("a", "a"), ("a", "")])
def test_each_call_has_an_id_of_its_own(ids: tuple[str, str]) -> None:
    """Without one its result could not be told from that of another."""
    calls: list[Fields] = [{"type": "tool_use", "id": each, "name": "read", "input": {}} for each in ids]
    answer = message("tool_use", *calls)
    found = [call["id"] for call in whole("chat", "messages", answer)["choices"][0]["message"]["tool_calls"]]
    assert len(set(found)) == 2
    assert all(found)
    _, events = streamed("responses", "messages", *events_of(answer))
    items = events[-1]["response"]["output"]
    assert len({item["call_id"] for item in items}) == 2
    done = [each["item"] for each in events if each["type"] == "response.output_item.done"]
    assert done == items


def test_a_response_without_ids_of_calls() -> None:
    calls = [{"type": "function_call", "name": "read", "arguments": "{}"}] * 2
    answer = {"id": "resp_1", "object": "response", "status": "completed", "output": calls}
    blocks = whole("messages", "responses", answer)["content"]
    assert len({block["id"] for block in blocks if block["id"]}) == 2


def test_an_end_for_calls_that_are_none_is_an_end() -> None:
    """Agents would wait for calls, or send results of none."""
    answer = message("tool_use", {"type": "text", "text": "done"})
    assert whole("chat", "messages", answer)["choices"][0]["finish_reason"] == "stop"
    chunk = {"id": "c", "choices": [{"index": 0, "delta": {"content": "done"}, "finish_reason": "tool_calls"}]}
    _, events = streamed("messages", "chat", chunk, {"choices": [], "usage": {"prompt_tokens": 1}})
    assert next(each["delta"]["stop_reason"] for each in events if each["type"] == "message_delta") == "end_turn"


def test_an_end_that_says_nothing_of_calls() -> None:
    answer = message("end_turn", {"type": "tool_use", "id": "a", "name": "read", "input": {}})
    assert whole("chat", "messages", answer)["choices"][0]["finish_reason"] == "tool_calls"
    _, events = streamed("chat", "messages", *events_of(answer))
    assert [choice["finish_reason"] for each in events for choice in each["choices"]][-1] == "tool_calls"


def test_a_refusal_without_words_is_told() -> None:
    """An empty answer that is complete says nothing to anybody."""
    found = whole("responses", "messages", message("refusal"))
    assert found["incomplete_details"] == {"reason": "content_filter"}
    assert found["status"] == "incomplete"


def test_a_failed_response_is_no_answer() -> None:
    failed = {"id": "resp_1", "status": "failed", "error": {"code": "server_error", "message": "x"}, "output": []}
    state, _ = streamed("chat", "responses", {"type": "response.completed", "response": failed})
    assert state is StreamState.FAILED


@pytest.mark.parametrize("count", [10**13, 1e300, -1, True, "7", float("1.5")])
def test_counts_that_cannot_be(count: Any) -> None:
    usage = from_chat({"prompt_tokens": 5, "completion_tokens": count})
    assert usage is not None
    assert (usage.input, usage.output) == (5, None)


def test_calls_of_the_same_id_in_two_conversations() -> None:
    """Some servers number their calls, so that each conversation has a `functions.read:0`; its reasoning is its own."""
    store: dict[str, bytes] = {}
    for path in ("a", "b"):
        thought = {"type": "thinking", "thinking": f"I want {path}", "signature": f"seal {path}"}
        call = {"type": "tool_use", "id": "functions.read:0", "name": "read", "input": {"path": path, "at": 1}}
        crossing = begun("chat", "messages", stream=False)
        crossing.answer(wire.members(wire.encode(message("tool_use", thought, call))))
        store |= crossing.kept
    function = {"name": "read", "arguments": '{ "at": 1, "path": "a" }'}
    made = {"role": "assistant", "tool_calls": [{"id": "functions.read:0", "type": "function", "function": function}]}
    result = {"role": "tool", "tool_call_id": "functions.read:0", "content": "x"}
    crossing = begun("chat", "messages", stream=False, messages=[*SAID, made, result])
    sent = crossing.request_fields({key: store.get(key, b"") for key in crossing.wanted({})})
    assert sent["messages"][1]["content"][0] == {"type": "thinking", "thinking": "I want a", "signature": "seal a"}
