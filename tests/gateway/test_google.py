"""Gemini and its neighbours at Google, through the real gateway: addresses, credentials, conversations, failures."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
from starlette.responses import JSONResponse, Response

from tests.fakes.acting import Call, Say, Step, Think
from tests.fakes.google import KEY, PROJECT, TOKEN, Google, error, sse
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process
from tests.translation.clients import ChatClient, Client, ContinuingClient, MessagesClient, ResponsesClient

SEALS = ("c2VhbC0x/+==", "c2VhbC0y", "c2VhbC0z")
CLIENTS: dict[str, type[Client]] = {
    "chat": ChatClient,
    "responses": ResponsesClient,
    "continuing": ContinuingClient,
    "messages": MessagesClient,
}


def script(results: list[str]) -> list[Step]:
    """Read two files at once, then a third, then tell."""
    if not results:
        calls = [Call("read", json.dumps({"path": path}, ensure_ascii=False), f"id-{path}") for path in ("a", "b")]
        return [Think("I should look.", SEALS[0]), Say("Reading 二つ."), *calls]
    if len(results) == 2:
        return [Think("One more.", SEALS[1]), Call("read", '{"path":"c"}', "")]
    return [Think("So.", SEALS[2]), Say(f"They say: {', '.join(results)}.")]


def _chunk(**candidate: Any) -> dict[str, Any]:
    return {"candidates": [{"index": 0, **candidate}], "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}}


def _limited(stream: bool) -> Response:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17.4s"}]
    found = json.loads(bytes(error(429, "Quota exceeded.", "RESOURCE_EXHAUSTED", details).body))
    return JSONResponse([found], 429)


def _blocked(stream: bool) -> Response:
    answer = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}}
    return sse([answer]) if stream else JSONResponse(answer)


def _malformed(stream: bool) -> Response:
    answer = _chunk(content={}, finishReason="MALFORMED_FUNCTION_CALL", finishMessage="print(read(")
    return sse([answer]) if stream else JSONResponse(answer)


def _array(stream: bool) -> Response:
    """Answer as a server does that does not know `alt=sse`."""
    parts = [_chunk(content={"parts": [{"text": text}]}) for text in ("Bon", "jour")]
    return JSONResponse([*parts, _chunk(finishReason="MAX_TOKENS")])


def _failing(stream: bool) -> Response:
    return sse([_chunk(content={"parts": [{"text": "Bon"}]}), {"error": {"code": 503, "status": "UNAVAILABLE"}}])


class Setting(NamedTuple):
    gateway: InProcess
    google: Google


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    behaviours = {
        "limited": _limited,
        "blocked": _blocked,
        "malformed": _malformed,
        "array": _array,
        "failing": _failing,
    }
    google, folder = Google(script, behaviours), tmp_path_factory.mktemp("google")
    with serving(google) as address:
        file = folder / "account.json"
        file.write_text(json.dumps(google.service_account(address)))
        vertex = {"provider": "vertex", "base_url": address, "project": PROJECT}
        fixed = {**vertex, "access_token": TOKEN}
        gemini = {"provider": "gemini", "base_url": f"{address}/v1beta", "api_key": KEY}
        deployments: dict[str, dict[str, Any]] = {
            "on-gemini": {**gemini, "model": "gemini-3.5-flash"},
            "on-vertex": {**fixed, "location": "europe-west1", "model": "gemini-2.5-pro"},
            "by-account": {**vertex, "credentials_file": str(file), "model": "gemini-3.5-flash"},
            "lost": {**vertex, "credentials_file": str(folder / "absent.json"), "model": "gemini-3.5-flash"},
            "wrong-key": {**gemini, "api_key": "AIza-other", "model": "gemini-3.5-flash"},
            "claude": {**fixed, "model": "claude-opus-4-6@20260204"},
            "llama": {**fixed, "model": "meta/llama-4-maverick-maas"},
            **{name: {**gemini, "model": name} for name in behaviours},
        }
        models = [{"name": name, "deployments": [each]} for name, each in deployments.items()]
        with in_process(folder, {"models": models}) as gateway:
            yield Setting(gateway, google)


def ask(setting: Setting, model: str, *, stream: bool = False) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    return setting.gateway.post("/v1/chat/completions", json=body)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("model", ["on-gemini", "on-vertex"])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_loop_of_tools(setting: Setting, client: str, model: str, stream: bool) -> None:
    setting.google.seen.clear()
    person = CLIENTS[client](setting.gateway, model, stream=stream)
    person.user("What do they say?")
    person.ask()
    assert (person.said, person.thought) == ("Reading 二つ.", "I should look.")
    assert [json.loads(arguments) for _, _, arguments in person.calls] == [{"path": "a"}, {"path": "b"}]
    person.give("yes", '{"deep": [1, 2.50]}')
    person.ask()
    ((identity, name, _),) = person.calls
    assert (name, person.thought) == ("read", "One more.")
    assert identity, "a call without an id gets one"
    person.give("日本")
    person.ask()
    assert person.said == 'They say: yes, {"deep": [1, 2.5]}, 日本.'

    _check_signatures(setting.google.seen[-1].body)
    _check_prefixes(setting.google)
    record = setting.gateway.record(person.answer)
    assert (record.outcome, record.input_tokens, record.output_tokens) == ("ok", 1200, 40)
    assert (record.cached_input_tokens, record.reasoning_tokens, record.usage_source) == (1000, 10, "provider")


def _check_signatures(body: dict[str, Any]) -> None:
    """Each stands on the call that it came with, and nowhere else."""
    parts = [part for content in body["contents"] for part in content["parts"]]
    signed = [part.get("thoughtSignature") for part in parts if "functionCall" in part]
    assert signed == [SEALS[0], None, SEALS[1]]
    assert [part["functionResponse"]["name"] for part in parts if "functionResponse" in part] == ["read"] * 3
    assert "sekisho1:" not in json.dumps(body)


def _check_prefixes(google: Google) -> None:
    """Each request repeats the one before it, then goes on: the cache hits."""
    for earlier, later in zip(google.seen, google.seen[1:], strict=False):
        before, after = earlier.body["contents"], later.body["contents"]
        assert after[: len(before)] == before
        cut = earlier.raw.index(b'"contents"')
        assert later.raw[:cut] == earlier.raw[:cut]


@pytest.mark.parametrize("client", ["responses", "messages"])
def test_the_signature_of_a_text_comes_back(setting: Setting, client: str) -> None:
    person = CLIENTS[client](setting.gateway, "on-gemini", stream=True)
    person.user("What do they say?")
    person.ask()
    person.give("yes", "no")
    person.ask()
    person.give("x")
    person.ask()
    person.user("And now?")
    person.ask()
    assert json.dumps(setting.google.seen[-1].body).count(SEALS[2]) == 1


def test_a_conversation_of_another_vendor_goes_on(setting: Setting) -> None:
    """Gemini 3 refuses calls without a signature; those of others get Google's own stand-in."""
    call = {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Read"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "yes"},
    ]
    answer = setting.gateway.post("/v1/chat/completions", json={"model": "on-gemini", "messages": messages})
    assert answer.status_code == 200, answer.text
    (signed,) = [part for part in setting.google.seen[-1].body["contents"][1]["parts"] if "functionCall" in part]
    assert signed["thoughtSignature"] == "skip_thought_signature_validator"


def test_one_token_serves_many_requests(setting: Setting) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(setting, "by-account"), range(16)))
    assert [each.status_code for each in answers] == [200] * 16
    assert len(setting.google.tokens) == 1
    assert f"/v1/projects/{PROJECT}/locations/global/publishers/google/models/gemini-3.5-flash:generateContent" in {
        each.path for each in setting.google.seen
    }


def test_lost_credentials_are_the_administrators(setting: Setting, caplog: pytest.LogCaptureFixture) -> None:
    answer = ask(setting, "lost")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "upstream_credentials")
    assert "absent.json" not in answer.text
    assert "absent.json" in caplog.text


def test_a_key_that_google_refuses_is_not_the_clients_fault(setting: Setting) -> None:
    answer = ask(setting, "wrong-key")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_misconfigured")
    assert "AIza" not in answer.text


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_claude_is_asked_in_its_own_words(setting: Setting, stream: bool) -> None:
    """From both sides: untouched for Messages, translated for Chat Completions."""
    body = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    untouched = setting.gateway.post("/v1/messages?beta=true", json=body)
    assert untouched.status_code == 200, untouched.text
    assert "Bon" in untouched.text
    method = "streamRawPredict" if stream else "rawPredict"
    assert setting.google.seen[-1].path.endswith(f"/publishers/anthropic/models/claude-opus-4-6@20260204:{method}")
    translated = ask(setting, "claude", stream=stream)
    assert translated.status_code == 200, translated.text
    assert "Bon" in translated.text


@pytest.mark.parametrize(("asked", "sent"), [("2023-06-01", "vertex-2023-10-16"), ("2026-10-21", "2026-10-21")])
def test_the_version_of_messages_that_a_client_speaks_is_asked_for(setting: Setting, asked: str, sent: str) -> None:
    body = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    assert setting.gateway.post("/v1/messages", json=body, headers={"anthropic-version": asked}).status_code == 200
    assert setting.google.seen[-1].body["anthropic_version"] == sent
    assert "anthropic-version" not in setting.google.seen[-1].headers


def test_models_of_partners_are_asked_in_chat(setting: Setting) -> None:
    answer = ask(setting, "llama")
    assert answer.json()["choices"][0]["message"]["content"] == "Hola"
    assert setting.google.seen[-1].path.endswith("/locations/global/endpoints/openapi/chat/completions")
    assert setting.google.seen[-1].body["model"] == "meta/llama-4-maverick-maas"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_what_goes_wrong(setting: Setting, stream: bool) -> None:
    limited = ask(setting, "limited", stream=stream)
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "18")
    malformed = ask(setting, "malformed", stream=stream)
    assert malformed.status_code == 502
    blocked = ask(setting, "blocked", stream=stream)
    assert blocked.status_code == 200
    assert '"finish_reason":"content_filter"' in blocked.text


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_array_of_chunks_is_an_answer(setting: Setting, stream: bool) -> None:
    answer = ask(setting, "array", stream=stream)
    assert answer.status_code == 200
    assert '"finish_reason":"length"' in answer.text
    assert "Bonjour" in answer.text


def test_an_error_in_a_stream_is_one_to_the_client(setting: Setting) -> None:
    answer = ask(setting, "failing", stream=True)
    assert '"error"' in answer.text
    assert "[DONE]" not in answer.text
