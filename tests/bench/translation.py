"""What a hop between two dialects costs: `python -m tests.bench.translation`.

CPU a chunk of a stream beside the untouched relay, CPU of a whole request before its first byte, and CPU and memory of
a Messages conversation of about 245,000 tokens.
"""

import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from gateway import wire
from gateway.dialects import chat
from gateway.dialects.relay import Relay
from gateway.payload import JsonPayload
from gateway.translation.contract import Asked, Crossing
from gateway.translation.rows import TRANSLATIONS

Fields = dict[str, Any]

CHUNKS, ROUNDS = 2000, 7
ASKED: dict[str, Fields] = {
    "/responses": {"model": "m", "input": "hi", "stream": True},
    "/messages": {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]},
}


def begun(path: str, upstream: str, body: Fields | bytes) -> Crossing:
    """Return the hop of a request from a client of `path` to an upstream."""
    raw = body if isinstance(body, bytes) else wire.encode(body)
    fields = wire.members(raw)
    asked = Asked(payload=JsonPayload(fields, len(raw)), fields=fields, model="m", stream=True)
    crossing = TRANSLATIONS[path, upstream].translation.begin(asked)
    crossing.encode({})
    return crossing


def conversation(turns: int = 200) -> bytes:
    """Return a request of Messages as a coding tool sends it late in a session: five kilobytes a turn."""
    messages: list[Fields] = []
    for number in range(turns):
        call = {"type": "tool_use", "id": f"toolu_{number}", "name": "Read", "input": {"file_path": f"/a/{number}"}}
        thinking = {"type": "thinking", "thinking": "hm " * 50, "signature": "x" * 400}
        result = {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": [_text("line of code;\n" * 150)]}
        messages += [
            {"role": "user", "content": [_text(f"look at file {number} " + "word " * 300)]},
            {"role": "assistant", "content": [thinking, _text("ok"), call]},
            {"role": "user", "content": [result]},
        ]
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    tools = [{"name": f"t{number}", "description": "d" * 500, "input_schema": schema} for number in range(40)]
    body = {"model": "m", "max_tokens": 1000, "system": [_text("sys " * 3000)], "messages": messages, "tools": tools}
    return json.dumps(body).encode()


def _text(text: str) -> Fields:
    return {"type": "text", "text": text}


def chunk(delta: Fields) -> bytes:
    """Return a chunk of Chat Completions."""
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "up"}
    return b"data: " + wire.encode({**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}) + b"\n\n"


def cpu_a_chunk(make: Callable[[], Relay]) -> float:
    """Return microseconds of CPU for each chunk, the best of some rounds."""
    first, piece, best = chunk({"role": "assistant", "content": ""}), chunk({"content": "word "}), float("inf")
    for _ in range(ROUNDS):
        relay = make()
        relay.feed(first)
        began = time.thread_time()
        for _ in range(CHUNKS):
            relay.feed(piece)
        best = min(best, time.thread_time() - began)
    return best / CHUNKS * 1e6


def cpu_seconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.thread_time()
        work()
        best = min(best, time.thread_time() - began)
    return best


def memory_ratio(path: str, upstream: str, raw: bytes) -> float:
    """Return the peak of Python's memory while a request is translated, as a multiple of its size."""
    tracemalloc.start()
    try:
        begun(path, upstream, raw)
        return tracemalloc.get_traced_memory()[1] / len(raw)
    finally:
        tracemalloc.stop()


def main() -> None:
    """Measure translation on this machine, without sockets."""
    table = Table("figure", "measured", "to reach")
    untouched = cpu_a_chunk(lambda: chat.relay("m", {}))
    table.add_row("untouched chunk, µs", f"{untouched:.1f}", "")
    for path, body in ASKED.items():
        cost = cpu_a_chunk(lambda path=path, body=body: begun(path, "chat", body).relay())  # type: ignore[misc]
        table.add_row(f"chunk from chat to {path}, µs", f"{cost:.1f} ({cost / untouched:.1f} ×)", "≤ 3 ×")
        first = cpu_seconds(lambda path=path, body=body: begun(path, "chat", body))  # type: ignore[misc]
        table.add_row(f"request from {path} to chat, ms", f"{first * 1e3:.2f}", "≤ 1")
    raw = conversation()
    for upstream in ("chat", "responses"):
        cost = cpu_seconds(lambda upstream=upstream: begun("/messages", upstream, raw))  # type: ignore[misc]
        table.add_row(f"{len(raw) // 4:,} tokens of Messages to {upstream}, ms", f"{cost * 1e3:.0f}", "≤ 150")
        ratio = memory_ratio("/messages", upstream, raw)
        table.add_row(f"their memory in sizes, to {upstream}", f"{ratio:.1f} ×", "≤ 4 ×")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
