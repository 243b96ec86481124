"""Orders of documents by Cohere and by both ways of Bedrock, asked in the shape of Cohere's v1, v2 and Jina."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import cohere
import pytest
from botocore.config import Config

from gateway.config.models import Deployment
from gateway.providers.rows import PROVIDERS
from tests.fakes.bedrock import BEARER, KEY_ID, SECRET, TOKEN, Bedrock
from tests.fakes.bedrock import Seen as AtAmazon
from tests.fakes.cohere import KEY, Cohere, Seen
from tests.fakes.exchanges import FOLDER, Exchange, exchanges
from tests.fakes.fixed import Answer, Fixed
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process
from tests.translation.rerank_wire import ANSWER, check_bedrock, check_cohere, check_invoked

Fields = dict[str, Any]

REGION = "ap-northeast-1"
OF_COHERE, OF_AMAZON = "cohere.rerank-v3-5:0", "amazon.rerank-v1:0"
DOCUMENTS = ["Paris is in France.", {"text": "Berlin is in Germany.", "page": 3}, "", "Rome is in Italy."]
QUESTION: Fields = {"query": "Where is Berlin?", "documents": DOCUMENTS}
MODELS = ("cohere", "bedrock", "amazon", "key")
PATHS = ("/v1/rerank", "/v2/rerank", "/rerank")


def _order(texts: list[str], top: int, name: str) -> list[Fields]:
    """Return a true order: Berlin first, then as they came."""
    ranked = sorted(range(len(texts)), key=lambda at: ("Berlin" not in texts[at], at))
    return [{"index": at, name: round(0.9 - 0.1 * place, 3)} for place, at in enumerate(ranked[:top])]


class Upstreams:
    """What the clouds were asked, and an answer that they give instead of a true one."""

    def __init__(self) -> None:
        self.instead: tuple[int, bytes] | None = None
        self.asked: list[Fields] = []

    def at_cohere(self, seen: Seen) -> tuple[int, bytes]:
        check_cohere(seen.body)
        found = _order(seen.body["documents"], seen.body.get("top_n") or 1000, "relevance_score")
        units = -(-len(seen.body["documents"]) // 100)
        meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": units}}
        return self._answered(seen.body, {"id": "c0ffee", "results": found, "meta": meta})

    def at_amazon(self, seen: AtAmazon) -> tuple[int, bytes]:
        if seen.operation == "rerank":
            check_bedrock(seen.body)
            texts = [each["inlineDocumentSource"]["textDocument"]["text"] for each in seen.body["sources"]]
            top = seen.body["rerankingConfiguration"]["bedrockRerankingConfiguration"]["numberOfResults"]
            return self._answered(seen.body, {"results": _order(texts, top, "relevanceScore")})
        check_invoked(seen.model, seen.body)
        found = _order(seen.body["documents"], seen.body["top_n"], "relevance_score")
        return self._answered(seen.body, {"results": found})

    def _answered(self, asked: Fields, answer: Fields) -> tuple[int, bytes]:
        self.asked.append(asked)
        return self.instead or (200, json.dumps(answer).encode())


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[InProcess, Upstreams, str, str, Fixed]]:
    upstreams, here = Upstreams(), Fixed()
    amazon, other = Bedrock(upstreams.at_amazon, REGION), Cohere(upstreams.at_cohere)
    with pytest.MonkeyPatch.context() as patch, serving(amazon) as at_amazon, serving(other) as at_cohere:
        for name, value in (("ACCESS_KEY_ID", KEY_ID), ("SECRET_ACCESS_KEY", SECRET), ("SESSION_TOKEN", TOKEN)):
            patch.setenv(f"AWS_{name}", value)
        patch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
        on_bedrock = {"provider": "bedrock", "region": REGION, "base_url": at_amazon}
        deployments: dict[str, Fields] = {
            "cohere": {"provider": "cohere", "base_url": at_cohere, "api_key": KEY, "model": "rerank-v3.5"},
            "bedrock": {**on_bedrock, "model": OF_COHERE},
            "amazon": {**on_bedrock, "model": OF_AMAZON},
            "key": {**on_bedrock, "model": OF_COHERE, "api_key": BEARER},
            "key-amazon": {**on_bedrock, "model": OF_AMAZON, "api_key": BEARER},
        }
        with serving(here) as at_home:
            for name in ("vllm", "llama.cpp"):
                deployments[name] = {"provider": name, "base_url": f"{at_home}/v1", "model": "theirs"}
            models = [
                {"name": name, "mode": "rerank", "price": {"search_unit": 0.002}, "deployments": [each]}
                for name, each in deployments.items()
            ]
            strict = {**models[1], "name": "strict", "strict_parameters": True}
            config = {"models": [*models, strict]}
            with in_process(tmp_path_factory.mktemp("reranks"), config) as gateway:
                yield gateway, upstreams, at_amazon, at_cohere, here


@pytest.fixture
def gateway(clouds: tuple[InProcess, Upstreams, str, str, Fixed]) -> InProcess:
    clouds[1].instead = None
    return clouds[0]


@pytest.fixture
def upstreams(clouds: tuple[InProcess, Upstreams, str, str, Fixed]) -> Upstreams:
    return clouds[1]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("model", [*MODELS, "key-amazon"])
def test_documents_are_ranked(gateway: InProcess, model: str, path: str) -> None:
    answer = gateway.post(path, json={"model": model, **QUESTION})
    assert answer.status_code == 200, answer.text
    ANSWER.validate_python(answer.json(), strict=True)
    places = [each["index"] for each in answer.json()["results"]]
    assert places == [1, 0, 3, 2], "the empty one is last"
    scores = [each["relevance_score"] for each in answer.json()["results"]]
    assert scores == sorted(scores, reverse=True)
    record = gateway.record(answer)
    assert (record.search_units, record.cost_nano_usd, record.task) == (1, 2_000_000, "rerank")
    assert record.usage_source == ("provider" if model == "cohere" else "estimated")
    assert answer.json().get("meta", {}).get("billed_units") == ({"search_units": 1} if model == "cohere" else None)


@pytest.mark.parametrize("model", MODELS)
def test_as_many_as_are_wanted_with_their_documents(gateway: InProcess, model: str) -> None:
    asked = {"model": model, **QUESTION, "top_n": 2, "return_documents": True}
    found = gateway.post("/v1/rerank", json=asked).json()["results"]
    assert [each["document"] for each in found] == [DOCUMENTS[1], {"text": DOCUMENTS[0]}]
    found = gateway.post("/v1/rerank", json={**asked, "top_n": 900, "return_documents": False}).json()["results"]
    assert ([each["index"] for each in found], "document" in found[0]) == ([1, 0, 3, 2], False)


@pytest.mark.parametrize("model", MODELS)
def test_what_is_ranked_by_can_be_named(gateway: InProcess, upstreams: Upstreams, model: str) -> None:
    documents = [{"title": "France", "body": ["Paris"], "no": 1}, {"title": "Germany", "body": ["Berlin"], "no": 2}]
    asked = {"model": model, "query": "Berlin", "documents": documents, "rank_fields": ["title", "body"]}
    answer = gateway.post("/v1/rerank", json=asked)
    assert [each["index"] for each in answer.json()["results"]] == [1, 0], answer.text
    assert 'title: Germany\\nbody: [\\"Berlin\\"]\\n' in json.dumps(upstreams.asked[-1])


def test_what_is_not_carried_is_told(gateway: InProcess) -> None:
    more = {"max_tokens_per_doc": 100, "priority": 1, "truncate_prompt_tokens": 5, "user": "somebody"}
    for model, dropped in (("cohere", "truncate_prompt_tokens"), ("key", "max_tokens_per_doc, priority, truncate_prompt_tokens")):  # fmt: skip  # noqa: E501
        answer = gateway.post("/v2/rerank", json={"model": model, **QUESTION, **more})
        assert (answer.status_code, answer.headers["x-sekisho-dropped"]) == (200, dropped)
    refused = gateway.post("/v2/rerank", json={"model": "strict", **QUESTION, "priority": 1})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "priority")


@pytest.mark.parametrize("model", ["bedrock", "key"])
def test_texts_that_amazon_does_not_take_are_cut(gateway: InProcess, upstreams: Upstreams, model: str) -> None:
    answer = gateway.post(
        "/v1/rerank", json={"model": model, "query": "q" * 40_000, "documents": ["日" * 33_000, "Berlin"]}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-sekisho-dropped"] == "documents.text"
    assert json.dumps(upstreams.asked[-1], ensure_ascii=False).count("日") == 32_000


def test_a_thousand_documents_are_ten_units(gateway: InProcess) -> None:
    for model in MODELS:
        answer = gateway.post("/v1/rerank", json={"model": model, "query": "q", "documents": ["d"] * 1000})
        assert (answer.status_code, len(answer.json()["results"])) == (200, 1000)
        assert gateway.record(answer).search_units == 10


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"query": " "}, "query"),
        ({"query": ""}, "query"),
        ({"query": 5}, "query"),
        ({"documents": []}, "documents"),
        ({"documents": ["", " "]}, "documents"),
        ({"documents": ["d"] * 2000}, "documents"),
        ({"documents": ["a", 5]}, "documents[1]"),
        ({"documents": ["a", ["b"]]}, "documents[1]"),
        ({"documents": [{"image": "https://x/"}]}, "documents[0].text"),
        ({"documents": [{"text": None}]}, "documents[0].text"),
        ({"documents": [{"title": "a"}], "rank_fields": ["title", "body"]}, "documents[0].body"),
        ({"rank_fields": 7}, "rank_fields"),
        ({"top_n": 0}, "top_n"),
        ({"top_n": 1.5}, "top_n"),
        ({"return_documents": "yes"}, "return_documents"),
        ({"max_tokens_per_doc": 0}, "max_tokens_per_doc"),
        ({"priority": "high"}, "priority"),
    ],
)
@pytest.mark.parametrize("model", ["cohere", "bedrock"])
def test_what_cannot_be_ranked_is_told(gateway: InProcess, model: str, sent: Fields, param: str) -> None:
    answer = gateway.post("/v1/rerank", json={"model": model, **QUESTION, **sent})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
    assert gateway.record(answer).outcome == "refused"


@pytest.mark.parametrize("model", ["cohere", "bedrock"])
@pytest.mark.parametrize(
    "results",
    [
        [],
        None,
        "none",
        [{"index": 99, "relevance_score": 0.1, "relevanceScore": 0.1}],
        [{"index": -1, "relevance_score": 0.1, "relevanceScore": 0.1}],
        [{"index": True, "relevance_score": 0.1, "relevanceScore": 0.1}],
        [{"index": 0}],
        [{"index": 0, "relevance_score": "high", "relevanceScore": "high"}],
        [{"index": 0, "relevance_score": True, "relevanceScore": True}],
        [{"index": 0, "relevance_score": 0.1, "relevanceScore": 0.1}] * 2,
        [7],
    ],
)
def test_an_order_that_is_none_is_an_error(gateway: InProcess, upstreams: Upstreams, model: str, results: Any) -> None:
    upstreams.instead = 200, json.dumps({"results": results}).encode()
    answer = gateway.post("/v1/rerank", json={"model": model, **QUESTION})
    assert answer.status_code == 502, answer.text
    assert gateway.record(answer).outcome == "error"


@pytest.mark.parametrize("model", MODELS)
def test_a_throttled_request_is_a_429(gateway: InProcess, upstreams: Upstreams, model: str) -> None:
    upstreams.instead = 429, b'{"message":"Too many requests"}'
    answer = gateway.post("/v1/rerank", json={"model": model, **QUESTION})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "upstream_rate_limited")


RECORDED = [] if not FOLDER.is_dir() else [each for each in exchanges("/rerank") if "cohere.com" in each.address]


@pytest.mark.skipif(not RECORDED, reason="../shared/recordings is not here")
@pytest.mark.parametrize("exchange", RECORDED, ids=lambda each: each.name)
def test_recorded_exchanges_of_cohere(gateway: InProcess, upstreams: Upstreams, exchange: Exchange) -> None:
    upstreams.instead = 200, exchange.answer
    answer = gateway.post("/v1/rerank", json={**exchange.request, "model": "cohere"})
    assert answer.json() == {**exchange.json, "model": "cohere"}
    assert gateway.record(answer).search_units == 1
    recorded = {name: value for name, value in exchange.request.items() if value is not None}
    assert upstreams.asked[-1] == {**recorded, "model": "rerank-v3.5"}


@pytest.mark.parametrize(
    "name", ["cohere/reranking/cohere-reranking", "amazon-bedrock/reranking/amazon-bedrock-reranking"]
)
def test_recorded_answers(gateway: InProcess, upstreams: Upstreams, name: str) -> None:
    file = FOLDER / "vercel-ai" / f"{name}.1.json"
    if not file.is_file():
        pytest.skip("../shared/recordings is not here")
    upstreams.instead = 200, file.read_bytes()
    model = "bedrock" if "bedrock" in name else "cohere"
    answer = gateway.post("/v1/rerank", json={"model": model, "query": "q", "documents": list("abcdef"), "top_n": 2})
    told = [(each["index"], each["relevance_score"]) for each in answer.json()["results"]]
    recorded = json.loads(file.read_bytes())["results"]
    assert told == [(each["index"], each.get("relevance_score", each.get("relevanceScore"))) for each in recorded]


@pytest.mark.parametrize("name", ["vllm", "llama.cpp"])
def test_servers_on_premises_get_texts(
    gateway: InProcess, clouds: tuple[InProcess, Upstreams, str, str, Fixed], name: str
) -> None:
    here = clouds[4]
    here.answers["/v1/rerank"] = Answer(b'{"results":[{"index":0,"relevance_score":0.5}],"usage":{"total_tokens":7}}')
    answer = gateway.post("/v2/rerank", json={"model": name, **QUESTION, "truncate_prompt_tokens": 9})
    assert answer.status_code == 200, answer.text
    texts = ["Paris is in France.", "Berlin is in Germany.", "", "Rome is in Italy."]
    sent = json.loads(here.asked[-1][2])
    assert sent == {"model": "theirs", **QUESTION, "documents": texts, "truncate_prompt_tokens": 9}
    assert gateway.record(answer).input_tokens == 7
    raw = b'{"model":"%s","query":"q","documents":["a {b}",  "c"],"odd":1.50}' % name.encode()
    gateway.post("/v1/rerank", content=raw, headers={"content-type": "application/json"})
    assert b'["a {b}",  "c"]' in here.asked[-1][2], "texts pass as they came"
    here.answers["/v1/rerank"] = Answer(b'{"results":[{"index":0,"relevance_score":0.5}]}')
    record = gateway.record(gateway.post("/v1/rerank", json={"model": name, **QUESTION}))
    assert (record.search_units, record.usage_source) == (1, "estimated")


@pytest.mark.parametrize(
    ("region", "arn"),
    [
        ("us-west-2", "arn:aws:bedrock:us-west-2::foundation-model/amazon.rerank-v1:0"),
        ("us-gov-west-1", "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/amazon.rerank-v1:0"),
        ("cn-north-1", "arn:aws-cn:bedrock:cn-north-1::foundation-model/amazon.rerank-v1:0"),
    ],
)
def test_the_agents_runtime_is_told_an_arn(region: str, arn: str) -> None:
    row = PROVIDERS["bedrock"]
    deployment = Deployment(provider="bedrock", region=region, model=OF_AMAZON)
    host = "amazonaws.com.cn" if region == "cn-north-1" else "amazonaws.com"
    assert row.url(row, deployment, "/rerank", False) == f"https://bedrock-agent-runtime.{region}.{host}/rerank"
    ranking: Fields = {"modelConfiguration": {"modelArn": "x"}, "numberOfResults": 1}
    fields = {"rerankingConfiguration": {"type": "y", "bedrockRerankingConfiguration": ranking}}
    assert row.shape
    shaped = row.shape(deployment, "/rerank", {}, fields)
    assert shaped["rerankingConfiguration"]["bedrockRerankingConfiguration"]["modelConfiguration"]["modelArn"] == arn


@pytest.mark.parametrize("base", ["", "/", "/openai/v1", "/models", "/providers/cohere", "/providers/cohere/v2"])
def test_cohere_on_azure_has_a_path_of_its_own(base: str) -> None:
    row, host = PROVIDERS["azure"], "https://x.services.ai.azure.com"
    deployment = Deployment(provider="azure", base_url=host + base, model="rerank-v4", api_version="2024-10-21")
    assert row.url(row, deployment, "/rerank", False) == f"{host}/providers/cohere/v2/rerank"
    assert row.dialects_of
    assert "cohere-rerank" in (row.dialects_of(deployment) or row.dialects)


def test_a_key_of_the_environment_is_one_with_which_models_are_invoked(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment, choose = (
        Deployment(provider="bedrock", region=REGION, model=OF_COHERE),
        PROVIDERS["bedrock"].dialects_of,
    )
    assert choose
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    assert choose(deployment) == ("bedrock-rerank",)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", BEARER)
    assert choose(deployment) == ("invoke-rerank",)


def test_the_vendors_own_clients_rank_at_the_fakes_and_here(
    gateway: InProcess, clouds: tuple[InProcess, Upstreams, str, str, Fixed]
) -> None:
    """Fakes that lie would be caught here."""
    at_amazon, at_cohere = clouds[2:4]
    session = boto3.Session(KEY_ID, SECRET, TOKEN, REGION)
    client = session.client("bedrock-agent-runtime", endpoint_url=at_amazon, config=Config(retries={"max_attempts": 0}))
    arn = f"arn:aws:bedrock:{REGION}::foundation-model/{OF_AMAZON}"
    ranking = {"modelConfiguration": {"modelArn": arn}, "numberOfResults": 1}
    told = client.rerank(
        queries=[{"type": "TEXT", "textQuery": {"text": "Berlin"}}],
        sources=[{"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": "Berlin"}}}],
        rerankingConfiguration={"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": ranking},
    )
    assert [each["index"] for each in told["results"]] == [0]
    client.close()
    for key, address, model in ((KEY, at_cohere, "rerank-v3.5"), (gateway.key, gateway.url, "bedrock")):
        with cohere.ClientV2(key, base_url=address) as v2:
            found = v2.rerank(model=model, query="Berlin", documents=["Rome", "Berlin"], top_n=1)
        assert [each.index for each in found.results] == [1]
    with cohere.Client(gateway.key, base_url=gateway.url) as v1:
        old = v1.rerank(model="amazon", query="Berlin", documents=["Rome", {"text": "Berlin"}], return_documents=True)
    assert [(each.index, each.document and each.document.text) for each in old.results] == [(1, "Berlin"), (0, "Rome")]
