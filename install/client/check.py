"""One call of the gateway as a tool makes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from gateway.secret import Secret
from install.client.asking import client
from install.client.failures import Failure, failure_of, refusal_of
from install.client.setup import CLIENT_HEADER, Setup
from install.client.tool import Tool, Wire

_SECONDS = 60
_PROMPT = "Answer with the word yes."
_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Call:
    """A request of a wire; `{model}` in the path is the model."""

    path: str
    key_header: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]


_ASKED = [{"role": "user", "content": _PROMPT}]
_JSON: Mapping[str, str] = {}
_CALLS: dict[Wire, Call] = {
    "chat": Call("/v1/chat/completions", "authorization", {"messages": _ASKED, "max_tokens": _TOKENS}, _JSON),
    "responses": Call("/v1/responses", "authorization", {"input": _PROMPT, "store": False}, _JSON),
    "messages": Call(
        "/v1/messages?beta=true",
        "authorization",
        {"messages": _ASKED, "max_tokens": _TOKENS},
        {"anthropic-version": "2023-06-01"},
    ),
    "gemini": Call(
        "/v1beta/models/{model}:generateContent",
        "x-goog-api-key",
        {"contents": [{"role": "user", "parts": [{"text": _PROMPT}]}]},
        _JSON,
    ),
    "infill": Call(
        "/infill",
        "authorization",
        {"input_prefix": "def one():\n    return ", "input_suffix": "\n", "n_predict": 8, "stream": False},
        _JSON,
    ),
}


def check(tool: Tool, setup: Setup, key: Secret) -> Failure | None:
    """Ask the model once in the way of the tool; return what is wrong, None where it answers."""
    call = _CALLS[tool.wire]
    asked = setup.completion or setup.model if tool.wire == "infill" else setup.model
    body = dict(call.body) if tool.wire == "gemini" else {"model": asked.id, **call.body}
    presented = key.reveal() if call.key_header != "authorization" else f"Bearer {key.reveal()}"
    headers = {**call.headers, call.key_header: presented, CLIENT_HEADER: tool.name}
    try:
        with client(setup.root) as http:
            answer = http.post(call.path.format(model=asked.id), json=body, headers=headers, timeout=_SECONDS)
            good = answer.is_success and isinstance(answer.json(), dict)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError) as error:
        return failure_of(setup.root, error)
    return None if good else refusal_of(setup.root, answer)
