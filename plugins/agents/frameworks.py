"""Reading Dify, LangChain, LangGraph and n8n."""

from collections.abc import Iterator

from plugins.agents.openai import tool
from plugins.agents.pieces import Piece, at, compact, said_no, step, usage_of
from plugins.agents.shown_files import file_shown
from plugins.agents.sources import listed, source
from plugins.shared.json_values import dict_of, dicts, label, words
from plugins.shared.types import Json


def dify(chunk: Json) -> Iterator[Piece]:
    """Read Dify's events, which have a name in `event`; Open WebUI's have an object there."""
    event = chunk.get("event")
    if event in ("message", "agent_message", "text_chunk"):
        yield Piece("text", words(chunk.get("answer")) or words(at(chunk, "data", "text")))
    elif event == "agent_thought":
        yield Piece("thinking", words(chunk.get("thought")))
        if chunk.get("tool"):
            yield tool(chunk.get("id"), chunk.get("tool"), chunk.get("tool_input"), whole=True)
        if chunk.get("tool") and chunk.get("observation"):
            yield Piece("result", {"id": chunk.get("id"), "text": compact(chunk.get("observation"))})
    elif event == "node_started" and label(at(chunk, "data", "title")):
        yield step(label(at(chunk, "data", "title")), False)
    elif event == "message_end":
        yield from usage_of(dict_of(chunk.get("metadata")))
    elif event == "message_file":
        yield from file_shown(chunk.get("url"), chunk.get("type"))
    elif event == "error":
        yield said_no(chunk.get("message"))
    elif event is None and isinstance(chunk.get("answer"), str):  # not streamed
        yield Piece("last_text", chunk["answer"])


def langchain(chunk: Json) -> Iterator[Piece]:
    """Read a message of LangChain, by itself or below the name of a LangGraph node."""
    kind = chunk.get("type")
    if kind == "AIMessageChunk":
        yield Piece("text", words(chunk.get("content")))
        for call in dicts(chunk.get("tool_call_chunks")):
            yield tool(call.get("id"), call.get("name"), call.get("args"), call.get("index"))
    elif kind == "ai":
        yield Piece("last_text", words(chunk.get("content")))
        for call in dicts(chunk.get("tool_calls")):
            yield tool(call.get("id"), call.get("name"), call.get("args"), whole=True)
    elif kind == "tool":
        yield Piece("result", {"id": chunk.get("tool_call_id"), "text": compact(words(chunk.get("content")))})


def langgraph(chunk: Json) -> Iterator[Piece]:
    """Read {"node": {"documents": […], "messages": […]}}, or the state itself."""
    for state in (chunk, *chunk.values()):
        for message in dicts(dict_of(state).get("messages")):
            yield from langchain(message)
    for state in filter(None, map(dict_of, chunk.values())):
        if {"documents", "messages"} & state.keys():
            for key in ("documents", "context", "source_documents"):
                yield from listed(state.get(key))


def n8n(chunk: Json) -> Iterator[Piece]:
    kind = chunk.get("type")
    if kind == "item":
        yield Piece("text", words(chunk.get("content")))
    elif kind == "error" and not chunk.get("error"):
        yield said_no(chunk.get("content") or chunk.get("message"))
    elif kind is None and isinstance(chunk.get("output"), str):  # a webhook that does not stream
        yield Piece("last_text", chunk["output"])
    if "pageContent" in chunk or "page_content" in chunk:
        yield from source(chunk)
