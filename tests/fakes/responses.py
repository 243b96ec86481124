"""A server that speaks OpenAI's Responses, over recorded traffic."""

import asyncio
from collections.abc import AsyncIterator

from tests.fakes.recordings import recorded
from tests.fakes.replaying import Behaviour, Body, Replaying, answers, event, events, replays, says, streamed

PATHS = ("/v1/responses",)

PHASES = "test_openai_responses/test_openai_responses_phase_streamed_on_part_start"
TOOLS, TEXT = (PHASES, 0), (PHASES, 1)
"""These hold all that the official client demands of a stream today."""
REASONING = "test_openai_responses/test_openai_responses_moderation_stream"
WHOLE = ("test_openai_responses/test_openai_responses_model_thinking_part", 0)
CACHED = "test_openai_responses/test_openai_responses_model_web_search_tool_stream"
REFUSED = "test_openai_responses/test_openai_responses_model_http_error"

FAULT = {"code": "server_error", "message": "The model failed."}


async def _slowly(body: Body) -> AsyncIterator[bytes]:
    for each in events(recorded(*TEXT).answer):
        yield each
        await asyncio.sleep(0.2)


async def _failing_inside(body: Body) -> AsyncIterator[bytes]:
    yield b"".join(events(recorded(*TEXT).answer)[:5])
    await asyncio.sleep(0.05)
    yield event({"type": "error", "sequence_number": 5, "error": FAULT, "param": None, **FAULT})


async def _failed(body: Body) -> AsyncIterator[bytes]:
    yield b"".join(events(recorded(*TEXT).answer)[:5])
    await asyncio.sleep(0.05)
    usage = {"input_tokens": 147, "output_tokens": 4, "total_tokens": 151}
    response = {"id": "resp_1", "object": "response", "status": "failed", "error": FAULT, "usage": usage}
    yield event({"type": "response.failed", "sequence_number": 5, "response": response})


async def _unfinished(body: Body) -> AsyncIterator[bytes]:
    for each in events(recorded(*TEXT).answer)[:-1]:
        yield each


BEHAVIOURS: dict[str, Behaviour] = {
    "text": replays(*TEXT, whole=WHOLE),
    "tools": replays(
        *TOOLS, whole=("test_openai_responses/test_openai_responses_model_simple_response_with_tool_call", 0)
    ),
    "reasoning": replays(REASONING, whole=WHOLE),
    "cached": replays(CACHED),
    "slow": streamed(_slowly),
    "error-inside": streamed(_failing_inside),
    "failed": streamed(_failed),
    "unfinished": streamed(_unfinished),
    "400": answers(REFUSED),
    "503": says(503, {"error": {"message": "busy", "type": "server_error", "param": None, "code": None}}),
    "failed-whole": says(200, {"id": "resp_2", "object": "response", "status": "failed", "model": "x", "error": FAULT}),
}


def fake_responses() -> Replaying:
    return Replaying(PATHS, BEHAVIOURS)
