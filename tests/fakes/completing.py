"""Servers that complete code as vLLM, Mistral and llama.cpp do: what they take, what they refuse, how they count."""

import asyncio
import json
import random
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

TEXT = "return a + b  # 足す 👍"


@dataclass
class Completing:
    """What a fake was asked, and how it behaves."""

    text: str = TEXT
    finish: str = "stop"
    seconds: float = 0.0
    """How long it thinks."""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)
    """Set where a client left before its answer."""
    started: threading.Event = field(default_factory=threading.Event)
    seed: int = 1
    breaks: Literal["", "error", "end", "whole"] = ""
    """A stream with an error in it, one that ends too soon, or none although one was asked for."""
    pause: float = 0.0
    """Between the pieces of a stream, in seconds."""

    @property
    def body(self) -> dict[str, Any]:
        return self.asked[-1][1]

    async def take(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = await request.json()
        self.asked.append((request.url.path, body))
        self.started.set()
        waiting, gone = self.seconds, False
        while waiting > 0 and not gone:
            await asyncio.sleep(0.005)
            waiting -= 0.005
            gone = await request.is_disconnected()
        if gone:
            self.closed.set()
        return body

    def parts(self) -> list[str]:
        """The text in pieces of random lengths."""
        lengths, rest, parts = random.Random(self.seed), self.text, []
        while rest:
            at = lengths.randint(1, 5)
            parts.append(rest[:at])
            rest = rest[at:]
        return parts

    def stream(self, events: Sequence[dict[str, Any]], end: bytes = b"data: [DONE]\n\n") -> Response:
        """Events in random pieces of bytes."""
        if self.breaks:
            events, end = events[: len(events) // 2], b""
        if self.breaks == "error":
            events = [*events, {"error": {"message": "CUDA out of memory at 10.0.0.7", "code": 500}}]
        data = b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in events) + end
        lengths = random.Random(self.seed)

        async def pieces() -> AsyncIterator[bytes]:
            at = 0
            while at < len(data):
                size = lengths.randint(1, 90)
                yield data[at : at + size]
                at += size
                await asyncio.sleep(self.pause)

        return StreamingResponse(pieces(), media_type="text/event-stream")


def _app(routes: dict[str, Callable[[Request], Any]]) -> Starlette:
    return Starlette(routes=[Route(path, call, methods=["POST"]) for path, call in routes.items()])


def vllm(state: Completing) -> Starlette:
    """Refuses `suffix` and more than four stops; counts."""
    return _completions(state, _refused_by_vllm)


def openai(state: Completing) -> Starlette:
    """Takes `suffix`, and no member that it does not know."""
    return _completions(state, _refused_by_openai)


def _completions(state: Completing, refused: Callable[[dict[str, Any]], list[str]]) -> Starlette:

    async def complete(request: Request) -> Response:
        body = await state.take(request)
        for wrong in refused(body):
            error = {"object": "error", "message": wrong, "type": "BadRequestError", "param": None, "code": 400}
            return JSONResponse(error, 400)
        usage = {"prompt_tokens": 21, "total_tokens": 28, "completion_tokens": 7}
        base = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": body["model"]}
        if not body.get("stream") or state.breaks == "whole":
            choice = {"index": 0, "text": state.text, "logprobs": None, "finish_reason": state.finish}
            return JSONResponse({**base, "choices": [choice], "usage": usage, "kv_transfer_params": None})
        texts = [{"index": 0, "text": part, "logprobs": None, "finish_reason": None} for part in state.parts()]
        texts.append({"index": 0, "text": "", "logprobs": None, "finish_reason": state.finish})
        events: list[dict[str, Any]] = [{**base, "choices": [text]} for text in texts]
        if (body.get("stream_options") or {}).get("include_usage"):
            events.append({**base, "choices": [], "usage": usage})
        return state.stream(events)

    return _app({"/v1/completions": complete})


def _refused_by_vllm(body: dict[str, Any]) -> list[str]:
    stops = body.get("stop") or []
    checks = {
        "suffix is not currently supported": body.get("suffix") is not None,
        "stop must have at most 4 elements": isinstance(stops, list) and len(stops) > 4,
        "max_tokens must be at least 1, got 0.": body.get("max_tokens") == 0,
    }
    return [words for words, wrong in checks.items() if wrong]


def _refused_by_openai(body: dict[str, Any]) -> list[str]:
    return [
        f"Unrecognized request argument supplied: {name}"
        for name in ("top_k", "min_p", "repetition_penalty", "input_extra", "n_predict", "cache_prompt")
        if name in body
    ]


def mistral(state: Completing) -> Starlette:
    """Speaks its own route, forbids what it does not know, counts in the last chunk."""
    known = {"model", "prompt", "suffix", "max_tokens", "min_tokens", "temperature", "top_p", "stop", "random_seed"}
    known |= {"stream", "frequency_penalty", "presence_penalty"}

    async def complete(request: Request) -> Response:
        body = await state.take(request)
        if unknown := set(body) - known:
            detail = [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs"} for name in unknown]
            return JSONResponse({"detail": detail}, 422)
        usage = {"prompt_tokens": 8, "completion_tokens": 9, "total_tokens": 17}
        base = {"id": "447e3e0d", "object": "chat.completion", "created": 1, "model": body["model"]}
        if not body.get("stream") or state.breaks == "whole":
            message = {"role": "assistant", "content": state.text, "tool_calls": None}
            choice = {"index": 0, "message": message, "finish_reason": state.finish}
            return JSONResponse({**base, "usage": usage, "choices": [choice]})
        base["object"] = "chat.completion.chunk"
        events: list[dict[str, Any]] = [
            {**base, "choices": [{"index": 0, "delta": {"role": "assistant", "content": part}, "finish_reason": None}]}
            for part in ["", *state.parts()]
        ]
        last = {"index": 0, "delta": {"content": ""}, "finish_reason": state.finish}
        events.append({**base, "choices": [last], "usage": usage})
        return state.stream(events)

    return _app({"/v1/fim/completions": complete})


def llama_cpp(state: Completing) -> Starlette:
    """Fills gaps beside `/v1`, filters by `response_fields`, streams without a final `[DONE]`."""

    async def infill(request: Request) -> Response:
        body = await state.take(request)
        for name in ("input_prefix", "input_suffix"):
            if name not in body:
                error = {"code": 400, "message": f'"{name}" is required', "type": "invalid_request_error"}
                return JSONResponse({"error": error}, 400)
        timings = {"cache_n": 30, "prompt_n": 12, "prompt_ms": 8.5, "prompt_per_second": 1.0, "predicted_n": 6}
        last = {
            "index": 0,
            "content": state.text,
            "tokens": [],
            "id_slot": 1,
            "stop": True,
            "model": "a.gguf",
            "tokens_predicted": 6,
            "tokens_evaluated": 42,
            "tokens_cached": 47,
            "truncated": False,
            "stop_type": "limit" if state.finish == "length" else "eos",
            "timings": {**timings, "predicted_ms": 20.0, "predicted_per_second": 300.0},
        }
        if not body.get("stream") or state.breaks == "whole":
            paths = body.get("response_fields")
            return JSONResponse({path: last[path] for path in paths if path in last} if paths else last)
        events: list[dict[str, Any]] = [
            {"index": 0, "content": part, "tokens": [1], "stop": False, "id_slot": 1} for part in state.parts()
        ]
        return state.stream([*events, {**last, "content": ""}], end=b"")

    async def cannot(request: Request) -> Response:
        await state.take(request)
        message = "Infill is not supported by this model: prefix token is missing. "
        return JSONResponse({"error": {"code": 501, "message": message, "type": "not_supported_error"}}, 501)

    async def complete(request: Request) -> Response:
        await state.take(request)
        return JSONResponse({"choices": [{"index": 0, "text": "plain", "finish_reason": "stop"}]})

    return _app({"/infill": infill, "/chat/infill": cannot, "/v1/completions": complete})
