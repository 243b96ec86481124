"""Embeddings on every provider: OpenAI's clients, and clouds that check what they are sent."""

import asyncio
import base64
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from gateway.api.calls import Answered, Parts
from gateway.errors import UpstreamUnreachable
from gateway.ledger.segments import folder, read
from tests.fakes import vectors
from tests.fakes.bedrock import BEARER, KEY_ID, SECRET, TOKEN, Bedrock, Seen
from tests.fakes.google import KEY, PROJECT, Google
from tests.fakes.google import TOKEN as GOOGLE_TOKEN
from tests.fakes.serving import serving
from tests.fakes.vectors import NOVA, TITAN_V1, TITAN_V2, tokens_of, vector_of
from tests.fixtures.gateway import InProcess, in_process

REGION = "eu-central-1"
PROFILE = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3"
MOST = 3
"""Texts that the server on premises takes in one call."""


@dataclass
class Others:
    """Cohere, Mistral and servers on premises. Texts with `held` wait until they are let go, or their caller leaves."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    left: int = 0
    go_on: bool = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.json()
        self.asked.append(body)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self._wait(request, body)
            status, answer = self._answer(request.url.path, body)
        except vectors.Refused as refused:
            status, answer = 400, {"message": str(refused)}
        finally:
            self.running -= 1
        await JSONResponse(answer, status)(scope, receive, send)

    async def _wait(self, request: Request, body: dict[str, Any]) -> None:
        if "slow" in body["model"]:
            await asyncio.sleep(0.3)
        while "held" in str(body) and not self.go_on:
            if await request.is_disconnected():
                self.left += 1
                return
            await asyncio.sleep(0.01)

    def _answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path == "/v2/embed":
            return 200, vectors.cohere(body["model"], body, on_bedrock=False)[0]
        if body["model"].startswith("mistral"):
            return 200, vectors.mistral(body)
        answer = vectors.server(body, MOST if body["model"].startswith("few") else 2048)
        return self._changed(body, answer)

    def _changed(self, body: dict[str, Any], answer: dict[str, Any]) -> tuple[int, Any]:
        """Return the answer of a server with a fault, which its model's name tells."""
        model, text = body["model"], str(body["input"])
        if "throttled" in text:
            return 429, {"error": {"message": "Slow down.", "type": "rate_limit_error"}}
        if "short" in model:
            answer["data"].pop()
        if "uncounted" in model:
            del answer["usage"]
        if "mixed" in model:
            answer["data"].reverse()
        if "null" in model:
            answer["data"][0]["embedding"] = None
        return 200, answer


@dataclass
class Setting:
    gateway: InProcess
    bedrock: Bedrock
    google: Google
    others: Others
    http: httpx2.Client
    strict: openai.OpenAI
    """OpenAI's client, which refuses any answer that is not OpenAI's to the letter."""

    def ask(self, model: str, texts: Any, **more: Any) -> httpx2.Response:
        return self.http.post("/v1/embeddings", json={"model": model, "input": texts, **more})


def invoked(seen: Seen) -> tuple[int, bytes]:
    return 200, vectors.encoded(_made(seen)[0])


def checked(seen: Seen) -> None:
    assert seen.operation == "invoke"
    _made(seen)


def told(seen: Seen) -> dict[str, str]:
    return {"X-Amzn-Bedrock-Input-Token-Count": str(_made(seen)[1])}


def _made(seen: Seen) -> tuple[dict[str, Any], int]:
    model = TITAN_V2 if seen.model == PROFILE else seen.model.removeprefix("eu.")
    return vectors.bedrock(model, seen.body)


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    bedrock, google, others = Bedrock(invoked, REGION, checked, told), Google(lambda results: []), Others()
    with (
        pytest.MonkeyPatch.context() as patch,
        serving(bedrock) as amazon,
        serving(google) as at_google,
        serving(others) as elsewhere,
    ):
        for name, value in (("ACCESS_KEY_ID", KEY_ID), ("SECRET_ACCESS_KEY", SECRET), ("SESSION_TOKEN", TOKEN)):
            patch.setenv(f"AWS_{name}", value)
        on_bedrock = {"provider": "bedrock", "region": REGION, "base_url": amazon}
        on_vertex = {"provider": "vertex", "base_url": at_google, "project": PROJECT, "access_token": GOOGLE_TOKEN}
        on_gemini = {"provider": "gemini", "base_url": f"{at_google}/v1beta", "api_key": KEY}
        server = {"provider": "openai-compatible", "base_url": f"{elsewhere}/v1"}
        cohere = {"provider": "cohere", "base_url": elsewhere}
        deployments: dict[str, dict[str, Any]] = {
            "titan-v1": {**on_bedrock, "model": TITAN_V1},
            "titan": {**on_bedrock, "model": TITAN_V2, "api_key": BEARER},
            "nova": {**on_bedrock, "model": NOVA},
            "cohere-v3": {**on_bedrock, "model": "cohere.embed-english-v3"},
            "cohere-v4": {**on_bedrock, "model": "eu.cohere.embed-v4:0"},
            "cohere": {**cohere, "model": "embed-v4.0"},
            "gemini": {**on_gemini, "model": "gemini-embedding-001"},
            "gemini-2": {**on_gemini, "model": "gemini-embedding-2"},
            "vertex": {**on_vertex, "model": "text-embedding-005"},
            "vertex-one": {**on_vertex, "model": "gemini-embedding-001"},
            "vertex-2": {**on_vertex, "model": "gemini-embedding-2"},
            "mistral": {"provider": "mistral", "base_url": f"{elsewhere}/v1", "api_key": "k", "model": "mistral-embed"},
            "arn": {**on_bedrock, "model": PROFILE, "dialects": ["titan-embeddings"]},
            "named": {**on_bedrock, "model": PROFILE, "base_model": TITAN_V2},
            "openai": {"provider": "openai", "base_url": f"{elsewhere}/v1", "api_key": "k", "model": "plain"},
            "slow": {**server, "model": "few-slow", "max_batch": MOST, "max_concurrency": 1, "timeout": 1},
            "few": {**server, "model": "few", "max_batch": MOST, "max_concurrency": 2},
            "plain": {**server, "model": "plain"},
            **{
                name: {**server, "model": f"few-{name}", "max_batch": MOST}
                for name in ("short", "uncounted", "mixed", "null")
            },
        }
        price = {"input": 1_000_000}
        models: list[dict[str, Any]] = [
            {"name": name, "mode": "embedding", "price": price, "deployments": [each]}
            for name, each in deployments.items()
        ]
        models.append({**models[1], "name": "strict", "strict_parameters": True})
        with in_process(tmp_path_factory.mktemp("embeddings"), {"models": models}) as gateway:
            headers = {"authorization": f"Bearer {gateway.key}"}
            http = httpx2.Client(base_url=gateway.url, headers=headers, timeout=30, trust_env=False)
            strict = openai.OpenAI(
                base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, _strict_response_validation=True
            )
            with http, strict:
                yield Setting(gateway, bedrock, google, others, http, strict)


LENGTHS = {
    "titan-v1": 1536,
    "titan": 1024,
    "arn": 1024,
    "nova": 3072,
    "cohere-v3": 1024,
    "cohere-v4": 1536,
    "cohere": 1536,
    "gemini": 3072,
    "gemini-2": 3072,
    "vertex": 768,
    "vertex-one": 768,
    "vertex-2": 3072,
    "mistral": 1024,
    "few": 8,
    "plain": 8,
    "openai": 8,
}
"""Of vectors where nothing is asked for."""
ONE_A_CALL = ("arn", "titan-v1", "titan", "nova", "vertex-one", "vertex-2")
UNCOUNTED = ("gemini", "gemini-2")
"""Google's developer API tells no counts."""
TEXTS = [" ", "\t\n", *(f"text {'word ' * (number % 7)}{number} 日本 \U0001f600\n" for number in range(203))]


@pytest.mark.parametrize("model", LENGTHS)
def test_every_text_comes_back_at_its_place(setting: Setting, model: str) -> None:
    """More of them than the upstream takes in one call."""
    texts = TEXTS[:20] if model in ONE_A_CALL else TEXTS
    length = LENGTHS[model] if model in ("titan-v1", "cohere-v3") else 256
    answer = setting.strict.embeddings.create(model=model, input=texts, dimensions=length, encoding_format="float")
    assert [each.index for each in answer.data] == list(range(len(texts)))
    assert [each.embedding for each in answer.data] == [vector_of(text, length) for text in texts]
    assert answer.model == model


@pytest.mark.parametrize("model", LENGTHS)
def test_one_text_in_base64_with_its_record(setting: Setting, model: str) -> None:
    text = "the quick brown 狐"
    answer = setting.ask(model, text, encoding_format="base64", user="alice")
    assert answer.status_code == 200, answer.text
    assert isinstance(answer.json()["data"][0]["embedding"], str)
    packed = base64.b64decode(answer.json()["data"][0]["embedding"])
    assert packed == struct.pack(f"<{LENGTHS[model]}f", *vector_of(text, LENGTHS[model]))
    record, usage = setting.gateway.record(answer), answer.json()["usage"]
    estimated = model in UNCOUNTED
    assert usage["prompt_tokens"] == usage["total_tokens"] == record.input_tokens
    assert record.usage_source == ("estimated" if estimated else "provider")
    assert answer.headers.get("x-sekisho-estimated") == ("input_tokens" if estimated else None)
    assert estimated or record.input_tokens == tokens_of(text)
    assert (record.api, record.task, record.outcome, record.output_tokens) == ("embeddings", "embedding", "ok", None)
    assert record.cost_nano_usd == (record.input_tokens or 0) * 10**9
    assert "alice" not in str([setting.others.asked[-1:], setting.bedrock.seen[-1:], setting.google.seen[-1:]])
    assert "x-sekisho-dropped" not in answer.headers


@pytest.mark.parametrize("model", ["titan", "cohere-v4", "gemini", "vertex", "mistral", "few"])
def test_many_calls_are_one_request(setting: Setting, model: str) -> None:
    texts = TEXTS[:20] if model in ONE_A_CALL else TEXTS[:101]
    answer = setting.ask(model, texts, encoding_format="float", dimensions=256)
    assert answer.status_code == 200, answer.text
    record = setting.gateway.record(answer)
    counted = sum(map(tokens_of, texts))
    assert answer.json()["usage"]["prompt_tokens"] == record.input_tokens
    assert record.attempts == 1
    found = read(folder(setting.gateway.data_dir))
    assert len([each for each in found if each.request_id == record.request_id]) == 1
    assert model in UNCOUNTED or record.input_tokens == counted


@pytest.mark.parametrize(
    ("model", "length", "said"),
    [
        ("titan", 256, "256, 512 or 1024"),
        ("nova", 384, "256, 384, 1024 or 3072"),
        ("cohere-v4", 512, "256, 512, 1024 or 1536"),
        ("cohere", 256, None),
        ("gemini", 768, None),
        ("gemini-2", 128, None),
        ("vertex", 256, None),
        ("vertex-2", 1536, None),
        ("mistral", 64, None),
        ("few", 16, None),
        ("named", 512, "256, 512 or 1024"),
        ("titan-v1", 1536, "1536"),
        ("cohere-v3", 1024, "1024"),
    ],
)
def test_dimensions(setting: Setting, model: str, length: int, said: str | None) -> None:
    answer = setting.ask(model, ["a", "b"], dimensions=length, encoding_format="float")
    assert answer.status_code == 200, answer.text
    assert [each["embedding"] for each in answer.json()["data"]] == [vector_of(text, length) for text in "ab"]
    if said:
        refused = setting.ask(model, "a", dimensions=333)
        assert refused.status_code == 400
        message = refused.json()["error"]["message"]
        assert message.startswith(f"The field 'dimensions' must be {said} for this model.")
        assert refused.json()["error"]["param"] == "dimensions"


def test_the_refusal_of_an_upstream_arrives(setting: Setting) -> None:
    refused = setting.ask("vertex-2", "a", dimensions=99_999)
    assert refused.status_code == 400
    assert "outputDimensionality" not in refused.json()["error"]["type"]


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [
        ("nova", {"input_type": "search_query"}, '"embeddingPurpose": "GENERIC_RETRIEVAL"'),
        ("nova", {"input_type": "clustering", "truncate": "end"}, '"truncationMode": "END"'),
        ("cohere", {"input_type": "search_query"}, '"input_type": "search_query"'),
        ("cohere", {"input_type": "query:"}, '"input_type": "search_query"'),
        ("cohere", {"truncate": True}, '"truncate": "END"'),
        ("cohere", {}, '"input_type": "search_document"'),
        ("cohere-v3", {"input_type": "Classification"}, '"input_type": "classification"'),
        ("gemini", {"input_type": "search_query"}, '"taskType": "RETRIEVAL_QUERY"'),
        ("gemini", {"task_type": "SEMANTIC_SIMILARITY"}, '"taskType": "SEMANTIC_SIMILARITY"'),
        ("gemini-2", {"input_type": "search_query"}, '"text": "task: search result | query: a"'),
        ("gemini-2", {"input_type": "document"}, '"text": "title: none | text: a"'),
        ("vertex", {"input_type": "search_document", "title": "T"}, '"title": "T"'),
        ("vertex", {"truncate": "END"}, '"autoTruncate": true'),
        ("vertex", {}, '"autoTruncate": false'),
        ("vertex-2", {"truncate": "NONE"}, '"autoTruncate": false'),
    ],
)
def test_what_texts_are_for(setting: Setting, model: str, asked: dict[str, Any], sent: str) -> None:
    answer = setting.ask(model, "a", **asked)
    assert answer.status_code == 200, answer.text
    seen: list[Any] = [setting.others.asked[-1:], setting.bedrock.seen[-1:], setting.google.seen[-1:]]
    bodies = [each.body if hasattr(each, "body") else each for last in seen for each in last]
    assert sum(sent in json.dumps(body) for body in bodies) == 1, bodies
    assert "x-sekisho-dropped" not in answer.headers


def test_what_an_upstream_does_not_take_is_told(setting: Setting) -> None:
    answer = setting.ask("titan", "a", input_type="search_query", truncate="END", flavour=1)
    assert answer.headers["x-sekisho-dropped"] == "input_type, truncate, flavour"
    answer = setting.ask("openai", "a", input_type="search_query")
    assert answer.headers["x-sekisho-dropped"] == "input_type"
    assert setting.others.asked[-1] == {"model": "plain", "input": "a"}
    refused = setting.ask("strict", "a", input_type="search_query")
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "unsupported_parameter"


@pytest.mark.parametrize("model", ["titan", "gemini"])
@pytest.mark.parametrize(
    ("body", "param", "says"),
    [
        ({}, "input", "is missing"),
        ({"input": None}, "input", "is missing"),
        ({"input": ""}, "input", "is empty"),
        ({"input": []}, "input", "is empty"),
        ({"input": 5}, "input", "must be"),
        ({"input": ["a", ""]}, "input[1]", "is empty"),
        ({"input": [*"abcd", None]}, "input[4]", "is missing"),
        ({"input": [None]}, "input[0]", "is missing"),
        ({"input": ["a", 5]}, "input[1]", "must be"),
        ({"input": [{"text": "a"}]}, "input[0]", "must be"),
        ({"input": [1, 2, 3]}, "input", "takes texts"),
        ({"input": [[1, 2], [3]]}, "input", "takes texts"),
        ({"input": ["a", [3]]}, "input", "takes texts"),
        ({"input": ["a"] * 2049}, "input", "more than 2,048"),
        ({"input": [[1]] * 2049}, "input", "more than 2,048"),
        ({"input": "a", "dimensions": 0}, "dimensions", "above 0"),
        ({"input": "a", "dimensions": "many"}, "dimensions", "whole number"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format", "'float', 'base64'"),
        ({"input": "a", "embedding_types": ["int8"]}, "embedding_types", "must be 'float'"),
        ({"input": "a", "output_dtype": "ubinary"}, "output_dtype", "must be 'float'"),
        ({"input": "a", "input_type": "poetry"}, "input_type", "'search_query'"),
        ({"input": "a", "truncate": "MIDDLE"}, "truncate", "'NONE'"),
        ({"input": "a", "stream": True}, "stream", "in one piece"),
    ],
)
def test_bad_requests(setting: Setting, model: str, body: dict[str, Any], param: str, says: str) -> None:
    refused = setting.http.post("/v1/embeddings", json={"model": model, **body})
    assert refused.status_code == 400, refused.text
    error = refused.json()["error"]
    assert (error["param"], error["type"]) == (param, "invalid_request_error")
    assert says in error["message"]


@pytest.mark.parametrize("model", ["titan", "nova", "cohere", "vertex"])
def test_a_text_that_is_too_long(setting: Setting, model: str) -> None:
    refused = setting.ask(model, ["a", "b " * 3000, "c"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "context_length_exceeded")


@pytest.mark.parametrize(
    ("model", "says"),
    [("short", "answered with 2 vectors for 3 texts"), ("null", "answered without one of the vectors")],
)
def test_an_answer_without_a_vector(setting: Setting, model: str, says: str) -> None:
    failed = setting.ask(model, TEXTS[:7])
    assert (failed.status_code, failed.json()["error"]["code"]) == (502, "upstream_invalid_answer")
    assert failed.json()["error"]["message"].startswith(f"The model's server {says}.")


def test_vectors_are_put_into_order(setting: Setting) -> None:
    answer = setting.ask("mixed", TEXTS[:8], encoding_format="float").json()
    assert [each["embedding"] for each in answer["data"]] == [vector_of(text, 8) for text in TEXTS[:8]]


def test_tokens_go_to_servers_that_take_them_in_batches(setting: Setting) -> None:
    """As arrays: the fake refuses them in its own words, and has got at most three."""
    setting.others.asked.clear()
    setting.ask("few", [[number, 1] for number in range(7)])
    assert setting.others.asked[0]["input"] == [[0, 1], [1, 1], [2, 1]]


def test_one_failing_call_fails_the_request(setting: Setting) -> None:
    texts = ["throttled" if number == 100 else text for number, text in enumerate(TEXTS)]
    refused = setting.ask("few", texts)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "upstream_rate_limited")
    record = setting.gateway.record(refused)
    assert record.outcome == "error"
    assert 0 < (record.input_tokens or 0) < sum(map(tokens_of, TEXTS)), "what was answered is paid"


def test_a_long_answer_arrives_whole(setting: Setting) -> None:
    """Megabytes, which are sent piece by piece."""
    texts = [f"text {number}" for number in range(2048)]
    answer = setting.ask("plain", texts, dimensions=64, encoding_format="float")
    assert len(answer.content) > 2 * 1024 * 1024
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.json()["data"][2047] == {
        "object": "embedding",
        "index": 2047,
        "embedding": vector_of("text 2047", 64),
    }


def test_all_calls_together_have_the_time_of_one_answer(setting: Setting) -> None:
    setting.others.asked.clear()
    late = setting.ask("slow", TEXTS)
    assert (late.status_code, late.json()["error"]["code"]) == (504, "upstream_timeout")
    assert len(setting.others.asked) < len(TEXTS) // MOST


HELD = [f"held {number}" for number in range(90)]


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # of a server in another thread
        await asyncio.sleep(0.01)


async def embed_held(setting: Setting, model: str) -> tuple[httpx2.AsyncClient, asyncio.Task[httpx2.Response]]:
    """Ask for vectors in thirty calls, of which none is answered before `go_on`."""
    await until(lambda: setting.others.running == 0)
    setting.others.go_on, setting.others.left, setting.others.most_running = False, 0, 0
    setting.others.asked.clear()
    headers = {"authorization": f"Bearer {setting.gateway.key}"}
    client = httpx2.AsyncClient(base_url=setting.gateway.url, headers=headers, timeout=60)
    return client, asyncio.create_task(client.post("/v1/embeddings", json={"model": model, "input": HELD}))


@pytest.mark.parametrize(("model", "most"), [("few", 2), ("mixed", 8)])
async def test_calls_at_the_same_time_are_bounded(setting: Setting, model: str, most: int) -> None:
    """By the deployment's own bound, and by ours."""
    client, asked = await embed_held(setting, model)
    async with client:
        await until(lambda: setting.others.running == most)
        setting.others.go_on = True
        assert (await asked).status_code == 200
    assert setting.others.most_running == most
    assert len(setting.others.asked) == 30


async def test_who_leaves_ends_all_calls(setting: Setting) -> None:
    others = setting.others
    client, asked = await embed_held(setting, "mixed")
    async with client:
        await until(lambda: others.running == 8)
        asked.cancel()
        await until(lambda: others.running == 0)
    others.go_on = True
    assert others.left == len(others.asked) == 8


def test_all_answers_together_are_bounded() -> None:
    parts = Parts()
    parts.put(0, _answer_of(200 * 2**20))
    with pytest.raises(UpstreamUnreachable) as raised:
        parts.put(1, _answer_of(57 * 2**20))
    assert raised.value.code == "upstream_answer_too_large"


def _answer_of(size: int) -> Answered:
    """Return an answer that had so many bytes; who gave it does not matter here."""
    serving: Any = None
    return Answered(serving, {}, size, None)


def test_an_uncounted_part_makes_an_estimate(setting: Setting) -> None:
    answer = setting.ask("uncounted", TEXTS[:7])
    assert answer.headers["x-sekisho-estimated"] == "input_tokens"
    record = setting.gateway.record(answer)
    assert record.usage_source == "estimated"
    assert answer.json()["usage"] == {"prompt_tokens": record.input_tokens, "total_tokens": record.input_tokens}
