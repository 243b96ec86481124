"""The clouds' own SDKs as clients of the fakes that stand for them: a fake that lies would mislead other tests."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import anthropic
import botocore.session
import google.oauth2.credentials
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from gateway.providers.bedrock import ANTHROPIC_VERSION
from tests.fakes.acting import Say
from tests.fakes.bedrock import KEY_ID, SECRET, TOKEN, Bedrock
from tests.fakes.google import PROJECT, Google
from tests.fakes.google import TOKEN as GOOGLE_TOKEN
from tests.fakes.serving import serving
from tests.gateway.test_bedrock import ARN, CLAUDE, NOVA, REGION, answered, checked

HELLO = [{"role": "user", "content": [{"text": "Hello"}]}]
MESSAGE: Any = {"role": "user", "content": "Hello"}


@pytest.fixture(scope="module")
def amazon() -> Iterator[Any]:
    with serving(Bedrock(answered, REGION, checked)) as address, _runtime(address, SECRET) as client:
        yield client


@contextmanager
def _runtime(address: str, secret: str) -> Iterator[Any]:
    client = botocore.session.Session().create_client(
        "bedrock-runtime",
        region_name=REGION,
        endpoint_url=address,
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=secret,
        aws_session_token=TOKEN,
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )
    yield client
    client.close()


@pytest.mark.parametrize("model", [NOVA, ARN])
def test_amazons_sdk_converses(amazon: Any, model: str) -> None:
    answer = amazon.converse(modelId=model, messages=HELLO)
    assert answer["output"]["message"]["content"] == [{"text": "Good day"}]
    assert (answer["stopReason"], answer["usage"]["cacheReadInputTokens"]) == ("end_turn", 20)
    with closing(amazon.converse_stream(modelId=model, messages=HELLO)["stream"]) as stream:
        events = list(stream)
    said = [each["contentBlockDelta"]["delta"]["text"] for each in events if "contentBlockDelta" in each]
    assert said == ["Good ", "day"]
    assert events[-1]["metadata"]["usage"]["outputTokens"] == 3


def test_amazons_sdk_invokes(amazon: Any) -> None:
    body = json.dumps({"anthropic_version": ANTHROPIC_VERSION, "max_tokens": 9, "messages": [MESSAGE]})
    whole = json.loads(amazon.invoke_model(modelId=CLAUDE, body=body)["body"].read())
    assert whole["content"] == [{"type": "text", "text": "Good day"}]
    with closing(amazon.invoke_model_with_response_stream(modelId=CLAUDE, body=body)["body"]) as chunks:
        kinds = [json.loads(each["chunk"]["bytes"])["type"] for each in chunks]
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")


THROTTLED = [{"role": "user", "content": [{"text": "throttle"}]}]


def test_amazons_sdk_reads_an_error(amazon: Any) -> None:
    with pytest.raises(ClientError, match="Too many requests") as raised:
        amazon.converse(modelId=NOVA, messages=THROTTLED)
    assert raised.value.response["Error"]["Code"] == "ThrottlingException"


def test_amazons_sdk_reads_an_error_in_a_stream(amazon: Any) -> None:
    stream = amazon.converse_stream(modelId=NOVA, messages=THROTTLED)["stream"]
    with closing(stream), pytest.raises(ClientError, match="Too many requests") as raised:
        list(stream)
    assert raised.value.response["Error"]["Code"] == "throttlingException"


def test_another_secret_is_refused() -> None:
    with (
        serving(Bedrock(answered, REGION, checked)) as address,
        _runtime(address, f"{SECRET}x") as client,
        pytest.raises(ClientError) as raised,
    ):
        client.converse(modelId=NOVA, messages=HELLO)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_anthropics_sdk_asks_google() -> None:
    credentials = google.oauth2.credentials.Credentials(token=GOOGLE_TOKEN)  # type: ignore[no-untyped-call]
    with serving(Google(lambda results: [Say("")])) as address:
        client = anthropic.AnthropicVertex(
            project_id=PROJECT, region="global", base_url=f"{address}/v1", credentials=credentials, max_retries=0
        )
        message = client.messages.create(model="claude-sonnet-4-6", max_tokens=9, messages=[MESSAGE])
        assert [each.text for each in message.content if each.type == "text"] == ["Bonjour"]
        with client.messages.stream(model="claude-sonnet-4-6", max_tokens=9, messages=[MESSAGE]) as stream:
            assert stream.get_final_text() == "Bonjour"
