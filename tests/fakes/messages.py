"""A server that speaks Anthropic's Messages, over recorded traffic."""

import asyncio
from collections.abc import AsyncIterator

from starlette.types import Receive, Scope, Send

from tests.fakes.recordings import recorded
from tests.fakes.replaying import Behaviour, Body, Replaying, Seen, answers, event, events, replays, says, streamed

PATHS = ("/v1/messages", "/v1/messages/count_tokens")

THINKING = "test_anthropic/test_anthropic_model_thinking_part_stream"
TEXT = "test_anthropic/test_request_stream_fallback_for_high_max_tokens"
TOOLS = "test_anthropic/test_anthropic_web_fetch_tool_stream"
TOOLS_WHOLE = "test_anthropic/test_anthropic_tool_with_thinking"
CACHE = "test_anthropic/test_anthropic_cache_real_api"
COUNT = "test_anthropic/test_anthropic_cache_count_tokens"
NO_COUNT = "test_anthropic/test_anthropic_count_tokens_error"

OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}


async def _slowly(body: Body) -> AsyncIterator[bytes]:
    for each in events(recorded(THINKING).answer):
        yield each
        await asyncio.sleep(0.05)


async def _failing_inside(body: Body) -> AsyncIterator[bytes]:
    yield b"".join(events(recorded(THINKING).answer)[:6])
    await asyncio.sleep(0.05)
    yield event(OVERLOADED)


async def _failing_first(body: Body) -> AsyncIterator[bytes]:
    yield event(OVERLOADED)


async def _unfinished(body: Body) -> AsyncIterator[bytes]:
    for each in events(recorded(THINKING).answer)[:-1]:
        yield each


async def _breaking_off(body: Body) -> AsyncIterator[bytes]:
    for each in events(recorded(THINKING).answer)[:8]:
        yield each
    await asyncio.sleep(0.05)
    raise ConnectionResetError


async def _with_unknown_events(body: Body) -> AsyncIterator[bytes]:
    first, *rest = events(recorded(TEXT).answer)
    yield first
    yield event({"type": "ping"})
    yield event({"type": "something_new", "model": "claude", "number": 1.50})
    yield b"".join(rest)


async def _from_the_cache(body: Body) -> AsyncIterator[bytes]:
    """The recorded text with the counts of the recorded cache, as the wire sends them: some first, some last."""
    usage = {"input_tokens": 3, "cache_creation_input_tokens": 418, "cache_read_input_tokens": 1111, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": []}
    yield event({"type": "message_start", "message": {**message, "stop_reason": None, "usage": usage}})
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    yield event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 33}})
    yield event({"type": "message_stop"})


async def _without_start(body: Body) -> AsyncIterator[bytes]:
    """As llama.cpp answers where the answer begins with half a character."""
    yield b"".join(events(recorded(THINKING).answer)[1:-2])
    yield event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 12}})
    yield event({"type": "message_stop"})


async def _counting(seen: Seen, scope: Scope, receive: Receive, send: Send) -> None:
    found = answers(COUNT) if seen.path.endswith("count_tokens") else replays(TEXT)
    await found(seen, scope, receive, send)


BEHAVIOURS: dict[str, Behaviour] = {
    "text": replays(TEXT, whole=(CACHE, 0)),
    "thinking": replays(THINKING, whole=("test_anthropic/test_anthropic_model_thinking_part", 0)),
    "tools": replays(TOOLS, whole=(TOOLS_WHOLE, 0)),
    "cache": streamed(_from_the_cache, whole=(CACHE, 1)),
    "count": _counting,
    "no-count": answers(NO_COUNT),
    "unknown-events": streamed(_with_unknown_events),
    "no-start": streamed(_without_start),
    "slow": streamed(_slowly),
    "error-inside": streamed(_failing_inside),
    "error-first": streamed(_failing_first),
    "unfinished": streamed(_unfinished),
    "breaks": streamed(_breaking_off),
    "400": says(400, {"type": "error", "error": {"type": "invalid_request_error", "message": "thinking: no"}}),
    "400-llama": says(400, {"error": {"code": 400, "message": "'messages' is required", "type": "server_error"}}),
    "529": says(529, OVERLOADED),
    "401": says(401, {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}),
}


def fake_messages() -> Replaying:
    return Replaying(PATHS, BEHAVIOURS)
