"""Pictures and files that clients name by address, for models on servers that take bytes alone."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.translation.native_media import media_of
from gateway.wire import encode, members
from tests.fakes.bedrock import BEARER, Bedrock, Seen
from tests.fakes.fixed import Answer, Fixed
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process
from tests.gateway.test_bedrock import CLAUDE, MESSAGE, NOVA, REGION, WHOLE
from tests.translation.converse_wire import check_request

PNG = b"\x89PNG\r\n\x1a\nsome picture"
PDF = b"%PDF-1.7 some pages"
DATA = {name: base64.b64encode(body).decode() for name, body in (("png", PNG), ("pdf", PDF))}
CHAT = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "A cat"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}


class Web:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.app = Starlette(routes=[Route("/{name}", self._serve)])

    async def _serve(self, request: Request) -> Response:
        name = request.path_params["name"]
        self.asked.append(name)
        if name == "away":
            return RedirectResponse("http://169.254.169.254/latest/meta-data/")
        found = {"cat.png": (PNG, "image/png"), "paper.pdf": (PDF, "application/pdf")}.get(name)
        return Response(found[0], media_type=found[1]) if found else Response("no", 404)


@pytest.fixture(scope="module")
def web() -> Iterator[tuple[Web, str]]:
    found = Web()
    with serving(found.app) as address:
        yield found, address


def _answer(seen: Seen) -> tuple[int, bytes]:
    return 200, json.dumps(WHOLE if seen.operation == "converse" else MESSAGE).encode()


@pytest.fixture(scope="module")
def bedrock() -> Bedrock:
    return Bedrock(_answer, REGION)


@pytest.fixture(scope="module")
def own() -> Fixed:
    return Fixed({"/v1/chat/completions": Answer(json.dumps(CHAT).encode())})


def _config(bedrock: str, own: str, **fetch: Any) -> dict[str, Any]:
    place = {"provider": "bedrock", "base_url": bedrock, "api_key": BEARER, "region": REGION}
    models = {
        "nova": {**place, "model": NOVA},
        "claude": {**place, "model": CLAUDE},
        "own": {"provider": "llama.cpp", "base_url": f"{own}/v1", "model": "gemma", "dialects": ["chat"]},
        "far": {"provider": "openai-compatible", "base_url": f"{own}/v1", "model": "gemma"},
    }
    rows = [{"name": name, "deployments": [each]} for name, each in models.items()]
    return {"server": {"fetch": {"allowed_networks": ["127.0.0.0/8"], **fetch}}, "models": rows}


@pytest.fixture(scope="module")
def gateway(bedrock: Bedrock, own: Fixed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    folder = tmp_path_factory.mktemp("media")
    with serving(bedrock) as first, serving(own) as second, in_process(folder, _config(first, second)) as found:
        yield found


def _question(client: str, model: str, image: str, pdf: str = "") -> tuple[str, dict[str, Any]]:
    """Return a question with a picture and perhaps a paper, by address."""
    if client == "chat":
        parts: list[dict[str, Any]] = [
            {"type": "text", "text": "What?"},
            {"type": "image_url", "image_url": {"url": image}},
        ]
        return "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": parts}]}
    if client == "responses":
        parts = [{"type": "input_text", "text": "What?"}, {"type": "input_image", "image_url": image}]
        parts += [{"type": "input_file", "file_url": pdf}] if pdf else []
        return "/v1/responses", {"model": model, "input": [{"role": "user", "content": parts}]}
    parts = [{"type": "text", "text": "What?"}, {"type": "image", "source": {"type": "url", "url": image}}]
    parts += [{"type": "document", "source": {"type": "url", "url": pdf}}] if pdf else []
    result = [{"type": "image", "source": {"type": "url", "url": image}}]
    calls = [{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}]
    results = [{"type": "tool_result", "tool_use_id": "toolu_1", "content": result}]
    turns = [
        {"role": "user", "content": parts},
        {"role": "assistant", "content": calls},
        {"role": "user", "content": results},
    ]
    tools = [{"name": "look", "input_schema": {"type": "object"}}]
    return "/v1/messages", {"model": model, "max_tokens": 9, "messages": turns, "tools": tools}


@pytest.mark.parametrize("client", ["chat", "responses", "messages"])
@pytest.mark.parametrize("model", ["nova", "claude"])
def test_bedrock_gets_bytes(
    gateway: InProcess, bedrock: Bedrock, web: tuple[Web, str], client: str, model: str
) -> None:
    web[0].asked.clear()
    pdf = "" if client == "chat" else f"{web[1]}/paper.pdf"
    path, asked = _question(client, model, f"{web[1]}/cat.png", pdf)
    answer = gateway.post(path, json=asked)
    assert answer.status_code == 200, answer.text
    sent = json.dumps(bedrock.seen[-1].body)
    assert web[1] not in sent
    assert DATA["png"] in sent
    assert (DATA["pdf"] in sent) is bool(pdf)
    assert sorted(web[0].asked) == ["cat.png", *(["paper.pdf"] if pdf else [])], "each once"
    if model == "nova":
        check_request(bedrock.seen[-1].body)


def test_what_a_response_continues_is_fetched_too(gateway: InProcess, bedrock: Bedrock, web: tuple[Web, str]) -> None:
    path, asked = _question("responses", "nova", f"{web[1]}/cat.png")
    first = gateway.post(path, json=asked).json()
    more = {"model": "nova", "input": "And now?", "previous_response_id": first["id"]}
    answer = gateway.post(path, json=more)
    assert answer.status_code == 200, answer.text
    assert DATA["png"] in json.dumps(bedrock.seen[-1].body)


@pytest.mark.parametrize("model", ["nova", "claude"])
def test_nothing_is_fetched_to_count_tokens(gateway: InProcess, web: tuple[Web, str], model: str) -> None:
    web[0].asked.clear()
    _, asked = _question("messages", model, f"{web[1]}/cat.png")
    answer = gateway.post("/v1/messages/count_tokens", json={each: asked[each] for each in ("model", "messages")})
    assert (answer.status_code, answer.headers["x-sekisho-estimated"]) == (200, "input_tokens"), answer.text
    assert not web[0].asked


def test_llama_cpp_asks_nobody_itself(gateway: InProcess, own: Fixed, web: tuple[Web, str]) -> None:
    path, asked = _question("chat", "own", f"{web[1]}/cat.png")
    for each in (asked, {**asked, "messages": [*asked["messages"], {"role": "user", "content": "http://no.example"}]}):
        answer = gateway.post(path, json=each)
        assert answer.status_code == 200, answer.text
        parts = json.loads(own.asked[-1][2])["messages"][0]["content"]
        assert parts[1] == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA['png']}"}}
    escaped = json.dumps(asked).replace("image_url", "im\\u0061ge_url")
    assert gateway.post(path, content=escaped, headers={"content-type": "application/json"}).status_code == 200
    assert DATA["png"] in own.asked[-1][2].decode()


def test_who_fetches_itself_gets_the_address(gateway: InProcess, own: Fixed, web: tuple[Web, str]) -> None:
    path, asked = _question("chat", "far", "http://10.0.0.1/cat.png")
    assert gateway.post(path, json=asked).status_code == 200
    assert json.loads(own.asked[-1][2])["messages"] == asked["messages"]


@pytest.mark.parametrize("model", ["nova", "claude", "own"])
@pytest.mark.parametrize(
    ("name", "words"), [("missing", "answered with status 404"), ("away", "its host is not a public one")]
)
def test_what_cannot_be_had_is_a_400_that_names_it(
    gateway: InProcess, bedrock: Bedrock, web: tuple[Web, str], model: str, name: str, words: str
) -> None:
    asked_before = len(bedrock.seen)
    path, asked = _question("chat", model, f"{web[1]}/{name}")
    answer = gateway.post(path, json=asked)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "media_not_fetched"), answer.text
    assert f"{web[1]}/{name}" in error["message"]
    assert words in error["message"]
    assert "169.254" not in error["message"]
    assert len(bedrock.seen) == asked_before
    assert gateway.record(answer).outcome == "refused"


@pytest.mark.parametrize("fetch", [{"enabled": False}, {"allowed_networks": []}, {"max_bytes": 1024}])
def test_settings(
    fetch: dict[str, Any], own: Fixed, tmp_path_factory: pytest.TempPathFactory, web: tuple[Web, str]
) -> None:
    """Without it the server is given the address, and a private one is not asked; the default allows no network."""
    web[0].asked.clear()
    config = _config("http://127.0.0.1:9", "http://127.0.0.1:9", **fetch)
    with in_process(tmp_path_factory.mktemp("settings"), config) as gateway:
        path, asked = _question("chat", "nova", f"{web[1]}/cat.png")
        answer = gateway.post(path, json=asked)
    if fetch == {"max_bytes": 1024}:
        assert answer.status_code == 502, answer.text
        return
    code = "media_not_fetched" if "enabled" not in fetch else "unsupported_media"
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code), answer.text
    assert not web[0].asked


@pytest.mark.parametrize("dialect", ["chat", "messages", "responses", "embeddings"])
@pytest.mark.parametrize(
    "held",
    ['"image_url"', "[]", "null", "[[[[[[[[[[[[]]]]]]]]]]]]", '[{"image_url":1,"content":{"image_url":{"url":2}}}]'],
)
def test_odd_members_name_no_media(dialect: str, held: str) -> None:
    fields = members(f'{{"messages":{held},"input":{held}}}'.encode())
    assert media_of(dialect, fields) == ({}, [])
    assert encode(fields) == f'{{"messages":{held},"input":{held}}}'.encode()
