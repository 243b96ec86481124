"""What clients of the other wires ask, as Gemini is asked it."""

import json
from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.profiles.families import resolve
from gateway.translation import chat, gemini, messages
from gateway.translation.codec import Codec, Writing
from gateway.translation.repairs import repaired

Fields = dict[str, Any]

NEW, OLD, PRO = "gemini-3.5-flash", "gemini-2.5-flash", "gemini-2.5-pro"
USER = {"role": "user", "content": "Hi"}
TOOL = {"type": "function", "function": {"name": "read", "description": "Reads", "parameters": {"type": "object"}}}


def sent(fields: Fields, model: str = NEW, client: Codec = chat.CODEC) -> tuple[Fields, list[str]]:
    """Return what a client's request becomes, and what was dropped of it."""
    writing = Writing(resolve(model, "gemini"))
    conversation = client.read_request({"model": model, "messages": [USER], **fields})
    found = gemini.CODEC.write_request(repaired(conversation, client, gemini.CODEC, writing), writing)
    return json.loads(json.dumps(found)), writing.dropped


def configured(fields: Fields, model: str = NEW, client: Codec = chat.CODEC) -> Any:
    return sent(fields, model, client)[0].get("generationConfig")


@pytest.mark.parametrize(
    ("model", "asked", "expected"),
    [
        (NEW, {"reasoning_effort": "low"}, {"thinkingLevel": "low", "includeThoughts": True}),
        (NEW, {"reasoning_effort": "xhigh"}, {"thinkingLevel": "high", "includeThoughts": True}),
        (NEW, {"reasoning_effort": "none"}, {"thinkingLevel": "minimal", "includeThoughts": True}),
        (OLD, {"reasoning_effort": "medium"}, {"thinkingBudget": 8192, "includeThoughts": True}),
        (OLD, {"reasoning_effort": "none"}, {"thinkingBudget": 0}),
        (PRO, {"reasoning_effort": "none"}, {"thinkingBudget": 1024, "includeThoughts": True}),
        ("gemini-2.0-flash", {"reasoning_effort": "high"}, None),
        (NEW, {}, None),
    ],
)
def test_effort(model: str, asked: Fields, expected: Any) -> None:
    assert (configured(asked, model) or {}).get("thinkingConfig") == expected


@pytest.mark.parametrize(
    ("model", "asked", "expected"),
    [
        (NEW, {"type": "enabled", "budget_tokens": 3000}, {"thinkingLevel": "low", "includeThoughts": True}),
        (NEW, {"type": "adaptive"}, {"includeThoughts": True}),
        (NEW, {"type": "disabled"}, None),
        (OLD, {"type": "enabled", "budget_tokens": 3000}, {"thinkingBudget": 3000, "includeThoughts": True}),
        (OLD, {"type": "enabled", "budget_tokens": 60000}, {"thinkingBudget": 24576, "includeThoughts": True}),
        (OLD, {"type": "disabled"}, {"thinkingBudget": 0}),
        (PRO, {"type": "disabled"}, {"thinkingBudget": 128}),
    ],
)
def test_thinking_of_messages(model: str, asked: Fields, expected: Any) -> None:
    found = configured({"max_tokens": 9, "thinking": asked}, model, messages.CODEC)
    assert found.get("thinkingConfig") == expected


def test_settings() -> None:
    asked = {
        "temperature": 2.5,
        "top_p": 0.5,
        "max_completion_tokens": 100,
        "stop": ["a", "b", "c", "d"],
        "seed": 7,
        "frequency_penalty": 0,
        "presence_penalty": 0.5,
        "logprobs": True,
        "top_logprobs": 3,
    }
    fields, dropped = sent(asked)
    assert fields["generationConfig"] == {
        "temperature": 2,
        "topP": 0.5,
        "maxOutputTokens": 100,
        "stopSequences": ["a", "b", "c", "d"],
        "seed": 7,
        "presencePenalty": 0.5,
        "responseLogprobs": True,
        "logprobs": 3,
    }
    assert dropped == ["temperature"]
    assert "model" not in fields
    assert "stream" not in fields


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "function": {"name": "read"}}, {"mode": "ANY", "allowedFunctionNames": ["read"]}),
    ],
)
def test_choices_of_tools(choice: Any, expected: Fields) -> None:
    fields, _ = sent({"tools": [TOOL], "tool_choice": choice})
    assert fields["toolConfig"] == {"functionCallingConfig": expected}
    (function,) = fields["tools"][0]["functionDeclarations"]
    assert function == {"name": "read", "description": "Reads", "parametersJsonSchema": {"type": "object"}}


def test_parallel_calls_cannot_be_forbidden() -> None:
    assert sent({"tools": [TOOL], "parallel_tool_calls": False})[1] == ["parallel_tool_calls"]


def test_an_answer_in_json() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    asked = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}
    found = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    assert configured(asked) == found
    assert configured({"response_format": {"type": "json_object"}}) == {"responseMimeType": "application/json"}
    assert configured({**asked, "tools": [TOOL]}) == found
    with pytest.raises(InvalidRequest) as refused:
        sent({**asked, "tools": [TOOL]}, OLD)
    assert refused.value.param == "response_format"


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
            {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://x.example/a.webp?b=c.png"}},
            {"fileData": {"mimeType": "image/webp", "fileUri": "https://x.example/a.webp?b=c.png"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
            {"inlineData": {"mimeType": "audio/mp3", "data": "AAAA"}},
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
            {"inlineData": {"mimeType": "application/pdf", "data": "JVBE"}},
        ),
    ],
)
def test_media(part: Fields, expected: Fields) -> None:
    fields, _ = sent({"messages": [{"role": "user", "content": [{"type": "text", "text": "See"}, part]}]})
    assert fields["contents"] == [{"role": "user", "parts": [{"text": "See"}, expected]}]


def _looped(content: Any) -> list[Fields]:
    call = {"type": "tool_use", "id": "toolu_1", "name": "see", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": content}
    answer = {"role": "user", "content": [result, {"type": "text", "text": "and?"}]}
    return [USER, {"role": "assistant", "content": [call]}, answer]


@pytest.mark.parametrize("model", [NEW, OLD])
def test_images_in_results_stand_within_or_beside_them(model: str) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}
    asked = {"max_tokens": 9, "messages": _looped([{"type": "image", "source": source}])}
    parts = sent(asked, model, messages.CODEC)[0]["contents"][-1]["parts"]
    image = {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}}
    result = {"name": "see", "response": {"output": ""}, "id": "toolu_1"}
    within = [{"functionResponse": {**result, "parts": [image]}}, {"text": "and?"}]
    beside = [{"functionResponse": result}, image, {"text": "and?"}]
    assert parts == (within if model == NEW else beside)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("plain", {"output": "plain"}),
        ('{"a": 1}', {"a": 1}),
        ('{"output": "x"}', {"output": '{"output": "x"}'}),
        ("[1]", {"output": "[1]"}),
        ("{broken", {"output": "{broken"}),
        ('{"n": 1e999}', {"output": '{"n": 1e999}'}),
    ],
)
def test_results_are_objects(content: str, expected: Fields) -> None:
    asked = {"max_tokens": 9, "messages": _looped(content)}
    (found, _) = sent(asked, NEW, messages.CODEC)[0]["contents"][-1]["parts"]
    assert found["functionResponse"]["response"] == expected


def test_instructions_are_hoisted_or_marked() -> None:
    system = {"role": "system", "content": "Be brief."}
    fields, _ = sent({"messages": [system, USER, {"role": "developer", "content": "In French."}]})
    assert fields["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    said = [{"text": "Hi"}, {"text": "<system>\nIn French.\n</system>"}]
    assert fields["contents"] == [{"role": "user", "parts": said}]
    alone, _ = sent({"messages": [system]})
    assert alone == {"contents": [{"role": "user", "parts": [{"text": "Be brief."}]}]}
