"""Tokens and scores of servers on premises: passed on, governed and recorded as every route."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.fixed import Answer, Fixed
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process

Fields = dict[str, Any]

PRICE = {"input": 1, "output": 1, "search_unit": 1}
TOLD: Fields = {"count": 2, "max_model_len": 4096, "tokens": [1, 15043], "token_strs": None}
SCORES: Fields = {
    "id": "score-1",
    "object": "list",
    "model": "theirs",
    "data": [{"index": 0, "object": "score", "score": 0.75}],
    "usage": {"prompt_tokens": 9, "total_tokens": 9, "completion_tokens": 0},
}


@pytest.fixture(scope="module")
def fixed() -> Fixed:
    return Fixed()


@pytest.fixture(scope="module")
def gateway(fixed: Fixed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with serving(fixed) as address:
        models = [
            {"name": f"{provider}-{mode}", "mode": mode, "price": PRICE, "deployments": [
                {"provider": provider, "base_url": f"{address}/v1", "model": "theirs"}
            ]}
            for provider in ("vllm", "llama.cpp", "openai-compatible")
            for mode in ("chat", "rerank", "speech")
        ]  # fmt: skip
        with in_process(tmp_path_factory.mktemp("tokens"), {"models": models}) as gateway:
            yield gateway


@pytest.mark.parametrize("path", ["/v1/tokenize", "/tokenize"])
def test_tokens_pass_and_cost_nothing(gateway: InProcess, fixed: Fixed, path: str) -> None:
    fixed.answers["/tokenize"] = Answer(json.dumps(TOLD).encode())
    for text in ({"prompt": "Hi"}, {"prompt": ""}, {"messages": [{"role": "user", "content": "Hi"}], "odd": 1.50}):
        answer = gateway.post(path, json={"model": "vllm-chat", **text})
        assert (answer.status_code, answer.json()) == (200, TOLD), answer.text
        where, _, body = fixed.asked[-1]
        assert (where, json.loads(body)) == ("/tokenize", {"model": "theirs", **text})
        record = gateway.record(answer)
        assert (record.outcome, record.task, record.api, record.model) == ("ok", "tokenize", "tokenize", "vllm-chat")
        assert (record.input_tokens, record.output_tokens, record.cost_nano_usd) == (None, None, None)


def test_texts_of_tokens_pass(gateway: InProcess, fixed: Fixed) -> None:
    fixed.answers["/detokenize"] = Answer(b'{"prompt":"Hi"}')
    answer = gateway.post("/detokenize", json={"model": "vllm-rerank", "tokens": [1, 15043]})
    assert (answer.status_code, answer.json()) == (200, {"prompt": "Hi"})
    assert fixed.asked[-1][0] == "/detokenize"


def test_llama_cpp_is_asked_in_its_own_shape(gateway: InProcess, fixed: Fixed) -> None:
    fixed.answers["/tokenize"] = Answer(b'{"tokens":[1,15043]}')
    fixed.answers["/detokenize"] = Answer(b'{"content":"Hi"}')
    told = {**TOLD, "max_model_len": None}
    for sent in ({"prompt": "Hi", "add_special_tokens": False}, {"content": "Hi", "add_special": False}):
        answer = gateway.post("/tokenize", json={"model": "llama.cpp-chat", **sent, "odd": 1})
        assert (answer.status_code, answer.json(), answer.headers["x-sekisho-dropped"]) == (200, told, "odd")
        where, _, body = fixed.asked[-1]
        assert (where, json.loads(body)) == ("/tokenize", {"model": "theirs", "content": "Hi", "add_special": False})
    fixed.answers["/tokenize"] = Answer(b'{"tokens":[{"id":1,"piece":"H"},{"id":2,"piece":[227]}]}')
    answer = gateway.post("/tokenize", json={"model": "llama.cpp-chat", "prompt": "Hi", "return_token_strs": True})
    assert (answer.json()["tokens"], answer.json()["token_strs"]) == ([1, 2], ["H", [227]])
    assert json.loads(fixed.asked[-1][2])["with_pieces"] is True
    answer = gateway.post("/detokenize", json={"model": "llama.cpp-chat", "tokens": [1]})
    assert answer.json() == {"prompt": "Hi"}
    answer = gateway.post("/tokenize", json={"model": "llama.cpp-chat", "messages": [{"role": "user", "content": "a"}]})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "messages")


@pytest.mark.parametrize("path", ["/v1/score", "/score"])
def test_scores_pass_and_cost_their_tokens(gateway: InProcess, fixed: Fixed, path: str) -> None:
    fixed.answers["/v1/score"] = Answer(json.dumps(SCORES).encode())
    for pair in ({"text_1": "a", "text_2": ["b"]}, {"data_1": "a", "data_2": "b"}, {"queries": "a", "items": ["b"]}):
        answer = gateway.post(path, json={"model": "vllm-rerank", **pair, "user": "somebody"})
        assert (answer.status_code, answer.json()) == (200, {**SCORES, "model": "vllm-rerank"}), answer.text
        assert json.loads(fixed.asked[-1][2]) == {"model": "theirs", **pair}
        record = gateway.record(answer)
        assert (record.input_tokens, record.cost_nano_usd, record.task) == (9, 9000, "rerank")


@pytest.mark.parametrize(
    ("path", "sent", "param"),
    [
        ("/tokenize", {}, "prompt"),
        ("/tokenize", {"prompt": 5}, "prompt"),
        ("/tokenize", {"messages": "a"}, "messages"),
        ("/tokenize", {"prompt": "a", "stream": True}, "stream"),
        ("/detokenize", {}, "tokens"),
        ("/detokenize", {"tokens": []}, "tokens"),
        ("/detokenize", {"tokens": "a"}, "tokens"),
        ("/v1/score", {}, "text_1"),
        ("/v1/score", {"text_1": "a"}, "text_2"),
        ("/v1/score", {"text_1": "a", "text_2": []}, "text_2"),
        ("/v1/score", {"text_1": 5, "text_2": "a"}, "text_1"),
        ("/v1/score", {"queries": "a"}, "documents"),
    ],
)
def test_what_cannot_be_asked_is_told(gateway: InProcess, path: str, sent: Fields, param: str) -> None:
    answer = gateway.post(path, json={"model": "vllm-rerank", **sent})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text


def test_who_may_not_ask_is_told(gateway: InProcess, fixed: Fixed) -> None:
    asked = len(fixed.asked)
    for path, model, code in (
        ("/tokenize", "openai-compatible-chat", "dialect_not_supported"),
        ("/v1/score", "openai-compatible-rerank", "dialect_not_supported"),
        ("/v1/score", "llama.cpp-rerank", "dialect_not_supported"),
        ("/v1/score", "vllm-chat", "wrong_mode"),
        ("/tokenize", "vllm-speech", "wrong_mode"),
        ("/tokenize", "nobody", "model_not_found"),
    ):
        answer = gateway.post(path, json={"model": model, "prompt": "a", "text_1": "a", "text_2": "b"})
        assert answer.json()["error"]["code"] == code, answer.text
    assert gateway.post("/tokenize", json={"model": "vllm-chat", "prompt": "a"}, headers={"authorization": ""}).status_code == 401  # fmt: skip  # noqa: E501
    assert len(fixed.asked) == asked


@pytest.mark.parametrize("body", [b"[]", b'{"tokens":7,"data":"x","prompt":1}'])
def test_an_answer_that_is_none_is_an_error(gateway: InProcess, fixed: Fixed, body: bytes) -> None:
    fixed.answers |= dict.fromkeys(("/tokenize", "/detokenize", "/v1/score"), Answer(body))
    for model in ("vllm-rerank", "llama.cpp-rerank"):
        for path in ("/tokenize", "/detokenize", *(["/v1/score"] if model == "vllm-rerank" else [])):
            sent = {"model": model, "prompt": "a", "tokens": [1], "text_1": "a", "text_2": "b"}
            assert gateway.post(path, json=sent).status_code == 502


def test_a_server_that_has_it_not_says_so(gateway: InProcess, fixed: Fixed) -> None:
    fixed.answers.clear()
    answer = gateway.post("/tokenize", json={"model": "vllm-chat", "prompt": "a"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "endpoint_not_supported")
