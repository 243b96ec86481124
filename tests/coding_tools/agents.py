"""Models that act: asked to read the note they call a tool, then say what it held; later they still know.

What they know they find in the request alone, as a model does, so a right answer proves that the whole conversation,
tool results and all, came through.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from tests.fakes.replaying import Body, Replaying, event, streamed

NOTE = "note.txt"
TOOL, TOOL_SAYS = "test_simple_text", "This is a simple text response for testing."
"""A tool of a tool server, and its answer."""
CODE = re.compile(r"SEKISHO-(\d{4})")
USAGE_OF_MESSAGES = {"input_tokens": 20, "cache_creation_input_tokens": 300, "cache_read_input_tokens": 4000}
USAGE_OF_RESPONSES = {
    "input_tokens": 900,
    "input_tokens_details": {"cached_tokens": 700, "cache_write_tokens": 0},
    "output_tokens": 12,
    "output_tokens_details": {"reasoning_tokens": 4},
    "total_tokens": 912,
}


def messages_agent() -> Replaying:
    return Replaying(
        ("/v1/messages", "/v1/messages/count_tokens"),
        {"agent": streamed(_messages), "caller": streamed(_messages_calling)},
    )


def responses_agent() -> Replaying:
    return Replaying(("/v1/responses",), {"agent": streamed(_responses), "caller": streamed(_responses_calling)})


def _known(conversation: Any) -> str | None:
    """The code that the note held, once a tool has shown it."""
    found = CODE.search(json.dumps(conversation))
    return found[1] if found else None


def _says(conversation: Any) -> str:
    return f"The note says {_known(conversation)}."


async def _messages(body: Body) -> AsyncIterator[bytes]:
    reading = _known(body["messages"]) is None
    async for each in _message(_reading_block(body) if reading else _text_block(_says(body["messages"])), reading):
        yield each


async def _messages_calling(body: Body) -> AsyncIterator[bytes]:
    """Call the tool of a tool server, then repeat its answer."""
    calling = TOOL_SAYS not in json.dumps(body["messages"])
    if calling:
        named = next(tool["name"] for tool in body["tools"] if tool["name"].endswith(TOOL))
        blocks = _tool_block(named, {})
    else:
        blocks = _text_block(f"The tool says: {TOOL_SAYS}")
    async for each in _message(blocks, calling):
        yield each


async def _message(blocks: Iterator[Body], calls_tool: bool) -> AsyncIterator[bytes]:
    message: Body = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-upstream", "content": []}
    usage = {**USAGE_OF_MESSAGES, "output_tokens": 1}
    message |= {"stop_reason": None, "stop_sequence": None, "usage": usage}
    yield event({"type": "message_start", "message": message})
    for each in blocks:
        yield event(each)
    delta = {"stop_reason": "tool_use" if calls_tool else "end_turn", "stop_sequence": None}
    yield event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 12}})
    yield event({"type": "message_stop"})


def _reading_block(body: Body) -> Iterator[Body]:
    path = re.search(r"/[^\s\"\\]+/" + re.escape(NOTE), json.dumps(body["messages"]))
    assert path, "the tool did not pass the prompt on"
    yield from _tool_block("Read", {"file_path": path[0]})


def _tool_block(name: str, arguments: Body) -> Iterator[Body]:
    block = {"type": "tool_use", "id": "toolu_01", "name": name, "input": {}}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    delta = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}


def _text_block(text: str) -> Iterator[Body]:
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    yield {"type": "content_block_stop", "index": 0}


async def _responses(body: Body) -> AsyncIterator[bytes]:
    item = _reading_item() if _known(body["input"]) is None else _text_item(_says(body["input"]))
    for each in _response(item):
        yield each


async def _responses_calling(body: Body) -> AsyncIterator[bytes]:
    """Call the tool of a tool server, then repeat its answer."""
    said = TOOL_SAYS in json.dumps(body["input"])
    for each in _response(_text_item(f"The tool says: {TOOL_SAYS}") if said else _tool_item(body["tools"])):
        yield each


def _response(item: Body) -> Iterator[bytes]:
    response: Body = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-upstream", "output": []}
    steps: list[Body] = [
        {"type": "response.created", "response": {**response, "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress"}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {
            "type": "response.completed",
            "response": {**response, "status": "completed", "output": [item], "usage": USAGE_OF_RESPONSES},
        },
    ]
    for number, step in enumerate(steps):
        yield event({**step, "sequence_number": number})


def _reading_item() -> Body:
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "exec_command", "status": "completed"}
    return {**call, "arguments": json.dumps({"cmd": f"cat {NOTE}"})}


def _tool_item(tools: list[Body]) -> Body:
    """The call of a tool server's tool, which stands in the list by itself or in a namespace of its server."""
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "status": "completed", "arguments": "{}"}
    for tool in tools:
        if str(tool.get("name")).endswith(TOOL):
            return {**call, "name": tool["name"]}
        if any(each["name"].endswith(TOOL) for each in tool.get("tools", ())):
            named = next(each["name"] for each in tool["tools"] if each["name"].endswith(TOOL))
            return {**call, "name": named, "namespace": tool["name"]}
    raise LookupError(f"no {TOOL} among {[tool.get('name') for tool in tools]}")


def _text_item(text: str) -> Body:
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
