"""Token counts and guardrails of Bedrock: both as its own description and recordings have them."""

import json
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from gateway.config.models import Deployment
from gateway.providers.rows import PROVIDERS
from tests.fakes.bedrock import BEARER, Bedrock, Seen
from tests.fakes.exchanges import Exchange, exchanges
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process
from tests.gateway.test_bedrock import ARN, CLAUDE, MESSAGE, NOVA, REGION, STREAM, WHOLE
from tests.translation.converse_wire import encoded

MODEL = botocore.session.get_session().get_service_model("bedrock-runtime")
GUARDRAIL = {"id": "gr-a1b2c3", "version": "2"}
BLOCKED = {
    **WHOLE,
    "output": {"message": {"role": "assistant", "content": [{"text": "This is not spoken of here."}]}},
    "stopReason": "guardrail_intervened",
}
BLOCKED_STREAM = encoded(
    [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "This is not spoken of here."}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "guardrail_intervened"}),
        ("metadata", {"usage": WHOLE["usage"], "metrics": {"latencyMs": 5}}),
    ]
)


def _answer(seen: Seen) -> tuple[int, bytes]:
    if seen.operation == "count-tokens":
        if "refuse" in json.dumps(seen.body):
            return 400, b"The provided model doesn't support counting tokens."
        report = ParamValidator().validate(
            {"modelId": seen.model, **seen.body}, MODEL.operation_model("CountTokens").input_shape
        )
        assert not report.has_errors(), report.generate_report()
        return 200, b'{"inputTokens":42}'
    blocked = "guardrailConfig" in seen.body and "weapon" in json.dumps(seen.body)
    if seen.operation == "converse-stream":
        return 200, BLOCKED_STREAM if blocked else STREAM
    if seen.operation == "converse":
        return 200, json.dumps(BLOCKED if blocked else WHOLE).encode()
    if "weapon" in json.dumps(seen.body) and "x-amzn-bedrock-guardrailidentifier" in seen.headers:
        text = [{"type": "text", "text": "This is not spoken of here."}]
        return 200, json.dumps({**MESSAGE, "content": text, "amazon-bedrock-guardrailAction": "INTERVENED"}).encode()
    return 200, json.dumps(MESSAGE).encode()


@pytest.fixture(scope="module")
def bedrock() -> Bedrock:
    return Bedrock(_answer, REGION)


@pytest.fixture(scope="module")
def gateway(bedrock: Bedrock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with serving(bedrock) as address:
        place = {"provider": "bedrock", "base_url": address, "api_key": BEARER, "region": REGION}
        models = {
            "nova": {**place, "model": NOVA},
            "claude": {**place, "model": CLAUDE},
            "arn": {**place, "model": ARN, "base_model": CLAUDE},
            "guarded": {**place, "model": NOVA, "guardrail": GUARDRAIL},
            "guarded-claude": {**place, "model": CLAUDE, "guardrail": GUARDRAIL},
            "invoked": {**place, "model": CLAUDE, "guardrail": {**GUARDRAIL, "trace": True}, "dialects": ["messages"]},
        }
        rows = [{"name": name, "deployments": [each]} for name, each in models.items()]
        with in_process(tmp_path_factory.mktemp("counts"), {"models": rows}) as found:
            yield found


TURNS = [{"role": "user", "content": "How long is this?"}]
TOOL = {"name": "look", "description": "Look", "input_schema": {"type": "object", "properties": {}}}


@pytest.mark.parametrize("model", ["nova", "claude", "arn"])
def test_tokens_are_counted_by_bedrock(gateway: InProcess, bedrock: Bedrock, model: str) -> None:
    asked = {"model": model, "system": "Be short.", "messages": TURNS, "tools": [TOOL]}
    answer = gateway.post("/v1/messages/count_tokens", json=asked)
    assert (answer.status_code, answer.json()) == (200, {"input_tokens": 42}), answer.text
    assert "x-sekisho-estimated" not in answer.headers
    seen = bedrock.seen[-1]
    assert (seen.operation, seen.model) == ("count-tokens", {"nova": NOVA, "claude": CLAUDE, "arn": ARN}[model])
    assert set(seen.body["input"]["converse"]) == {"messages", "system", "toolConfig"}


def test_clients_of_responses_and_gemini_count_too(gateway: InProcess) -> None:
    told = gateway.post("/v1/responses/input_tokens", json={"model": "claude", "input": "How long?"}).json()
    assert told == {"object": "response.input_tokens", "input_tokens": 42}
    contents = [{"role": "user", "parts": [{"text": "How long?"}]}]
    assert gateway.post("/v1beta/models/nova:countTokens", json={"contents": contents}).json()["totalTokens"] == 42


def test_what_a_model_does_not_count_is_estimated(gateway: InProcess) -> None:
    turns = [{"role": "user", "content": "refuse to count"}]
    answer = gateway.post("/v1/messages/count_tokens", json={"model": "nova", "messages": turns})
    assert (answer.status_code, answer.headers["x-sekisho-estimated"]) == (200, "input_tokens"), answer.text


RECORDED = [pytest.param(each, id=each.name.replace("/", "-")) for each in exchanges("/count-tokens")]


@pytest.mark.skipif(not RECORDED, reason="../shared/recordings is not here")
@pytest.mark.parametrize("exchange", RECORDED)
def test_recorded_counts_are_asked_as_we_ask(exchange: Exchange) -> None:
    """Ours is one of the two shapes that were recorded: Converse's members; the other wraps a request to invoke."""
    ((shape, inner),) = exchange.request["input"].items()
    known = {"messages", "system", "toolConfig", "additionalModelRequestFields"} if shape == "converse" else {"body"}
    assert inner.keys() <= known
    assert isinstance(exchange.json["inputTokens"], int)


# Guardrails.


@pytest.mark.parametrize("model", ["guarded", "guarded-claude"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("/v1/chat/completions", '"finish_reason":"content_filter"'),
        ("/v1/messages", '"stop_reason":"refusal"'),
        ("/v1/responses", '"reason":"content_filter"'),
    ],
)
def test_an_intervention_is_content_filter(
    gateway: InProcess, bedrock: Bedrock, model: str, path: str, end: str, stream: bool
) -> None:
    turns = [{"role": "user", "content": "A weapon?"}]
    asked: dict[str, Any] = {"model": model, "max_tokens": 99, "messages": turns, "stream": stream}
    if path == "/v1/responses":
        asked = {"model": model, "input": turns, "stream": stream}
    answer = gateway.post(path, json=asked)
    assert answer.status_code == 200, answer.text
    assert end in answer.text.replace('": ', '":')
    assert "This is not spoken of here." in answer.text
    wanted = {"guardrailIdentifier": "gr-a1b2c3", "guardrailVersion": "2"}
    assert bedrock.seen[-1].body["guardrailConfig"] == wanted
    report = ParamValidator().validate(
        {"modelId": "m", **bedrock.seen[-1].body}, MODEL.operation_model("Converse").input_shape
    )
    assert not report.has_errors(), report.generate_report()


def test_a_client_cannot_choose_another_guardrail(gateway: InProcess, bedrock: Bedrock) -> None:
    theirs = {"guardrailIdentifier": "none", "guardrailVersion": "1"}
    asked = {"model": "guarded", "messages": TURNS, "guardrailConfig": theirs}
    assert gateway.post("/v1/chat/completions", json=asked).status_code == 200
    assert bedrock.seen[-1].body["guardrailConfig"]["guardrailIdentifier"] == "gr-a1b2c3"


@pytest.mark.parametrize(
    ("path", "end"),
    [("/v1/chat/completions", '"finish_reason":"content_filter"'), ("/v1/messages", '"stop_reason":"refusal"')],
)
def test_claude_is_guarded_by_headers_where_it_is_invoked(
    gateway: InProcess, bedrock: Bedrock, path: str, end: str
) -> None:
    asked = {"model": "invoked", "max_tokens": 99, "messages": [{"role": "user", "content": "A weapon?"}]}
    answer = gateway.post(path, json=asked)
    assert answer.status_code == 200, answer.text
    headers = bedrock.seen[-1].headers
    names = ("guardrailidentifier", "guardrailversion", "trace")
    assert [headers[f"x-amzn-bedrock-{name}"] for name in names] == ["gr-a1b2c3", "2", "ENABLED"]
    assert end in answer.text.replace('": ', '":'), answer.text


@pytest.mark.parametrize("wrong", [{"id": "a b"}, {"id": ""}, {"id": "x", "version": "0"}, {"id": "x\r\n"}, {}])
def test_guardrails_that_cannot_be(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="guardrail"):
        Deployment.model_validate({"provider": "bedrock", "model": "m", "guardrail": wrong})


def test_other_providers_have_none() -> None:
    assert "guardrail" in PROVIDERS["bedrock"].keys
    assert all("guardrail" not in row.keys for row in PROVIDERS.values() if row.name != "bedrock")
