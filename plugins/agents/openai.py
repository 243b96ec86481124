"""Reading OpenAI's chat API and Responses API."""

from collections.abc import Iterator
from typing import Any

from plugins.agents.pieces import Piece, at, compact, delta_of, trouble_said, usage_of
from plugins.agents.shown_files import file_shown
from plugins.agents.sources import annotation, listed
from plugins.shared.json_values import dict_of, dicts, label, words
from plugins.shared.types import Json


def chat_text(chunk: Json) -> Iterator[Piece]:
    delta = delta_of(chunk)
    if delta.get("role") == "tool":
        yield Piece("result", {"id": delta.get("tool_call_id"), "text": compact(words(delta.get("content")))})
    else:
        yield Piece("text", words(delta.get("content")) or words(delta.get("refusal")))


def chat_thinking(chunk: Json) -> Iterator[Piece]:
    delta = delta_of(chunk)
    for key in ("reasoning_content", "reasoning", "thinking"):
        if said := words(delta.get(key)):
            yield Piece("thinking", said)
            return


def tool(id: Any, name: Any, arguments: Any, index: Any = None, whole: bool = False) -> Piece:
    """Return a tool call or, where agents send it bit by bit, a bit of one; `whole` replaces the arguments so far."""
    known = {"id": id if isinstance(id, str) else "", "index": index if isinstance(index, int) else None}
    return Piece("tool", {**known, "name": label(name), "arguments": compact(arguments), "whole": whole})


def chat_tools(chunk: Json) -> Iterator[Piece]:
    for call in dicts(delta_of(chunk).get("tool_calls")):
        function = dict_of(call.get("function"))
        yield tool(call.get("id"), function.get("name"), function.get("arguments"), call.get("index"))


CALLS = {
    "function_call": ("name", "arguments", ""),
    "custom_tool_call": ("name", "input", ""),
    "mcp_call": ("name", "arguments", "output"),
    "web_search_call": ("", "action", ""),
    "file_search_call": ("", "queries", ""),
    "code_interpreter_call": ("", "code", "outputs"),
    "computer_call": ("", "action", ""),
}


def response_item(item: Json) -> Iterator[Piece]:
    kind = item.get("type")
    if isinstance(kind, str) and kind in CALLS:
        name, arguments, result = CALLS[kind]
        id = item.get("call_id") or item.get("id")
        yield tool(id, item.get(name) or kind.removesuffix("_call"), item.get(arguments), whole=True)
        if item.get("status") in ("completed", "failed") and kind not in ("function_call", "custom_tool_call"):
            yield Piece("result", {"id": id, "text": compact(item.get(result) or item.get("error"))})
        yield from listed(at(item, "action", "sources"))
        yield from listed(item.get("results"))
    elif kind in ("function_call_output", "custom_tool_call_output"):
        output = item.get("output")
        yield Piece("result", {"id": item.get("call_id"), "text": compact(words(output) or output)})
    elif kind == "image_generation_call" and isinstance(item.get("result"), str):
        yield from file_shown(f"data:image/png;base64,{item['result']}", "image")
    elif kind == "message":
        for part in dicts(item.get("content")):
            for note in dicts(part.get("annotations")):
                yield from annotation(note)


def response_whole(response: Json) -> Iterator[Piece]:
    for item in dicts(response.get("output")):
        yield from response_item(item)
        if item.get("type") == "message":
            yield Piece("last_text", words(item.get("content")))
    yield from usage_of(response)


def responses(chunk: Json) -> Iterator[Piece]:
    """Read OpenAI's Responses API, streamed."""
    kind, delta = chunk.get("type"), chunk.get("delta")
    if kind == "response.output_text.delta":
        yield Piece("text", words(delta))
    elif kind in ("response.reasoning_text.delta", "response.reasoning_summary_text.delta"):
        yield Piece("thinking", words(delta))
    elif kind == "response.output_text.annotation.added":
        yield from annotation(dict_of(chunk.get("annotation")))
    elif kind in ("response.output_item.added", "response.output_item.done"):
        yield from response_item(dict_of(chunk.get("item")))
    elif kind in ("response.completed", "response.incomplete"):
        yield from response_whole(dict_of(chunk.get("response")))
    elif kind == "response.failed":
        yield from trouble_said(dict_of(chunk.get("response")))


def unstreamed_response(chunk: Json) -> Iterator[Piece]:
    if chunk.get("object") == "response":
        yield from response_whole(chunk)
