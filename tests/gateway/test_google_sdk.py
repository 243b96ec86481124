"""Google's own SDK as a client: of the gateway over upstreams of every wire, and of the fakes that stand for Google."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import google.oauth2.credentials
import pytest
from google import genai
from google.genai import errors, types

from tests.fakes.acting import Acting, Call, Say, Step, Think
from tests.fakes.google import KEY, PROJECT, TOKEN, Google
from tests.fakes.serving import serving
from tests.fixtures.gateway import in_process

WIRES = ("gemini", "vertex", "chat", "responses", "messages")
SEAL = "c2VhbC0x/+8="


def script(results: list[str]) -> list[Step]:
    if not results:
        calls = [Call("read", json.dumps({"path": path}), f"call_{path}") for path in ("a", "b")]
        return [Think("I should look.", SEAL), Say("Reading 二つ."), *calls]
    return [Say(f"They say: {', '.join(results)}.")]


class Setting(NamedTuple):
    clients: dict[str, genai.Client]
    """Of the gateway, for each wire of an upstream; and of the fake itself, as a developer and in a project."""
    models: dict[str, str]


def _client(address: str, key: str, version: str | None = None) -> genai.Client:
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=address, api_version=version))


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    with serving(Acting(script)) as acting, serving(Google(script)) as google:
        acted = {"provider": "openai-compatible", "base_url": acting, "model": "theirs"}
        served: dict[str, dict[str, Any]] = {wire: {**acted, "dialects": [wire]} for wire in WIRES[2:]}
        served["gemini"] = {"provider": "gemini", "base_url": google, "api_key": KEY, "model": "gemini-3.5-flash"}
        place = {"project": PROJECT, "location": "global", "access_token": TOKEN}
        served["vertex"] = {"provider": "vertex", "base_url": f"{google}/v1", "model": "gemini-3.5-flash", **place}
        models = [{"name": f"on-{wire}", "deployments": [each]} for wire, each in served.items()]
        with in_process(tmp_path_factory.mktemp("sdk"), {"models": models}) as gateway:
            ours, older = _client(gateway.url, gateway.key), _client(gateway.url, gateway.key, "v1beta")
            direct = genai.Client(
                vertexai=True,
                project=PROJECT,
                location="global",
                credentials=google_credentials(),
                http_options=types.HttpOptions(base_url=google, api_version="v1"),
            )
            clients = {
                **dict.fromkeys(WIRES, ours),
                "v1beta": older,
                "fake": _client(google, KEY, "v1beta"),
                "fake project": direct,
            }
            names = {**{wire: f"on-{wire}" for wire in WIRES}, **dict.fromkeys(("fake", "fake project"), "gemini-3.5-flash"), "v1beta": "on-chat"}  # fmt: skip  # noqa: E501
            yield Setting(clients, names)


def google_credentials() -> google.oauth2.credentials.Credentials:
    return google.oauth2.credentials.Credentials(token=TOKEN)  # type: ignore[no-untyped-call]


EVERYWHERE = (*WIRES, "v1beta", "fake", "fake project")


@pytest.mark.parametrize("where", EVERYWHERE)
def test_functions_are_called_by_the_sdk(setting: Setting, where: str) -> None:
    asked: list[str] = []

    def read(path: str) -> str:
        """Read a file."""
        asked.append(path)
        return {"a": "yes", "b": "no"}[path]

    config = types.GenerateContentConfig(tools=[read], system_instruction="Be brief.")
    chat = setting.clients[where].chats.create(model=setting.models[where], config=config)
    answer = chat.send_message("What do they say?")
    assert asked == ["a", "b"]
    assert answer.text is not None
    assert answer.text.startswith("They say: ")
    assert "yes" in answer.text
    assert "no" in answer.text
    assert answer.usage_metadata is not None
    assert (answer.usage_metadata.prompt_token_count, answer.usage_metadata.total_token_count) == (1200, 1240)


@pytest.mark.parametrize("where", EVERYWHERE)
def test_a_stream(setting: Setting, where: str) -> None:
    declared = types.FunctionDeclaration(name="read", parameters_json_schema={"type": "object", "properties": {"path": {"type": "string"}}})  # fmt: skip  # noqa: E501
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declared])])
    chunks = list(
        setting.clients[where].models.generate_content_stream(
            model=setting.models[where], contents="What do they say?", config=config
        )
    )
    parts = [part for chunk in chunks for each in chunk.candidates or () if each.content for part in each.content.parts or ()]  # fmt: skip  # noqa: E501
    assert "".join(part.text or "" for part in parts if not part.thought) == "Reading 二つ."
    assert "".join(part.text or "" for part in parts if part.thought) == "I should look."
    assert [part.function_call.args for part in parts if part.function_call] == [{"path": "a"}, {"path": "b"}]
    assert chunks[-1].candidates
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP


@pytest.mark.parametrize("where", EVERYWHERE)
def test_tokens_are_counted(setting: Setting, where: str) -> None:
    counted = setting.clients[where].models.count_tokens(model=setting.models[where], contents="Hello you")
    assert (counted.total_tokens or 0) >= 1


@pytest.mark.parametrize(("key", "model", "code"), [("sk-of-nobody", "on-chat", 401), (None, "nobodys", 404)])
def test_errors_are_the_sdks_own(setting: Setting, key: str | None, model: str, code: int) -> None:
    client = setting.clients["chat"]
    if key:
        client = _client(str(client._api_client._http_options.base_url), key)
    with pytest.raises(errors.ClientError) as raised:
        client.models.generate_content(model=model, contents="Hi")
    assert raised.value.code == code
    assert raised.value.message


def test_models_are_listed(setting: Setting) -> None:
    client = setting.clients["chat"]
    listed = {model.name: model for model in client.models.list()}
    assert set(listed) == {f"models/on-{wire}" for wire in WIRES}
    found = client.models.get(model="on-chat")
    assert (found.name, found.display_name) == ("models/on-chat", "on-chat")
    with pytest.raises(errors.ClientError) as raised:
        client.models.get(model="nobodys")
    assert raised.value.code == 404
