"""An OpenAI-compatible server whose model names say how it behaves, and which remembers what it was sent.

`echo` answers at once; `slow` sends 30 chunks a tenth of a second apart; `hang` sends nothing; the others fail, each
in its own way. `NAME#2` fails twice, then answers.
"""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Behaviour = Callable[[dict[str, Any], Scope, Receive, Send], Coroutine[Any, Any, None]]

WORDS = ("Hello", ", ", "世界", "! ", '"model":"mine"', " \\ ", "[DONE]", " end.")
"""An answer with what breaks careless relays: other scripts, quotes, our own markers."""
USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 2},
}


@dataclass
class Seen:
    """A request as it arrived. `closed` is set when the client's connection went away before the end."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    raw: bytes
    query: str = ""
    closed: threading.Event = field(default_factory=threading.Event)


class FakeUpstream:
    """The ASGI application."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.calls: Counter[str] = Counter()
        self._app = Starlette(
            routes=[
                Route(f"/v1/{path}", self._generate, methods=["POST"])
                for path in ("chat/completions", "completions", "embeddings", "messages")
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    @property
    def last(self) -> Seen:
        return self.seen[-1]

    async def _generate(self, request: Request) -> "_Behaving":
        raw = await request.body()
        body = json.loads(raw)
        seen = Seen(request.url.path, dict(request.headers), body, raw, request.url.query)
        self.seen.append(seen)
        name, _, failures = body["model"].partition("#")
        self.calls[body["model"]] += 1
        if failures and self.calls[body["model"]] > int(failures):
            name = "echo"
        return _Behaving(seen, BEHAVIOURS[name])


class _Behaving(Response):
    def __init__(self, seen: Seen, behaviour: Behaviour) -> None:
        super().__init__()
        self._seen = seen
        self._behaviour = behaviour

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watcher = asyncio.create_task(self._watch(receive))
        work = asyncio.create_task(self._behaviour({**self._seen.body, "path": self._seen.path}, scope, receive, send))
        await asyncio.wait({watcher, work}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            self._seen.closed.set()
        for task in (watcher, work):
            task.cancel()
        await asyncio.gather(watcher, work, return_exceptions=True)

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


def chunk(model: str, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": model,
        "choices": [choice],
        "usage": None,
    }


def event(content: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _events(body: dict[str, Any], words: tuple[str, ...] = WORDS) -> list[bytes]:
    """A whole stream as OpenAI sends it."""
    model = "upstream-" + body["model"]
    if body["path"].endswith("/completions") and "prompt" in body:
        return _completion_events(model, body, words)
    events = [event(chunk(model, {"role": "assistant", "content": ""}))]
    events += [event(chunk(model, {"content": word})) for word in words]
    events.append(event(chunk(model, {}, "stop")))
    return _with_usage(events, body, chunk(model, {}))


def _completion_events(model: str, body: dict[str, Any], words: tuple[str, ...]) -> list[bytes]:
    base = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": model}
    choices = [{"index": 0, "text": word, "finish_reason": None, "logprobs": None} for word in words]
    choices[-1]["finish_reason"] = "stop"
    return _with_usage([event({**base, "choices": [choice]}) for choice in choices], body, base)


def _with_usage(events: list[bytes], body: dict[str, Any], base: dict[str, Any]) -> list[bytes]:
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append(event({**base, "choices": [], "usage": USAGE}))
    return [*events, b"data: [DONE]\n\n"]


def _whole(body: dict[str, Any]) -> dict[str, Any]:
    model = "upstream-" + body["model"]
    if "input" in body:
        inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
        data = [{"object": "embedding", "index": i, "embedding": [0.25, -0.5, i]} for i in range(len(inputs))]
        usage = {"prompt_tokens": 5, "total_tokens": 5}
        return {"object": "list", "model": model, "data": data, "usage": usage}
    text = "".join(WORDS)
    if "prompt" in body:
        choice = {"index": 0, "text": text, "finish_reason": "stop", "logprobs": None}
        return {
            "id": "cmpl-1",
            "object": "text_completion",
            "created": 1,
            "model": model,
            "choices": [choice],
            "usage": USAGE,
        }
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [choice],
        "usage": USAGE,
        "x_vendor": {"kept": 1.50},
    }


async def _send_stream(send: Send, parts: AsyncIterator[bytes]) -> None:
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    async for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _streamed(parts: Callable[[dict[str, Any]], AsyncIterator[bytes]]) -> Behaviour:
    async def behave(body: dict[str, Any], scope: Scope, receive: Receive, send: Send) -> None:
        if not body.get("stream"):
            await JSONResponse(_whole(body))(scope, receive, send)
            return
        await _send_stream(send, parts(body))

    return behave


async def _at_once(body: dict[str, Any]) -> AsyncIterator[bytes]:
    yield b"".join(_events(body))


async def _in_crumbs(body: dict[str, Any]) -> AsyncIterator[bytes]:
    """Cut anywhere, also within a character and within a line end."""
    everything = b"".join(_events(body))
    for start in range(0, len(everything), 7):
        yield everything[start : start + 7]
        await asyncio.sleep(0)


async def _slowly(body: dict[str, Any]) -> AsyncIterator[bytes]:
    for each in _events(body, tuple(f"w{number} " for number in range(30))):
        yield each
        await asyncio.sleep(0.1)


async def _breaking_off(body: dict[str, Any]) -> AsyncIterator[bytes]:
    for each in _events(body)[:4]:
        yield each
    await asyncio.sleep(0.1)
    raise ConnectionResetError


async def _ending_unfinished(body: dict[str, Any]) -> AsyncIterator[bytes]:
    for each in _events(body)[:4]:
        yield each
    await asyncio.sleep(0.1)


async def _without_done(body: dict[str, Any]) -> AsyncIterator[bytes]:
    for each in _events(body)[:-1]:
        yield each


async def _falling_silent(body: dict[str, Any]) -> AsyncIterator[bytes]:
    events = _events(body)
    yield b"".join(events[:3]) + events[3][:20]
    await asyncio.sleep(3600)


async def _late(body: dict[str, Any]) -> AsyncIterator[bytes]:
    await asyncio.sleep(1.5)
    yield b"".join(_events(body))


async def _failing_inside(body: dict[str, Any]) -> AsyncIterator[bytes]:
    for each in _events(body)[:3]:
        yield each
    await asyncio.sleep(0.1)
    yield event({"error": {"message": "CUDA out of memory", "type": "server_error", "code": 500}})


async def _with_carriage_returns(body: dict[str, Any]) -> AsyncIterator[bytes]:
    yield b"".join(_events(body)).replace(b"\n", b"\r\n")


async def _too_long(body: dict[str, Any]) -> AsyncIterator[bytes]:
    yield _events(body)[0]
    for _ in range(20):
        yield b"x" * 1024 * 1024


async def _steady(body: dict[str, Any], scope: Scope, receive: Receive, send: Send) -> None:
    """Takes a second and a half, as a busy GPU does."""
    await asyncio.sleep(1.5)
    await JSONResponse(_whole(body))(scope, receive, send)


async def _too_small(body: dict[str, Any], scope: Scope, receive: Receive, send: Send) -> None:
    content = {"error": {"message": "too long", "type": "x", "param": "messages", "code": "context_length_exceeded"}}
    await JSONResponse(content, 400)(scope, receive, send)


async def _hang(body: dict[str, Any], scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(3600)


def _error(status: int, headers: dict[str, str] | None = None) -> Behaviour:
    async def behave(body: dict[str, Any], scope: Scope, receive: Receive, send: Send) -> None:
        content = {"error": {"message": f"upstream says {status}", "type": "upstream_type", "param": "x", "code": None}}
        await JSONResponse(content, status, headers)(scope, receive, send)

    return behave


async def _not_json(body: dict[str, Any], scope: Scope, receive: Receive, send: Send) -> None:
    await Response("<html>502 Bad Gateway</html>", 200, media_type="text/html")(scope, receive, send)


async def _quotes_key(body: dict[str, Any], scope: Scope, receive: Receive, send: Send) -> None:
    """A refusal that quotes the key it was sent."""
    await JSONResponse({"error": _key_error(scope)}, 400)(scope, receive, send)


async def _quotes_key_inside(body: dict[str, Any], scope: Scope, receive: Receive, send: Send) -> None:
    """The same as an event in the middle of a stream, or as a whole answer with status 200."""
    error = {"error": _key_error(scope)}
    if not body.get("stream"):
        return await JSONResponse(error)(scope, receive, send)

    async def events() -> AsyncIterator[bytes]:
        yield b"".join(_events(body)[:3])
        await asyncio.sleep(0.05)
        yield event(error)

    await StreamingResponse(events(), media_type="text/event-stream")(scope, receive, send)


def _key_error(scope: Scope) -> dict[str, Any]:
    given = Headers(scope=scope)["authorization"]
    return {"message": f"Bad key in {given}", "type": "invalid_request_error", "param": None, "code": 400}


BEHAVIOURS: dict[str, Behaviour] = {
    "echo": _streamed(_at_once),
    "crumbs": _streamed(_in_crumbs),
    "slow": _streamed(_slowly),
    "breaks": _streamed(_breaking_off),
    "unfinished": _streamed(_ending_unfinished),
    "no-done": _streamed(_without_done),
    "silent": _streamed(_falling_silent),
    "late": _streamed(_late),
    "error-inside": _streamed(_failing_inside),
    "crlf": _streamed(_with_carriage_returns),
    "too-long": _streamed(_too_long),
    "steady": _steady,
    "too-small": _too_small,
    "hang": _hang,
    "not-json": _not_json,
    "quotes-key": _quotes_key,
    "quotes-key-inside": _quotes_key_inside,
    "400": _error(400),
    "401": _error(401),
    "404": _error(404),
    "429": _error(429),
    "429-later": _error(429, {"retry-after": "77"}),
    "500": _error(500),
    "503": _error(503),
}
