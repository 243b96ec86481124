"""A model that acts after a script, on the three wires of conversations: it thinks, speaks and calls tools.

It knows nothing of the gateway's translation: each wire is written out here by hand, as its vendor documents it.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Fields = dict[str, Any]


class Think(NamedTuple):
    text: str
    seal: str = ""
    """What proves it to its own vendor."""


class Say(NamedTuple):
    text: str


class Call(NamedTuple):
    name: str
    arguments: str
    """As the model writes them; of a custom tool its free text."""
    id: str
    custom: bool = False


Step = Think | Say | Call
Script = Callable[[list[str]], list[Step]]
"""Takes the texts of the results of tools so far; returns what the model does next."""

USAGE = {"input": 1200, "cached": 1000, "output": 40, "reasoning": 10}


class Acting:
    """The ASGI application. `seen` has the requests' bodies, `raw` their bytes, both in their order.

    Asked without tools, for a title for instance, it says one sentence.
    """

    def __init__(self, script: Script, pieces: int = 3) -> None:
        self.script, self.pieces = script, pieces
        self.seen: list[Fields] = []
        self.raw: list[bytes] = []
        paths = {"/chat/completions": _chat, "/responses": _responses, "/messages": _messages}
        routes = [Route(f"{base}{path}", self._route(wire), methods=["POST"]) for base in ("", "/v1") for path, wire in paths.items()]  # fmt: skip  # noqa: E501
        self._app = Starlette(routes=routes)

    @property
    def wires(self) -> dict[str, Callable[[Fields, list[Step], int], tuple[Fields, Iterator[bytes]]]]:
        """Return what writes whole answers and streams on each wire."""
        return {"chat": _chat, "responses": _responses, "messages": _messages}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def _route(self, wire: Callable[[Fields, list[Step], int], tuple[Fields, Iterator[bytes]]]) -> Any:
        async def serve(request: Request) -> Response:
            raw = await request.body()
            body = json.loads(raw)
            self.seen.append(body)
            self.raw.append(raw)
            untold: list[Step] = [Say("A conversation about files")]
            steps = self.script(results_of(body)) if body.get("tools") else untold
            whole, stream = wire(body, steps, self.pieces)
            if not body.get("stream"):
                return JSONResponse(whole)
            return StreamingResponse(_each(stream), media_type="text/event-stream")

        return serve


async def _each(stream: Iterator[bytes]) -> AsyncIterator[bytes]:
    for event in stream:
        yield event


def results_of(body: Fields) -> list[str]:
    """Return the texts of all results of tools in a request of any of the three wires."""
    found = []
    for turn in body.get("messages") or body.get("input") or ():
        if not isinstance(turn, dict):
            continue
        if turn.get("role") == "tool":
            found.append(_text(turn["content"]))
        elif str(turn.get("type")).endswith("_call_output"):
            found.append(_text(turn["output"]))
        content = turn.get("content")
        for block in content if isinstance(content, list) else ():
            if block.get("type") == "tool_result":
                found.append(_text(block.get("content")))
    return found


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(each.get("text", "") for each in content)
    return str(content or "")


def _cut(text: str, pieces: int) -> Iterator[str]:
    size = max(1, -(-len(text) // pieces))
    yield from (text[at : at + size] for at in range(0, len(text), size))


def _event(content: Fields) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (content["type"].encode(), json.dumps(content).encode())


# Chat Completions


def _chat(body: Fields, steps: list[Step], pieces: int) -> tuple[Fields, Iterator[bytes]]:
    base = {"id": "chatcmpl-9", "created": 1_790_000_000, "model": "theirs"}
    usage = {
        "prompt_tokens": USAGE["input"],
        "completion_tokens": USAGE["output"],
        "total_tokens": USAGE["input"] + USAGE["output"],
        "prompt_tokens_details": {"cached_tokens": USAGE["cached"]},
        "completion_tokens_details": {"reasoning_tokens": USAGE["reasoning"]},
    }
    calls = [step for step in steps if isinstance(step, Call)]
    end = "tool_calls" if calls else "stop"
    message: Fields = {
        "role": "assistant",
        "content": "".join(step.text for step in steps if isinstance(step, Say)) or None,
    }
    if thought := "".join(step.text for step in steps if isinstance(step, Think)):
        message["reasoning_content"] = thought
    if calls:
        message["tool_calls"] = [_chat_call(call) for call in calls]
    choice = {"index": 0, "message": message, "finish_reason": end}
    whole = {**base, "object": "chat.completion", "choices": [choice], "usage": usage}

    def chunk(delta: Fields, reason: str | None = None) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
        return (
            b"data: " + json.dumps({**base, "object": "chat.completion.chunk", "choices": choices}).encode() + b"\n\n"
        )

    def stream() -> Iterator[bytes]:
        yield chunk({"role": "assistant", "content": ""})
        number = 0
        for step in steps:
            if isinstance(step, Call):
                yield chunk({"tool_calls": [{"index": number, **_chat_call(step._replace(arguments=""))}]})
                for piece in _cut(step.arguments, pieces):
                    yield chunk({"tool_calls": [{"index": number, "function": {"arguments": piece}}]})
                number += 1
                continue
            name = "reasoning_content" if isinstance(step, Think) else "content"
            for piece in _cut(step.text, pieces):
                yield chunk({name: piece})
        yield chunk({}, end)
        if (body.get("stream_options") or {}).get("include_usage"):
            last = {**base, "object": "chat.completion.chunk", "choices": [], "usage": usage}
            yield b"data: " + json.dumps(last).encode() + b"\n\n"
        yield b"data: [DONE]\n\n"

    return whole, stream()


def _chat_call(call: Call) -> Fields:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


# Responses


def _responses(body: Fields, steps: list[Step], pieces: int) -> tuple[Fields, Iterator[bytes]]:
    output = [_item(step, number) for number, step in enumerate(steps)]
    usage = {
        "input_tokens": USAGE["input"],
        "input_tokens_details": {"cached_tokens": USAGE["cached"], "cache_write_tokens": 0},
        "output_tokens": USAGE["output"],
        "output_tokens_details": {"reasoning_tokens": USAGE["reasoning"]},
        "total_tokens": USAGE["input"] + USAGE["output"],
    }
    base: Fields = {"id": "resp_9", "object": "response", "created_at": 1_790_000_000, "model": "theirs", "error": None}
    base |= dict.fromkeys(("instructions", "incomplete_details", "temperature", "top_p"))
    base |= {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True, "metadata": {}}
    whole = {**base, "status": "completed", "output": output, "usage": usage}

    def stream() -> Iterator[bytes]:
        for number, each in enumerate(_steps(base, steps, output, whole, pieces)):
            yield _event({**each, "sequence_number": number})

    return whole, stream()


def _item(step: Step, number: int) -> Fields:
    if isinstance(step, Think):
        summary = [{"type": "summary_text", "text": step.text}] if step.text else []
        return {"id": f"rs_{number}", "type": "reasoning", "summary": summary, "encrypted_content": step.seal or None}
    if isinstance(step, Say):
        content = [{"type": "output_text", "text": step.text, "annotations": [], "logprobs": []}]
        return {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": content,
        }
    kind, name = ("custom_tool_call", "input") if step.custom else ("function_call", "arguments")
    item = {"id": f"fc_{number}", "type": kind, "status": "completed", "call_id": step.id, "name": step.name}
    return {**item, name: step.arguments}


_EMPTY: Fields = {"content": [], "summary": [], "arguments": "", "input": "", "status": "in_progress"}


def _steps(base: Fields, steps: list[Step], output: list[Fields], whole: Fields, pieces: int) -> Iterator[Fields]:
    yield {"type": "response.created", "response": {**base, "status": "in_progress", "output": []}}
    for at, (step, item) in enumerate(zip(steps, output, strict=True)):
        begun = {name: _EMPTY.get(name, value) for name, value in item.items() if name != "encrypted_content"}
        yield {"type": "response.output_item.added", "output_index": at, "item": begun}
        yield from _deltas(step, {"item_id": item["id"], "output_index": at}, pieces)
        yield {"type": "response.output_item.done", "output_index": at, "item": item}
    yield {"type": "response.completed", "response": whole}


def _deltas(step: Step, place: Fields, pieces: int) -> Iterator[Fields]:
    if isinstance(step, Say):
        place = {**place, "content_index": 0}
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        yield {"type": "response.content_part.added", **place, "part": part}
        for piece in _cut(step.text, pieces):
            yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
        yield {"type": "response.output_text.done", **place, "text": step.text, "logprobs": []}
        yield {"type": "response.content_part.done", **place, "part": {**part, "text": step.text}}
    elif isinstance(step, Think):
        if not step.text:
            return
        place = {**place, "summary_index": 0}
        yield {"type": "response.reasoning_summary_part.added", **place, "part": {"type": "summary_text", "text": ""}}
        for piece in _cut(step.text, pieces):
            yield {"type": "response.reasoning_summary_text.delta", **place, "delta": piece}
        yield {"type": "response.reasoning_summary_text.done", **place, "text": step.text}
    else:
        kind = "custom_tool_call_input" if step.custom else "function_call_arguments"
        for piece in _cut(step.arguments, pieces):
            yield {"type": f"response.{kind}.delta", **place, "delta": piece}
        name = "input" if step.custom else "arguments"
        yield {"type": f"response.{kind}.done", **place, name: step.arguments}


# Messages


def _messages(body: Fields, steps: list[Step], pieces: int) -> tuple[Fields, Iterator[bytes]]:
    usage = {
        "input_tokens": USAGE["input"] - USAGE["cached"],
        "cache_read_input_tokens": USAGE["cached"],
        "cache_creation_input_tokens": 0,
        "output_tokens": USAGE["output"],
        "output_tokens_details": {"thinking_tokens": USAGE["reasoning"]},
    }
    end = "tool_use" if any(isinstance(step, Call) for step in steps) else "end_turn"
    base = {"id": "msg_9", "type": "message", "role": "assistant", "model": "theirs"}
    content = [_block(step) for step in steps]
    whole = {**base, "content": content, "stop_reason": end, "stop_sequence": None, "usage": usage}

    def stream() -> Iterator[bytes]:
        begun: Fields = {
            **base,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {**usage, "output_tokens": 1},
        }
        yield _event({"type": "message_start", "message": begun})
        yield _event({"type": "ping"})
        for index, step in enumerate(steps):
            yield from (_event({**each, "index": index}) for each in _block_events(step, pieces))
        delta = {"stop_reason": end, "stop_sequence": None}
        yield _event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": USAGE["output"]}})
        yield _event({"type": "message_stop"})

    return whole, stream()


def _block(step: Step) -> Fields:
    if isinstance(step, Think):
        if not step.text and step.seal:
            return {"type": "redacted_thinking", "data": step.seal}
        return {"type": "thinking", "thinking": step.text, "signature": step.seal}
    if isinstance(step, Say):
        return {"type": "text", "text": step.text}
    return {"type": "tool_use", "id": step.id, "name": step.name, "input": json.loads(step.arguments or "{}")}


def _block_events(step: Step, pieces: int) -> Iterator[Fields]:
    block = _block(step)
    empty = {"text": "", "thinking": "", "signature": "", "input": {}}
    yield {
        "type": "content_block_start",
        "content_block": {name: empty.get(name, value) for name, value in block.items()},
    }
    if isinstance(step, Call):
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *_cut(step.arguments, pieces))]
    elif isinstance(step, Say):
        deltas = [{"type": "text_delta", "text": piece} for piece in _cut(step.text, pieces)]
    elif block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _cut(step.text, pieces)]
        deltas.append({"type": "signature_delta", "signature": step.seal})
    else:
        deltas = []
    for delta in deltas:
        yield {"type": "content_block_delta", "delta": delta}
    yield {"type": "content_block_stop"}
