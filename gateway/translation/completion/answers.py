"""Writes completions for clients of the three dialects: whole, or event by event."""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from gateway import wire
from gateway.dialects.chat_stream import DONE_EVENT
from gateway.dialects.usage import Usage
from gateway.translation.completion.pieces import Piece
from gateway.wire import Members

_BEGIN, _END = b"data: ", b"\n\n"


def usage_of(usage: Usage | None) -> dict[str, Any] | None:
    """Return counts as OpenAI and Mistral write them; None where nobody counted."""
    if usage is None:
        return None
    prompt, answer = usage.input or 0, usage.output or 0
    written: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
    }
    if usage.cached_input is not None:
        written["prompt_tokens_details"] = {"cached_tokens": usage.cached_input}
    return written


def timings_of(usage: Usage | None) -> dict[str, float]:
    """Return llama.cpp's timings with the counts that are known; editors show them and must find a number."""
    prompt, answer, cached = (usage.input, usage.output, usage.cached_input) if usage else (0, 0, 0)
    zeros = (f"{part}_{name}" for part in ("prompt", "predicted") for name in ("ms", "per_token_ms", "per_second"))
    counts = {"cache_n": cached or 0, "prompt_n": (prompt or 0) - (cached or 0), "predicted_n": answer or 0}
    return {**counts, **dict.fromkeys(zeros, 0.0)}


class Writer(Protocol):
    """Writes one stream."""

    def text(self, piece: Piece) -> bytes:
        """Return an event with a piece of text."""

    def end(self, finishes: Sequence[Piece], usage: Usage | None) -> bytes:
        """Return the final events."""


class Choices:
    """Chunks of Completions, or of Mistral's fill-in-the-middle."""

    def __init__(self, model: str, fields: Members, *, chat: bool) -> None:
        kind = b"chat.completion.chunk" if chat else b"text_completion"
        self._chat = chat
        self._head = b'{"id":"%s","object":"%s","created":%d,"model":%s,' % (
            b"cmpl-" + secrets.token_hex(12).encode(),
            kind,
            int(time.time()),
            wire.encode(model),
        )
        options = wire.value(fields, "stream_options")
        self._counts = not chat and isinstance(options, dict) and options.get("include_usage") is True

    def text(self, piece: Piece) -> bytes:
        return self._event(b'"choices":[%s]}' % self._choice(piece))

    def end(self, finishes: Sequence[Piece], usage: Usage | None) -> bytes:
        if self._chat:
            last = b'"choices":[%s],"usage":%s}' % (b",".join(map(self._choice, finishes)), _usage(usage))
            return self._event(last) + DONE_EVENT
        events = [self.text(piece) for piece in finishes]
        if self._counts:
            events.append(self._event(b'"choices":[],"usage":%s}' % _usage(usage)))
        return b"".join([*events, DONE_EVENT])

    def _choice(self, piece: Piece) -> bytes:
        text, finish = wire.encode(piece.text), wire.encode(piece.finish)
        if self._chat:
            delta = b'{"role":"assistant","content":%s}' % text
            return b'{"index":%d,"delta":%s,"finish_reason":%s}' % (piece.index, delta, finish)
        return b'{"index":%d,"text":%s,"logprobs":null,"finish_reason":%s}' % (piece.index, text, finish)

    def _event(self, rest: bytes) -> bytes:
        return _BEGIN + self._head + rest + _END


class Infills:
    """Events of llama.cpp's infill."""

    def __init__(self, model: str, fields: Members) -> None:
        self._model = model
        self._fields = fields

    def text(self, piece: Piece) -> bytes:
        return b'data: {"index":%d,"content":%s,"stop":false}\n\n' % (piece.index, wire.encode(piece.text))

    def end(self, finishes: Sequence[Piece], usage: Usage | None) -> bytes:
        last = finishes[0] if finishes else Piece(finish="stop")
        return _BEGIN + wire.encode(infill(self._model, last, usage, self._fields)) + _END


def whole_completions(model: str, pieces: Sequence[Piece], usage: Usage | None, fields: Members) -> Members:
    choices = [
        {"index": each.index, "text": each.text, "logprobs": None, "finish_reason": each.finish} for each in pieces
    ]
    return _whole("text_completion", model, choices, usage)


def whole_fim(model: str, pieces: Sequence[Piece], usage: Usage | None, fields: Members) -> Members:
    choices = [
        {
            "index": each.index,
            "message": {"role": "assistant", "content": each.text, "tool_calls": None},
            "finish_reason": each.finish,
        }
        for each in pieces
    ]
    return _whole("chat.completion", model, choices, usage)


def whole_infill(model: str, pieces: Sequence[Piece], usage: Usage | None, fields: Members) -> Members:
    return wire.members(wire.encode(infill(model, pieces[0] if pieces else Piece(), usage, fields)))


def infill(model: str, piece: Piece, usage: Usage | None, fields: Members) -> dict[str, Any]:
    """Return a whole infill, or the last event of a streamed one, with the members that the client wants."""
    prompt, answer = (usage.input or 0, usage.output or 0) if usage else (0, 0)
    found = {
        "index": piece.index,
        "content": piece.text,
        "model": model,
        "stop": True,
        "stop_type": "limit" if piece.finish == "length" else "eos",
        "tokens_predicted": answer,
        "tokens_evaluated": prompt,
        "tokens_cached": prompt + answer,
        "truncated": False,
        "timings": timings_of(usage),
    }
    return chosen(found, fields)


def chosen(found: dict[str, Any], fields: Members) -> dict[str, Any]:
    """Return the members that `response_fields` names, as llama.cpp does: `timings/prompt_n` becomes a name."""
    paths = wire.value(fields, "response_fields")
    if not isinstance(paths, list) or not paths:
        return found
    there = {path: _at(found, path.split("/")) for path in paths[:_MOST_PATHS] if isinstance(path, str)}
    return {path: value for path, value in there.items() if value is not msgspec.UNSET}


def _at(found: Any, path: list[str]) -> Any:
    for name in path:
        if not isinstance(found, dict) or name not in found:
            return msgspec.UNSET
        found = found[name]
    return found


_MOST_PATHS = 100


def _whole(kind: str, model: str, choices: list[dict[str, Any]], usage: Usage | None) -> Members:
    counts = usage_of(usage)
    content = {
        "id": f"cmpl-{secrets.token_hex(12)}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
        "choices": choices,
        **({"usage": counts} if counts else {}),
    }
    return wire.members(wire.encode(content))


def _usage(usage: Usage | None) -> bytes:
    return wire.encode(usage_of(usage))


Whole = Callable[[str, Sequence[Piece], Usage | None, Members], Members]
