"""An agent server for tests of whatever talks to agents. A model's name says how it behaves; it knows what it was sent.

    with serving(FakeAgent()) as address: ...        # POST {address}/v1/chat/completions and /v1/responses
    python -m tests.fakes.agent 9100                 # the same for trying things by hand

`chat`, `thinking`, `tools`, `annotations`, `whole` speak OpenAI's chat API, `responses` its Responses API;
`perplexity`, `azure`, `dify`, `langgraph`, `n8n`, `open-webui` tell their sources as those products do. `echo` says
what it was sent, as JSON. `slow` sends a word every tenth of a second, `pause` three times nothing for 2 seconds,
`stops-talking` one word, `hang` never anything; `garbage` sends bytes, `html` a page, `many` 10,000 events, `endless`
and `one-line` text without end, `dies` half an answer, `empty` none, `error` and `error-in-stream` a refusal.
`status-NNN` answers with that status. A key is asked for where the server was made with one.
"""

import asyncio
import json
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Json = dict[str, Any]
Stream = AsyncIterator[str]

ANSWER = ("Leave is ", "20 days a year [1]", "、繰越は翌年度までです。")
USAGE = {"prompt_tokens": 40, "completion_tokens": 9, "total_tokens": 49}
RULES = "https://intranet.example.com/rules"
PASSAGE = "Every employee has 20 days of leave a year."
MANY = 10_000
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)


@dataclass
class Asked:
    """A request as it arrived. `closed` is set when the caller went away before the end, `closed_at` says when."""

    path: str
    headers: dict[str, str]
    body: Json
    closed: threading.Event = field(default_factory=threading.Event)
    closed_at: float = 0.0
    """time.monotonic(), which all processes of a machine share."""


class FakeAgent:
    """The ASGI application."""

    def __init__(self, key: str = "") -> None:
        self.key = key
        self.asked: list[Asked] = []
        routes = [Route(f"/v1/{path}", self._answer, methods=["POST"]) for path in ("chat/completions", "responses")]
        self._app = Starlette(routes=routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        asked = Asked(request.url.path, dict(request.headers), await request.json())
        self.asked.append(asked)
        model = str(asked.body.get("model"))
        if self.key and asked.headers.get("authorization") != f"Bearer {self.key}":
            return JSONResponse({"error": {"message": "Incorrect API key provided"}}, 401)
        if model.startswith("status-"):
            return Response("made up", int(model.removeprefix("status-")), headers={"location": "http://127.0.0.1:1/"})
        if model in WHOLE:
            return WHOLE[model](asked)
        if model not in STREAMS:
            return JSONResponse({"error": {"message": f"The model {model} does not exist"}}, 404)
        return StreamingResponse(_watched(asked, STREAMS[model](asked)), media_type="text/event-stream")


async def _watched(asked: Asked, stream: Stream) -> Stream:
    """Starlette cancels the stream when the caller goes away."""
    try:
        async for part in stream:
            yield part
    except (asyncio.CancelledError, GeneratorExit):
        asked.closed_at = time.monotonic()
        asked.closed.set()
        raise


def event(value: Any, name: str = "") -> str:
    """One server-sent event."""
    return f"{f'event: {name}' + chr(10) if name else ''}data: {json.dumps(value, ensure_ascii=False)}\n\n"


def delta(**fields: Any) -> str:
    """One chunk of OpenAI's chat API."""
    choices = [{"index": 0, "delta": fields, "finish_reason": None}]
    return event({"id": "c1", "object": "chat.completion.chunk", "model": "fake", "choices": choices})


END = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
COUNTED = event({"choices": [], "usage": USAGE})
DONE = "data: [DONE]\n\n"


def _plain(asked: Asked) -> Iterator[str]:
    yield delta(role="assistant", content="")
    yield from (delta(content=word) for word in ANSWER)
    yield from (END, COUNTED, DONE)


def _thinking(asked: Asked) -> Iterator[str]:
    yield from (delta(reasoning_content=word) for word in ("Let me see. ", "規程を読みます。"))
    yield from _plain(asked)


def _tools(asked: Asked) -> Iterator[str]:
    """Calls in bits, as OpenAI streams them; then a result, as agents add it."""
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "search_rules", "arguments": ""}}
    yield delta(role="assistant", tool_calls=[call])
    for bit in ('{"query": ', '"有給"}'):
        yield delta(tool_calls=[{"index": 0, "function": {"arguments": bit}}])
    yield delta(role="tool", tool_call_id="call_1", content=PASSAGE)
    other = {"index": 1, "id": "call_2", "type": "function", "function": {"name": "look_at_clock", "arguments": "{}"}}
    yield delta(tool_calls=[other])
    yield from _plain(asked)


def _odd_tools(asked: Asked) -> Iterator[str]:
    """Without ids, with an index used twice, with a result of nothing, with one that comes after the text."""
    for call in (
        {"index": 0, "function": {"name": "one", "arguments": '{"a": '}},
        {"index": 0, "function": {"arguments": "1}"}},
        {"index": 0, "id": "x", "function": {"name": "two", "arguments": {"b": 2}}},
        {"function": {"name": ["no", "name"]}},
        {"index": "0", "id": 7, "function": {"name": "three", "arguments": None}},
    ):
        yield delta(tool_calls=[call])
    yield delta(role="tool", tool_call_id="unknown", content="lost")
    yield from (delta(content=word) for word in ANSWER)
    yield delta(role="tool", tool_call_id="x", content="late")
    yield DONE


def _annotations(asked: Asked) -> Iterator[str]:
    web = {"url": RULES, "title": "Rules of employment", "start_index": 0, "end_index": 9}
    yield from (delta(content=word) for word in ANSWER)
    yield delta(annotations=[{"type": "url_citation", "url_citation": web}])
    yield delta(annotations=[{"type": "file_citation", "file_citation": {"file_id": "file-1", "quote": PASSAGE}}])
    yield from (END, DONE)


def _perplexity(asked: Asked) -> Iterator[str]:
    """Every chunk has all of them again."""
    found = [{"title": "Rules of employment", "url": RULES, "snippet": PASSAGE, "date": "2026-04-01"}]
    for word in ANSWER:
        choices = [{"index": 0, "delta": {"content": word}}]
        addresses = [RULES, "https://example.org/two"]
        yield event({"choices": choices, "citations": addresses, "search_results": found, "usage": USAGE})
    yield DONE


def _azure(asked: Asked) -> Iterator[str]:
    document = {
        "content": PASSAGE,
        "title": "Rules of employment",
        "url": None,
        "filepath": "rules.pdf",
        "chunk_id": "0",
    }
    yield delta(role="assistant", context={"citations": [document], "intent": '["leave"]'})
    yield from (delta(content=word) for word in ANSWER)
    yield from (END, DONE)


def _marks(asked: Asked) -> Iterator[str]:
    """As Azure and OpenAI's assistants mark what they cite, cut where it hurts."""
    for word in (
        "休暇[do",
        "c2]は20日[",
        "1]、【4:",
        "0†rules.pdf",
        "】翌年【4:1†leave.pdf】【4:2†rules.pdf】。配列[0]と[doc",
        "s]",
    ):
        yield delta(content=word)
    yield from (delta(content="【4:"), END, DONE)


def _dify(asked: Asked) -> Iterator[str]:
    yield event({"event": "node_started", "data": {"title": "Knowledge Retrieval"}})
    thought = {"thought": "I look it up.", "tool": "rules", "tool_input": '{"q": 1}', "observation": PASSAGE}
    yield event({"event": "agent_thought", "id": "t1", **thought})
    yield from (event({"event": "message", "answer": word}) for word in ANSWER)
    resource = {"position": 1, "document_name": "rules.pdf", "content": PASSAGE, "score": 0.93, "dataset_name": "HR"}
    yield event({"event": "message_file", "type": "image", "url": "https://dify.example.com/a.png"})
    yield event({"event": "message_end", "metadata": {"usage": USAGE, "retriever_resources": [resource]}})


def _langgraph(asked: Asked) -> Iterator[str]:
    document = {"page_content": PASSAGE, "metadata": {"source": RULES, "title": "Rules of employment"}}
    yield event({"retrieve": {"documents": [document]}}, "updates")
    bits = [{"name": "retrieve", "args": '{"q": 1}', "id": "r1", "index": 0}]
    yield event([{"type": "AIMessageChunk", "content": "", "tool_call_chunks": bits}, {}], "messages")
    yield event([{"type": "tool", "content": PASSAGE, "tool_call_id": "r1"}, {}], "messages")
    for word in ANSWER:
        yield event([{"type": "AIMessageChunk", "content": word}, {"langgraph_node": "answer"}], "messages")
    yield event({"answer": {"messages": [{"type": "ai", "content": "".join(ANSWER)}]}}, "updates")


def _n8n(asked: Asked) -> Iterator[str]:
    """JSON lines."""
    lines: list[Json] = [
        {"type": "begin", "metadata": {"nodeName": "AI Agent"}},
        {"pageContent": PASSAGE, "metadata": {"source": RULES, "title": "Rules of employment"}},
        *({"type": "item", "content": word, "metadata": {"nodeName": "AI Agent"}} for word in ANSWER),
        {"type": "end"},
    ]
    yield from (json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _open_webui(asked: Asked) -> Iterator[str]:
    """Its own events and `sources`, and two that would be an attack."""
    yield event({"event": {"type": "status", "data": {"description": "規程を検索中", "done": False}}})
    yield event({"event": {"type": "execute", "data": {"code": "alert(1)"}}})
    own = {"source": {"name": "Rules", "url": RULES}, "document": [PASSAGE], "metadata": [{"source": RULES}]}
    yield event({"sources": [own, {"title": "Click", "url": "javascript:alert(1)", "content": "x"}]})
    bad, good = {"type": "file", "url": "javascript:alert(1)"}, {"type": "file", "url": RULES, "name": "rules"}
    yield event({"files": [{"type": "image", "url": PICTURE}, bad, good]})
    yield from (event({"embeds": [page]}) for page in ("<p>one</p>", "<p>two</p>"))
    yield delta(content="data: ")
    yield from _plain(asked)


def _responses(asked: Asked) -> Iterator[str]:
    search = {"type": "web_search_call", "id": "ws_1", "status": "in_progress"}
    found = {"type": "search", "query": "有給", "sources": [{"type": "url", "url": "https://example.org/two"}]}
    note = {"type": "url_citation", "url": RULES, "title": "Rules of employment", "start_index": 0, "end_index": 5}
    text = "".join(ANSWER)
    message = {"type": "message", "id": "m1", "content": [{"type": "output_text", "text": text, "annotations": [note]}]}
    used = {"input_tokens": 40, "output_tokens": 9, "total_tokens": 49}
    yield _typed("response.created", response={"id": "r1", "status": "in_progress"})
    yield _typed("response.reasoning_summary_text.delta", delta="規程を読みます。", item_id="rs_1")
    yield _typed("response.output_item.added", item=search)
    yield _typed("response.output_item.done", item={**search, "status": "completed", "action": found})
    yield _typed("response.output_item.done", item={"type": "mcp_call", "id": "mcp_1", "name": "read_rules", **MCP})
    for word in ANSWER:
        yield _typed("response.output_text.delta", delta=word, item_id="m1", output_index=2, content_index=0)
    yield _typed("response.output_text.annotation.added", annotation=note, item_id="m1")
    yield _typed("response.completed", response={"id": "r1", "output": [message], "usage": used})


MCP = {"arguments": '{"page": 3}', "output": PASSAGE, "status": "completed"}


def _typed(kind: str, **fields: Any) -> str:
    return event({"type": kind, **fields}, kind)


def _echo(asked: Asked) -> Iterator[str]:
    said = {"path": asked.path, "headers": asked.headers, "body": asked.body}
    yield delta(content=json.dumps(said, ensure_ascii=False))
    yield DONE


def _many(asked: Asked) -> Iterator[str]:
    """Of each kind a fifth, and all the text at the end."""
    for number in range(MANY // 5):
        yield event({"event": {"type": "status", "data": {"description": f"step {number}", "done": False}}})
        yield event({"sources": [{"title": f"source {number}", "url": f"{RULES}/{number}", "content": PASSAGE}]})
        yield delta(reasoning_content=".")
        name = {"name": f"tool_{number}", "arguments": "{}"}
        yield delta(tool_calls=[{"index": 0, "id": f"call_{number}", "function": name}])
        yield delta(content=f"{number} ")
    yield DONE


def _garbage(asked: Asked) -> Iterator[bytes]:
    for number in range(2000):
        yield bytes((number * byte) % 256 for byte in range(200)) + b"\n\ndata: {broken\n\n"


def _one_line(asked: Asked) -> Iterator[bytes]:
    """100 MB of one JSON string, unless somebody stops it."""
    yield b'data: {"choices": [{"delta": {"content": "'
    for _ in range(1600):
        yield b"x" * 65_536


def _endless(asked: Asked) -> Iterator[str]:
    part = delta(content="x" * 50_000)
    for _ in range(1600):
        yield part


def _refused_in_stream(asked: Asked) -> Iterator[str]:
    yield delta(content=ANSWER[0])
    yield event({"error": {"message": "The index is being rebuilt", "code": 500}})


def at_once(parts: Callable[[Asked], Iterator[Any]]) -> Callable[[Asked], Stream]:
    async def stream(asked: Asked) -> Stream:
        for part in parts(asked):
            yield part
            await asyncio.sleep(0)

    return stream


async def _slow(asked: Asked) -> Stream:
    for number in range(6000):
        yield delta(content=f"{number} ")
        await asyncio.sleep(0.1)


async def _pause(asked: Asked) -> Stream:
    """Silence, silence within a step that it named, silence within a tool."""
    yield delta(content=ANSWER[0])
    await asyncio.sleep(2)
    yield event({"type": "status", "description": "規程を検索中"})
    await asyncio.sleep(2)
    yield event({"type": "status", "description": "規程を検索しました", "done": True})
    yield delta(tool_calls=[{"index": 0, "id": "call_1", "function": {"name": "read_rules", "arguments": "{}"}}])
    await asyncio.sleep(2)
    yield delta(content=ANSWER[1])


async def _hang(asked: Asked) -> Stream:
    await asyncio.sleep(600)
    yield DONE


async def _stops_talking(asked: Asked) -> Stream:
    yield delta(content=ANSWER[0])
    await asyncio.sleep(600)


async def _dies(asked: Asked) -> Stream:
    for word in ANSWER[:2]:
        yield delta(content=word)
    await asyncio.sleep(0.05)
    raise ConnectionAbortedError("made up")


def _whole(asked: Asked) -> Response:
    message = {"role": "assistant", "content": "".join(ANSWER), "reasoning_content": "規程を読みます。"}
    body = {"object": "chat.completion", "choices": [{"index": 0, "message": message}], "citations": [RULES]}
    return Response(json.dumps({**body, "usage": USAGE}, indent=2), media_type="application/json")


def _refused(asked: Asked) -> Response:
    return JSONResponse({"error": {"message": "The index is being rebuilt"}}, 503)


STREAMS: dict[str, Callable[[Asked], Stream]] = {
    "chat": at_once(_plain),
    "thinking": at_once(_thinking),
    "tools": at_once(_tools),
    "odd-tools": at_once(_odd_tools),
    "annotations": at_once(_annotations),
    "perplexity": at_once(_perplexity),
    "azure": at_once(_azure),
    "marks": at_once(_marks),
    "dify": at_once(_dify),
    "langgraph": at_once(_langgraph),
    "n8n": at_once(_n8n),
    "open-webui": at_once(_open_webui),
    "responses": at_once(_responses),
    "echo": at_once(_echo),
    "many": at_once(_many),
    "garbage": at_once(_garbage),
    "one-line": at_once(_one_line),
    "endless": at_once(_endless),
    "empty": at_once(lambda asked: iter((END, DONE))),
    "error-in-stream": at_once(_refused_in_stream),
    "slow": _slow,
    "pause": _pause,
    "hang": _hang,
    "stops-talking": _stops_talking,
    "dies": _dies,
}
WHOLE: dict[str, Callable[[Asked], Response]] = {
    "whole": _whole,
    "error": _refused,
    "html": lambda asked: HTMLResponse("<!doctype html><title>Sign in</title>"),
}


def main() -> None:
    from tests.fakes.serving import serving

    with serving(FakeAgent(), int(sys.argv[1]) if len(sys.argv) > 1 else 9100) as address, suppress(KeyboardInterrupt):
        sys.stdout.write(f"{address}/v1 with the models {', '.join([*STREAMS, *WHOLE])}\n")
        threading.Event().wait()


if __name__ == "__main__":
    main()
