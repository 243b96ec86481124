"""What the upstreams say: an answer and a stream in the shape of OpenAI's own, as recorded from api.openai.com."""

import json
import re
from typing import Any

MODEL = "gpt-5-nano-2025-08-07"

_USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 100,
    "total_tokens": 112,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
_TEXT = "A checkpoint on the old road: whoever passes shows a pass, and the passage is written into the book."


def _packed(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


ANSWER = _packed(
    {
        "id": "chatcmpl-C4Hn7cxHHDt210R3NWm4trTgiLkrA",
        "object": "chat.completion",
        "created": 1755137737,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": _TEXT, "refusal": None, "annotations": []},
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
        "service_tier": "default",
        "system_fingerprint": None,
    }
)
"""The whole answer, about 750 bytes."""


def _event(**more: Any) -> bytes:
    shape = {
        "id": "chatcmpl-C4Hn7cxHHDt210R3NWm4trTgiLkrA",
        "object": "chat.completion.chunk",
        "created": 1755137737,
        "model": MODEL,
        "service_tier": "default",
        "system_fingerprint": None,
    }
    return b"data: " + _packed({**shape, **more}) + b"\n\n"


def _choice(delta: dict[str, str], finish: str | None = None) -> list[dict[str, Any]]:
    return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]


_BEFORE, _AFTER = _event(choices=_choice({"content": "t=STAMP"}), usage=None).split(b"STAMP")
FINISH_CHUNK = _event(choices=_choice({}, "stop"), usage=None)
USAGE_CHUNK = _event(choices=[], usage=_USAGE)
DONE = b"data: [DONE]\n\n"

STAMP = re.compile(rb"t=(\d+)")
"""Finds the moments in a piece of a stream."""


def chunk_with(moment: int) -> bytes:
    """A chunk, about 280 bytes; `moment` is CLOCK_MONOTONIC in microseconds, the same in all processes."""
    return b"%b%d%b" % (_BEFORE, moment, _AFTER)


def ask(model: str, prompt: str, **more: Any) -> bytes:
    """A chat request."""
    messages = [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": prompt}]
    return _packed({"model": model, "messages": messages, "max_tokens": 256, **more})
