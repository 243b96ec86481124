"""Answers of Responses by their ids: kept for their own caller, and asked of the deployment that issued them."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from tests.fakes.acting import Acting, Say
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process

Fields = dict[str, Any]

TOOL = {"type": "function", "name": "read", "parameters": {"type": "object", "properties": {}}}
ASKED = {"input": "hi", "instructions": "Be brief.", "tools": [TOOL]}


async def stored(request: Request) -> Response:
    """The vendor's own store: tells what was asked of it, and with which key."""
    key = request.headers.get("authorization")
    return JSONResponse({"path": request.url.path, "method": request.method, "key": key})


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """`kept` is served by Chat Completions, `native` by Responses itself."""
    store = [
        Route("/responses/{id}", stored, methods=["GET", "DELETE"]),
        Route("/responses/{id}/cancel", stored, methods=["POST"]),
        Mount("/", Acting(lambda results: [Say("Hello")])),
    ]
    with serving(Starlette(routes=store)) as address:
        models = [
            {
                "name": name,
                "deployments": [
                    {
                        "provider": "openai-compatible",
                        "base_url": address,
                        "model": "theirs",
                        "dialects": [wire],
                        "api_key": "sk-theirs-0123456789",
                    }
                ],
            }
            for name, wire in (("kept", "chat"), ("native", "responses"))
        ]
        with in_process(tmp_path_factory.mktemp("stored"), {"models": models}) as found:
            yield found


def call(gateway: InProcess, method: str, path: str, key: str | None = None) -> httpx2.Response:
    headers = {"authorization": f"Bearer {key or gateway.key}"}
    return httpx2.request(method, f"{gateway.url}/v1/responses/{path}", headers=headers, timeout=30)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_answer_is_kept_for_its_caller(gateway: InProcess, stream: bool) -> None:
    answer = gateway.post("/v1/responses", json={"model": "kept", "stream": stream, **ASKED})
    response_id = answer.text.partition('"id":"resp_')[2].partition('"')[0]
    found = call(gateway, "GET", f"resp_{response_id}")
    assert found.status_code == 200
    assert found.json()["output"][0]["content"][0]["text"] == "Hello"
    items = call(gateway, "GET", f"resp_{response_id}/input_items").json()
    assert [item["content"] for item in items["data"]] == [[{"type": "input_text", "text": "hi"}]]
    cancelled = call(gateway, "POST", f"resp_{response_id}/cancel")
    assert (cancelled.status_code, "background" in cancelled.json()["error"]["message"]) == (400, True)
    assert call(gateway, "DELETE", f"resp_{response_id}").json()["deleted"] is True
    gone = call(gateway, "GET", f"resp_{response_id}")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "response_not_found")


def test_what_is_not_to_be_stored_is_not(gateway: InProcess) -> None:
    answer = gateway.post("/v1/responses", json={"model": "kept", "store": False, **ASKED}).json()
    assert call(gateway, "GET", answer["id"]).status_code == 404


def test_an_answer_of_the_upstreams_own_store(gateway: InProcess) -> None:
    answer = gateway.post("/v1/responses", json={"model": "native", **ASKED}).json()
    found = call(gateway, "GET", answer["id"]).json()
    assert (found["method"], found["path"]) == ("GET", f"/responses/{answer['id']}")
    assert found["key"] != "Bearer sk-theirs-0123456789", "the upstream's key stays here, even where it tells it"
    assert call(gateway, "POST", f"{answer['id']}/cancel").json()["method"] == "POST"
    assert call(gateway, "DELETE", answer["id"]).json()["method"] == "DELETE"


@pytest.mark.parametrize("path", ["resp_of_nobody", "..%2F..%2Fmodels", "x" * 5000, "%00", "a%0d%0ab"])
def test_ids_that_nobody_got(gateway: InProcess, path: str) -> None:
    assert call(gateway, "GET", path).status_code in (400, 404, 414)


def test_a_key_is_needed(gateway: InProcess) -> None:
    assert call(gateway, "GET", "resp_1", key="sk-wrong").status_code == 401
