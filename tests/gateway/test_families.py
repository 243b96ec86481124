"""Rerank, images and moderations: what servers of their own wire answer, through the gateway."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from gateway.dialects import images, rerank
from gateway.dialects.usage import Most, Usage, credible, from_rerank
from gateway.wire import members
from tests.fakes.exchanges import Exchange, exchanges
from tests.fakes.fixed import Answer, Fixed
from tests.fakes.serving import serving
from tests.fixtures.gateway import PROVIDER_KEY, InProcess, in_process

PRICES = {"input": 1, "image": 0.04, "search_unit": 0.002}
RECORDED = [
    pytest.param(path, mode, each, id=each.name.replace("/", "-"))
    for path, mode in (("/rerank", "rerank"), ("/images/generations", "image"), ("/moderations", "moderation"))
    for each in exchanges(path)
    if "bedrock" not in each.address
]


@pytest.fixture(scope="module")
def fixed() -> Fixed:
    return Fixed()


@pytest.fixture(scope="module")
def gateway(fixed: Fixed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with serving(fixed) as address:
        place = {"provider": "openai-compatible", "base_url": f"{address}/v1", "api_key": "${PROVIDER_KEY}"}
        modes = ("rerank", "image", "moderation", "chat")
        models: list[dict[str, Any]] = [
            {"name": f"our-{mode}", "mode": mode, "price": PRICES, "deployments": [{**place, "model": "theirs"}]}
            for mode in modes
        ]
        with in_process(tmp_path_factory.mktemp("families"), {"models": models}) as gateway:
            yield gateway


@pytest.mark.skipif(not RECORDED, reason="../shared/recordings is not here")
@pytest.mark.parametrize(("path", "mode", "exchange"), RECORDED)
def test_a_recorded_answer_passes_under_our_name(
    gateway: InProcess, fixed: Fixed, path: str, mode: str, exchange: Exchange
) -> None:
    fixed.answers[f"/v1{path}"] = Answer(exchange.answer)
    name = f"our-{mode}"
    asked = {**exchange.request, "model": name}
    answer = gateway.post(f"/v1{path}", json=asked)
    assert answer.status_code == 200, answer.text
    named = "model" in exchange.json
    assert answer.json() == {**exchange.json, **({"model": name} if named else {})}
    where, headers, body = fixed.asked[-1]
    assert (where, headers["authorization"]) == (f"/v1{path}", f"Bearer {PROVIDER_KEY}")
    assert json.loads(body) == {**{key: each for key, each in asked.items() if key != "user"}, "model": "theirs"}
    record = gateway.record(answer)
    assert (record.model, record.upstream_model, record.outcome, record.task) == (name, "theirs", "ok", mode)


QUESTION = {"model": "our-rerank", "query": "q", "documents": ["a", {"text": "b"}], "top_n": 1}
COHERE = b'{"id":"x","results":[{"index":0,"relevance_score":0.9}],"meta":{"billed_units":{"search_units":1}}}'


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/rerank"])
def test_a_rerank_is_billed_by_search_units(gateway: InProcess, fixed: Fixed, path: str) -> None:
    fixed.answers["/v1/rerank"] = Answer(COHERE)
    answer = gateway.post(path, json=QUESTION)
    assert (answer.status_code, answer.content) == (200, COHERE)
    record = gateway.record(answer)
    assert (record.search_units, record.input_tokens, record.cost_nano_usd) == (1, None, 2_000_000)


def test_a_rerank_without_units_is_counted_in_tokens(gateway: InProcess, fixed: Fixed) -> None:
    told = {"model": "theirs", "usage": {"total_tokens": 7}, "results": [{"index": 1, "relevance_score": 0.1}]}
    fixed.answers["/v1/rerank"] = Answer(json.dumps(told).encode())
    answer = gateway.post("/v1/rerank", json=QUESTION)
    assert answer.json() == {**told, "model": "our-rerank"}
    record = gateway.record(answer)
    assert (record.input_tokens, record.search_units, record.cost_nano_usd) == (7, None, 7000)


@pytest.mark.parametrize(
    ("path", "sent", "words"),
    [
        ("/v1/rerank", {**QUESTION, "query": ""}, "'query' is empty"),
        ("/v1/rerank", {**QUESTION, "query": ["q"]}, "'query' must be a string"),
        ("/v1/rerank", {**QUESTION, "documents": []}, "'documents' is empty"),
        ("/v1/rerank", {**QUESTION, "documents": "a"}, "'documents' must be an array"),
        ("/v1/rerank", {**QUESTION, "documents": ["d"] * 2000}, "more than 1,000 items"),
        ("/v1/rerank", {**QUESTION, "top_n": 0}, "'top_n'"),
        ("/v1/rerank", {**QUESTION, "top_n": 1e99}, "'top_n'"),
        ("/v1/rerank", {**QUESTION, "stream": True}, "'stream' must be false"),
        ("/v1/rerank", {**QUESTION, "model": "our-chat"}, "is for chat"),
        ("/v1/chat/completions", {"model": "our-rerank", "messages": [{"role": "user"}]}, "is for rerank"),
        ("/v1/images/generations", {"model": "our-image"}, "'prompt' is missing"),
        ("/v1/images/generations", {"model": "our-image", "prompt": ""}, "'prompt' is empty"),
        ("/v1/images/generations", {"model": "our-image", "prompt": "a", "n": 0}, "'n' must be"),
        ("/v1/images/generations", {"model": "our-image", "prompt": "a", "n": 10**9}, "'n' must be"),
        ("/v1/images/generations", {"model": "our-image", "prompt": "a", "n": True}, "'n' must be"),
        ("/v1/images/generations", {"model": "our-image", "prompt": "a", "stream": "yes"}, "'stream' must be true or"),
        ("/v1/moderations", {"model": "our-moderation"}, "'input' is missing"),
    ],
)
def test_what_cannot_be_served_is_told(gateway: InProcess, path: str, sent: dict[str, object], words: str) -> None:
    answer = gateway.post(path, json=sent)
    assert (answer.status_code, words in answer.json()["error"]["message"]) == (400, True), answer.text
    assert gateway.record(answer).outcome == "refused"


@pytest.mark.parametrize("body", [b'{"error":"no"}', b"{}", b"[]", b"", b"<html>", b'{"results":7,"data":"x"}'])
def test_an_answer_that_is_none_is_an_error(gateway: InProcess, fixed: Fixed, body: bytes) -> None:
    fixed.answers |= dict.fromkeys(("/v1/rerank", "/v1/images/generations"), Answer(body))
    for path, sent in (("rerank", QUESTION), ("images/generations", {"model": "our-image", "prompt": "a"})):
        answer = gateway.post(f"/v1/{path}", json=sent)
        assert answer.status_code == 502, answer.text
        assert gateway.record(answer).outcome == "error"


def test_an_error_shows_neither_key_nor_host(gateway: InProcess, fixed: Fixed) -> None:
    words = json.dumps({"error": {"message": f"bad key {PROVIDER_KEY}", "type": "invalid_request_error"}}).encode()
    fixed.answers["/v1/rerank"] = Answer(words, status=400)
    answer = gateway.post("/v1/rerank", json=QUESTION)
    assert (answer.status_code, PROVIDER_KEY in answer.text) == (400, False), answer.text
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_images_are_counted_and_priced(gateway: InProcess, fixed: Fixed) -> None:
    fixed.answers["/v1/images/generations"] = Answer(b'{"created":1,"data":[{"b64_json":"YQ=="},{"url":"https://x/"}]}')
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as client:
        answer = client.images.with_raw_response.generate(model="our-image", prompt="a cat", n=2)
    parsed = answer.parse()
    assert parsed.data
    assert [each.b64_json for each in parsed.data] == ["YQ==", None]
    record = gateway.record(answer.http_response)
    assert (record.images, record.input_tokens, record.cost_nano_usd) == (2, None, 80_000_000)


def test_the_counts_of_reranks() -> None:
    assert from_rerank(None, {"billed_units": {"search_units": 2.0}}) == Usage(search_units=2)
    assert from_rerank({"prompt_tokens": 3, "total_tokens": 4}, None) == Usage(input=3)
    assert from_rerank([], {"billed_units": [], "tokens": {"input_tokens": 5}}) == Usage(input=5)
    assert from_rerank({"total_tokens": "9"}, {"billed_units": {"search_units": -1}}) is None


def test_what_nobody_can_have_used_is_not_believed() -> None:
    assert credible(Usage(search_units=10**30), Most(10, 10)) == Usage()
    assert credible(Usage(images=3), Most(10, 10)) == Usage(images=3)


def test_the_most_that_a_request_can_use() -> None:
    documents = json.dumps({"documents": ["d"] * 101}).encode()
    assert rerank.most(members(documents)) == Usage(search_units=2)
    assert images.most(members(b'{"n":3}')) == Usage(images=3, output=3 * 8192)
    assert images.most(members(b'{"n":null}')) == Usage(images=1, output=8192)
