"""What a server says when it fails, in the shapes that vendors use."""

import json
from typing import Any

import pytest

from gateway.dialects.faults import Fault, fault_of

WORDS: list[tuple[str, Any, str]] = [
    ("OpenAI", {"error": {"message": "Bad", "type": "invalid_request_error", "param": "x", "code": None}}, "Bad"),
    ("Ollama", {"error": "model is required"}, "model is required"),
    ("Hugging Face", {"error": ["too long", "too hot"], "warnings": []}, "too long; too hot"),
    ("FastAPI", {"detail": "Not this"}, "Not this"),
    (
        "FastAPI, a list",
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "foo"], "msg": "Extra inputs are not permitted"}]},
        "body.foo: Extra inputs are not permitted",
    ),
    (
        "Mistral",
        {"object": "error", "message": {"detail": [{"loc": ["body", 0], "msg": "Field required"}]}},
        "body.0: Field required",
    ),
    (
        "OpenRouter",
        {"error": {"message": "Provider returned error", "metadata": {"raw": '{"error":{"message":"no tools"}}'}}},
        "Provider returned error; no tools",
    ),
    ("Google", [{"error": {"code": 400, "message": "API key", "status": "INVALID_ARGUMENT"}}], "API key"),
    ("problem+json", {"type": "about:blank", "title": "Bad", "detail": "n is 1", "status": 400}, "Bad; n is 1"),
    ("Cloudflare", {"errors": [{"code": 7000, "message": "No route"}], "success": False}, "No route"),
    ("Apigee", {"fault": {"faultstring": "Body buffer overflow"}}, "Body buffer overflow"),
    ("AWS", {"Message": "Malformed input"}, "Malformed input"),
    ("OAuth", {"error": "invalid_scope", "error_description": "Not yours"}, "invalid_scope; Not yours"),
    ("Responses", {"type": "response.failed", "response": {"error": {"message": "No luck"}}}, "No luck"),
    ("JSON in a text", {"message": '{"detail":"inner"}'}, "inner"),
    ("half a surrogate pair", {"error": {"message": "\ud800 broken"}}, "? broken"),
    ("lines and control characters", {"error": "one\n\ttwo\x00three"}, "one two three"),
    ("a page in it", {"error": "<html><body>502</body></html>"}, ""),
    ("nothing", {}, ""),
    ("no words", {"error": {"code": 400}}, ""),
    ("numbers", {"error": {"message": 5}}, ""),
]


@pytest.mark.parametrize(("content", "words"), [row[1:] for row in WORDS], ids=[row[0] for row in WORDS])
def test_words(content: Any, words: str) -> None:
    assert fault_of(json.dumps(content).encode()).words == words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"Rate limit reached", "Rate limit reached"),
        ("モデルがありません".encode(), "モデルがありません"),
        (b"<html>nginx</html>", ""),
        (b"\xff\xfe\x00", ""),
        (b"", ""),
        (b'{"error":{"message":"cut in the mid', ""),
        (b"[" * 100_000, ""),
        (b'{"error":' + b"[" * 900 + b"]" * 900 + b"}", ""),
        (b'{"error":' + b'{"error":' * 900 + b'"deep"' + b"}" * 900 + b"}", ""),
        (b'{"error":' + b"1" * 5000 + b"}", ""),
        (b"boom\nTraceback (most recent call last):\n  File x", "boom"),
        (b"boom\n   at com.example.Main(Main.java:5)", "boom"),
    ],
)
def test_words_of_what_is_no_json(body: bytes, words: str) -> None:
    assert fault_of(body).words == words


def test_words_are_bounded() -> None:
    assert len(fault_of(json.dumps({"error": "x" * 50_000}).encode()).words) == 2000
    assert len(fault_of(json.dumps({"errors": [f"{number} " * 200 for number in range(500)]}).encode()).words) == 2000


STATUSES: list[tuple[Any, int | None]] = [
    ({"error": {"message": "x", "code": 400}}, 400),
    ({"error": {"message": "x", "code": "429"}}, 429),
    ({"error": {"message": "x", "type": "invalid_request_error", "code": "invalid_api_key"}}, 401),
    ({"error": {"message": "x", "type": "BadRequestError", "code": None}}, 400),
    ({"error": {"message": "x", "code": "context_length_exceeded"}}, 400),
    ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, 503),
    ({"type": "error", "error": {"type": "billing_error", "message": "x"}}, 402),
    ({"type": "error", "code": "rate_limit_exceeded", "message": "x"}, 429),
    ({"type": "response.failed", "response": {"status": "failed", "error": {"code": "server_error"}}}, 500),
    ([{"error": {"code": 404, "status": "NOT_FOUND"}}], 404),
    ({"error": {"status": "RESOURCE_EXHAUSTED", "message": "x"}}, 429),
    ({"object": "error", "message": "x", "type": "NotFoundError", "code": 404}, 404),
    ({"statusCode": 403, "message": "x"}, 403),
    ({"error": {"message": "Your credit balance is too low to access the Anthropic API."}}, 402),
    ({"error": {"message": "Unknown value: 'insufficient balance'"}}, None),
    ({"error": {"message": "x", "code": 200}}, None),
    ({"error": {"message": "x", "code": True}}, None),
    ({"error": {"message": "x", "code": 4000}}, None),
    ({"error": {"message": "x", "code": "٤٠٠"}}, None),
    ({"error": "x"}, None),
    ("plain", None),
]


@pytest.mark.parametrize(("content", "status"), STATUSES)
def test_its_own_code_counts(content: Any, status: int | None) -> None:
    assert fault_of(json.dumps(content).encode()).status == status


TOO_LONG = [
    "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens.",
    "Requested token count exceeds the model's maximum context length of 4096 tokens.",
    "prompt is too long: 205000 tokens > 200000 maximum",
    "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
    "the request exceeds the available context size (4096 tokens), try increasing it",
    "Your input exceeds the context window of this model.",
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "Input is too long for requested model.",
    "The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
    "too many tokens: total number of tokens in the prompt cannot exceed 4081",
    "The model returned the following errors: Input Tokens Exceeded: Number of input tokens exceeds maximum length.",
    "Input length exceeds maximum",
    "Unable to submit request because the input token count is 1200000 but model only supports up to 1048576.",
    "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300007 tokens.",
    "Value error, prompt too long",
    "too many tokens: size limit exceeded by 11326 tokens. Try using shorter or fewer inputs.",
]


@pytest.mark.parametrize("words", TOO_LONG)
def test_a_prompt_that_does_not_fit(words: str) -> None:
    assert fault_of(json.dumps({"error": {"message": words}}).encode()) == Fault(400, words, too_long=True)


def test_a_code_alone_says_that_a_prompt_does_not_fit() -> None:
    assert fault_of(b'{"error":{"message":"no","code":"context_length_exceeded"}}').too_long
    assert fault_of(b'{"error":{"message":"no","type":"exceed_context_size_error"}}').too_long
    assert not fault_of(b'{"message":"too many tokens: max tokens must be less than or equal to 4096"}').too_long
    assert not fault_of(b'{"error":{"message":"temperature must be at most 2"}}').too_long


def test_too_many_tokens_in_a_minute_are_no_prompt_that_is_too_long() -> None:
    words = "Too many tokens, please wait before trying again."
    assert not fault_of(json.dumps({"message": words}).encode()).too_long


AMAZON = [
    ({"__type": "com.amazon.coral.availability#ThrottlingException", "message": "x"}, 429),
    ({"__type": "com.amazon.coral.validate#ValidationException", "message": "x"}, 400),
]


@pytest.mark.parametrize(("content", "status"), AMAZON)
def test_amazon_names_an_error_behind_its_space(content: Any, status: int) -> None:
    assert fault_of(json.dumps(content).encode()).status == status


@pytest.mark.parametrize(
    "content",
    [
        {"Message": "Bearer Token has expired"},
        {"error": {"status": "UNAUTHENTICATED", "details": [{"reason": "ACCESS_TOKEN_EXPIRED"}]}},
    ],
)
def test_credentials_past_their_end(content: Any) -> None:
    assert fault_of(json.dumps(content).encode()).expired


@pytest.mark.parametrize(
    "words",
    [
        "model 'command-r' was removed on September 15, 2025. See https://docs.cohere.com/docs/models",
        "Access denied. This Model is marked by provider as Legacy and you have not been actively using the model.",
    ],
)
def test_a_model_that_its_vendor_took_away(words: str) -> None:
    assert fault_of(json.dumps({"message": words}).encode()).ended
