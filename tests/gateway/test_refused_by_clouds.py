"""What clients of each wire read where a cloud refuses a request, in the words and names of that cloud."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.fixed import Answer, Fixed
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process

Fields = dict[str, Any]

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
GEMINI = "/v1beta/models/{}:generateContent"
TURNS = [{"role": "user", "content": "Hello"}]
ASKED: dict[str, Fields] = {
    CHAT: {"messages": TURNS},
    MESSAGES: {"max_tokens": 9, "messages": TURNS},
    RESPONSES: {"input": "Hello"},
    GEMINI: {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]},
}
LONGER = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."
LONG: dict[str, tuple[str, Fields]] = {
    "vllm": ("/chat/completions", {"error": {"message": LONGER, "type": "BadRequestError", "code": 400}}),
    "mistral": ("/chat/completions", {"object": "error", "message": "Prompt contains 40000 tokens, too large for model "
                "with 32768 maximum context length", "code": "3051"}),
    "gemini": ("/models/m:generateContent", {"error": {"code": 400, "message": "The input token count (9) exceeds the "
               "maximum number of tokens allowed (8).", "status": "INVALID_ARGUMENT"}}),
    "anthropic": ("/messages", {"type": "error", "error": {"type": "invalid_request_error",
                  "message": "prompt is too long: 9 tokens > 8 maximum"}}),
    "cohere": ("/v2/chat", {"message": "too many tokens: size limit exceeded by 11326 tokens. Try shorter inputs."}),
}  # fmt: skip
ANSWERS = {
    "vllm": ("/chat/completions", "/messages", "/responses"),
    "anthropic": ("/messages",),
    "gemini": ("/models/m:generateContent",),
    "cohere": ("/v2/chat",),
}
KEY = {"model": "m", "api_key": "key-12345678"}
THROTTLED = b'{"__type":"com.amazon.coral.availability#ThrottlingException","message":"Rate exceeded"}'


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[InProcess, Fixed]]:
    fake = Fixed()
    with serving(fake) as address:
        for name, (path, body) in LONG.items():
            for each in (path, "/messages", "/responses"):
                fake.answers[f"/{name}{each}"] = Answer(json.dumps(body).encode(), status=400)
        fake.answers["/throttled/v2/chat"] = Answer(THROTTLED, status=400)
        for name, paths in ANSWERS.items():
            for path in paths:
                fake.answers[f"/empty-{name}{path}"] = Answer(b'{"message":"Service unavailable"}')
        asked = {**dict.fromkeys(LONG), **{f"empty-{name}": name for name in ANSWERS}, "throttled": "cohere"}
        models = [
            {"name": name, "deployments": [{**KEY, "provider": other or name, "base_url": f"{address}/{name}"}]}
            for name, other in asked.items()
        ]
        with in_process(tmp_path_factory.mktemp("clouds"), {"models": models}) as gateway:
            yield gateway, fake


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("path", ASKED)
def test_a_prompt_that_is_too_long_is_told_so_in_each_wire(
    clouds: tuple[InProcess, Fixed], path: str, name: str
) -> None:
    answer = clouds[0].post(path.format(name), json={**({} if path == GEMINI else {"model": name}), **ASKED[path]})
    error = answer.json()["error"]
    assert answer.status_code == 400, answer.text
    if path == GEMINI:
        assert error["status"] == "INVALID_ARGUMENT"
        assert "exceeds the maximum number of tokens" in error["message"]
    elif path == MESSAGES:
        assert error["type"] == "invalid_request_error"
        assert "prompt is too long" in error["message"], "by which Claude Code makes a conversation shorter"
    else:
        assert error["code"] == "context_length_exceeded"


def test_a_limit_that_stands_under_status_400_is_one(clouds: tuple[InProcess, Fixed]) -> None:
    answer = clouds[0].post(CHAT, json={"model": "throttled", **ASKED[CHAT]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "upstream_rate_limited")


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("path", ASKED)
def test_an_answer_without_anything_is_no_answer(clouds: tuple[InProcess, Fixed], path: str, name: str) -> None:
    model = f"empty-{name}"
    answer = clouds[0].post(path.format(model), json={**({} if path == GEMINI else {"model": model}), **ASKED[path]})
    assert answer.status_code == 502, answer.text
