"""Programs that speak Gemini's own wire, such as Gemini CLI and Google's SDK, on models of every wire."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import httpx2
import pytest

from tests.fakes.acting import Acting, Call, Say, Step, Think
from tests.fakes.google import KEY, Google
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process
from tests.translation.clients import SCHEMA, payloads

Fields = dict[str, Any]

WIRES = ("gemini", "chat", "responses", "messages")
SEAL = "c2VhbC0x/+8="


def script(wire: str, results: list[str]) -> list[Step]:
    if not results:
        calls = [Call("read", json.dumps({"path": path}), f"call_{path}") for path in ("a", "b")]
        return [Think("I should look.", SEAL), Say("Reading 二つ."), *calls]
    return [Say(f"They say: {', '.join(results)}.")]


class Setting(NamedTuple):
    gateway: InProcess
    upstreams: dict[str, Any]


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    fakes: dict[str, Any] = {wire: Acting(partial(script, wire)) for wire in WIRES[1:]}
    fakes["gemini"] = Google(partial(script, "gemini"))
    with (
        serving(fakes["chat"]) as chat,
        serving(fakes["responses"]) as responses,
        serving(fakes["messages"]) as messages,
        serving(fakes["gemini"]) as google,
    ):
        addresses = {"chat": chat, "responses": responses, "messages": messages}
        deployments: dict[str, Fields] = {
            wire: {"provider": "openai-compatible", "base_url": address, "model": "theirs", "dialects": [wire]}
            for wire, address in addresses.items()
        }
        deployments["gemini"] = {"provider": "gemini", "base_url": google, "api_key": KEY, "model": "gemini-3.5-flash"}
        models = [{"name": f"on/{wire}", "deployments": [each]} for wire, each in deployments.items()]
        with in_process(tmp_path_factory.mktemp("clients"), {"models": models}) as gateway:
            yield Setting(gateway, fakes)


class Person:
    """Holds a conversation as Google's SDK does: all parts go back as they came."""

    def __init__(self, gateway: InProcess, model: str, *, stream: bool) -> None:
        self.gateway, self.stream = gateway, stream
        self.address = f"/v1beta/models/{model}:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}"
        self.contents: list[Fields] = [{"role": "user", "parts": [{"text": "What do they say?"}]}]
        self.parts: list[Fields] = []
        self.end: Any = None
        self.usage: Fields = {}

    def ask(self) -> None:
        function = {"name": "read", "description": "Read a file", "parametersJsonSchema": SCHEMA}
        body = {"contents": self.contents, "tools": [{"functionDeclarations": [function]}]}
        headers = {"x-goog-api-key": self.gateway.key}
        answer = httpx2.post(f"{self.gateway.url}{self.address}", headers=headers, json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        chunks = [json.loads(each) for each in payloads(answer.content)] if self.stream else [answer.json()]
        candidates = [each["candidates"][0] for each in chunks]
        self.parts = [part for each in candidates for part in each.get("content", {}).get("parts", ())]
        self.end, self.usage = candidates[-1].get("finishReason"), chunks[-1]["usageMetadata"]
        self.contents.append({"role": "model", "parts": self.parts})

    def give(self, *results: str) -> None:
        calls = [part["functionCall"] for part in self.parts if "functionCall" in part]
        parts = [
            {"functionResponse": {"name": call["name"], "id": call["id"], "response": {"output": text}}}
            for call, text in zip(calls, results, strict=True)
        ]
        self.contents.append({"role": "user", "parts": parts})

    def said(self, *, thought: bool = False) -> str:
        return "".join(part.get("text", "") for part in self.parts if part.get("thought", False) is thought)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("wire", WIRES)
def test_a_loop_of_tools(setting: Setting, wire: str, stream: bool) -> None:
    person = Person(setting.gateway, f"on/{wire}", stream=stream)
    person.ask()
    assert (person.said(), person.said(thought=True)) == ("Reading 二つ.", "I should look.")
    calls = [part["functionCall"] for part in person.parts if "functionCall" in part]
    assert [(each["name"], each["args"]) for each in calls] == [("read", {"path": "a"}), ("read", {"path": "b"})]
    assert person.end == "STOP"
    assert (person.usage["promptTokenCount"], person.usage["totalTokenCount"]) == (1200, 1240)
    assert (person.usage["candidatesTokenCount"], person.usage["thoughtsTokenCount"]) == (30, 10)
    person.give("yes", "no")
    person.ask()
    assert person.said() == "They say: yes, no."
    last = setting.upstreams[wire].seen[-1]
    sent = json.dumps(last.body if wire == "gemini" else last)
    if wire != "chat":  # there is nothing to prove on that wire
        assert sent.count(json.dumps(SEAL)) == 1, "what proves the reasoning comes back to its vendor"


def test_errors_are_googles(setting: Setting) -> None:
    url = f"{setting.gateway.url}/v1beta/models/on/chat:generateContent"
    body = {"contents": [{"parts": [{"text": "Hi"}]}]}
    missing = httpx2.post(url, json=body)
    assert (missing.status_code, missing.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    headers = {"x-goog-api-key": setting.gateway.key}
    wrong = httpx2.post(url, json={"contents": [{"parts": [{"text": 1}]}]}, headers=headers)
    assert (wrong.status_code, wrong.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert "contents[0].parts[0].text" in wrong.json()["error"]["message"]
    unknown = httpx2.post(url.replace("on/chat", "nobody"), json=body, headers=headers)
    assert (unknown.status_code, unknown.json()["error"]["status"]) == (404, "NOT_FOUND")
    method = httpx2.post(url.replace("generateContent", "dance"), json=body, headers=headers)
    assert (method.status_code, method.json()["error"]["code"]) == (405, 405)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("within", [False, True], ids=["contents", "whole"])
def test_tokens_are_counted(setting: Setting, wire: str, within: bool) -> None:
    body: Fields = {"contents": [{"role": "user", "parts": [{"text": "Hello you"}]}]}
    if within:
        whole = {**body, "systemInstruction": {"parts": [{"text": "Be brief."}]}, "model": f"models/on/{wire}"}
        body = {"generateContentRequest": whole}
    url = f"{setting.gateway.url}/v1beta/models/on/{wire}:countTokens"
    answer = httpx2.post(url, json=body, headers={"x-goog-api-key": setting.gateway.key})
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"totalTokens"}
    assert answer.json()["totalTokens"] >= 1
    assert ("x-sekisho-estimated" in answer.headers) is (wire != "gemini")


def test_gemini_counts_for_clients_of_messages(setting: Setting) -> None:
    body = {"model": "on/gemini", "system": "Be brief.", "messages": [{"role": "user", "content": "Hello"}]}
    answer = setting.gateway.post("/v1/messages/count_tokens", json=body)
    assert (answer.status_code, answer.json()) == (200, {"input_tokens": 1})
    assert "x-sekisho-estimated" not in answer.headers
