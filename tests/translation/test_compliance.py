"""What any server of Responses has to do, after the OpenResponses specification, judged by OpenAI's strict client.

A basic answer, a stream of typed events in order, a system prompt, a tool's call and result, an image, several turns
and structured output: over upstreams that speak Chat Completions and Messages.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import openai
import pytest
from pydantic import BaseModel

from tests.fakes.acting import Acting, Call, Say, Step, Think
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "Tell the weather",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"place": {"type": "string"}},
        "required": ["place"],
        "additionalProperties": False,
    },
}


class Setting(NamedTuple):
    client: openai.OpenAI
    upstreams: dict[str, Acting]


def act(results: list[str]) -> list[Step]:
    if results:
        return [Say(f"It is {results[-1]}.")]
    return [Think("They ask for the weather."), Call("weather", '{"place":"東京"}', "call_1")]


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    fakes = {"chat": Acting(act), "messages": Acting(act)}
    with serving(fakes["chat"]) as chat, serving(fakes["messages"]) as messages:
        addresses = {"chat": chat, "messages": messages}
        models = [
            {
                "name": wire,
                "deployments": [
                    {"provider": "openai-compatible", "base_url": address, "model": "theirs", "dialects": [wire]}
                ],
            }
            for wire, address in addresses.items()
        ]
        with (
            in_process(tmp_path_factory.mktemp("compliance"), {"models": models}) as gateway,
            client_of(gateway) as client,
        ):
            yield Setting(client, fakes)


def client_of(gateway: InProcess) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, timeout=20, _strict_response_validation=True
    )


wires = pytest.mark.parametrize("wire", ["chat", "messages"])


@wires
def test_a_basic_answer(setting: Setting, wire: str) -> None:
    found = setting.client.responses.create(model=wire, input="Say something.")
    assert (found.status, found.output_text, found.error) == ("completed", "A conversation about files", None)
    assert found.usage
    assert found.usage.total_tokens == found.usage.input_tokens + found.usage.output_tokens


@wires
def test_a_stream_of_typed_events_in_order(setting: Setting, wire: str) -> None:
    events = list(setting.client.responses.create(model=wire, input="Say something.", stream=True))
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert set(kinds[4:-4]) == {"response.output_text.delta"}
    assert [event.sequence_number for event in events] == list(range(len(events)))


@wires
def test_the_helper_for_streams(setting: Setting, wire: str) -> None:
    with setting.client.responses.stream(model=wire, input="Weather?", tools=[WEATHER]) as stream:
        found = stream.get_final_response()
    assert [item.type for item in found.output] == ["reasoning", "function_call"]


@wires
def test_a_system_prompt(setting: Setting, wire: str) -> None:
    said: Any = [{"role": "developer", "content": "Talk like a pirate."}, {"role": "user", "content": "Hello"}]
    setting.client.responses.create(model=wire, instructions="Be brief.", input=said)
    sent = setting.upstreams[wire].raw[-1].decode()
    assert "Be brief." in sent
    assert "Talk like a pirate." in sent


@wires
def test_a_tool_and_its_result_over_two_turns(setting: Setting, wire: str) -> None:
    first = setting.client.responses.create(model=wire, input="Weather?", tools=[WEATHER])
    (call,) = [item for item in first.output if item.type == "function_call"]
    assert (call.name, call.arguments, call.status) == ("weather", '{"place":"東京"}', "completed")
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    second = setting.client.responses.create(model=wire, input=[result], tools=[WEATHER], previous_response_id=first.id)
    assert second.output_text == "It is sunny."
    assert second.previous_response_id == first.id


@wires
def test_an_image(setting: Setting, wire: str) -> None:
    content: Any = [{"type": "input_text", "text": "What is it?"}, {"type": "input_image", "image_url": PIXEL}]
    setting.client.responses.create(model=wire, input=[{"role": "user", "content": content}])
    assert PIXEL.partition(",")[2] in setting.upstreams[wire].raw[-1].decode()


class Answer(BaseModel):
    place: str


@wires
def test_structured_output_reaches_the_model(setting: Setting, wire: str) -> None:
    schema = Answer.model_json_schema()
    form: Any = {"format": {"type": "json_schema", "name": "answer", "schema": schema, "strict": True}}
    setting.client.responses.create(model=wire, input="Where?", text=form)
    sent = setting.upstreams[wire].seen[-1]
    got = sent["response_format"]["json_schema"] if wire == "chat" else sent["output_config"]["format"]
    assert got["schema"]["properties"]["place"]["type"] == "string"


@wires
@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"input": [{"type": "message", "role": "nobody", "content": "x"}]}, "input[0].role"),
        ({"input": "x", "temperature": "warm"}, "temperature"),
        ({"input": "x", "tools": [{"type": "function"}]}, "tools[0].name"),
        ({"input": [{"role": "user", "content": [{"type": "hologram"}]}]}, "input[0].content[0].type"),
        ({"input": "x", "previous_response_id": "resp_unknown"}, "previous_response_id"),
    ],
)
def test_what_is_wrong_is_named(setting: Setting, wire: str, wrong: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        setting.client.responses.create(model=wire, **wrong)
    assert refused.value.param == param
    assert refused.value.response.headers["x-should-retry"] == "false"
