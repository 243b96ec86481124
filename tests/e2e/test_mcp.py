"""Tools of the hub in the real Open WebUI, put there by `sekisho apply`: in a chat, and as people see them."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect
from playwright.sync_api import TimeoutError as PageTimeout
from ruamel.yaml import YAML
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.e2e.conftest import apply_pack
from tests.e2e.page import ENGLISH, JAPANESE, ChatPage, Language, opened
from tests.e2e.stack import Person, Stack, until
from tests.e2e.test_browser import browser
from tests.e2e.test_doctor import envelope
from tests.fakes.mcp_everything.serving import Everything, everything_app
from tests.fakes.serving import serving
from tests.fixtures.gateway import deployment, model

__all__ = ["browser"]
HUB_MODEL = "hub-model"
HUB = "server:mcp:hub"
ANSWER = "It is done."


async def calls_what_it_is_told(request: Request) -> Response:
    """A model that calls the tool which the question names, once: `call NAME {arguments}`."""
    body = await request.json()
    asked = [message for message in body["messages"] if message["role"] == "user"][-1]["content"]
    called = any(message["role"] == "tool" for message in body["messages"])
    wanted = re.search(r"call (\w+) (\{.*?\})", asked if isinstance(asked, str) else json.dumps(asked))
    if not body.get("stream"):
        message = {"role": "assistant", "content": ANSWER}
        return JSONResponse(envelope([{"index": 0, "message": message, "finish_reason": "stop"}]))
    function = {"name": wanted[1], "arguments": wanted[2]} if wanted and not called else None
    return StreamingResponse(chunks(function), media_type="text/event-stream")


async def chunks(function: dict[str, Any] | None) -> AsyncIterator[bytes]:
    calls = [{"index": 0, "id": "call_1", "type": "function", "function": function}]
    delta: dict[str, Any] = {"role": "assistant", **({"tool_calls": calls} if function else {"content": ANSWER})}
    last: dict[str, Any] = {"delta": {}, "finish_reason": "tool_calls" if function else "stop"}
    for choice in ({"delta": delta}, last):
        yield b"data: " + json.dumps(envelope([{"index": 0, **choice}])).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


@pytest.fixture(scope="module")
def tools(stack: Stack) -> Iterator[Everything]:
    """The gateway with tool servers, taken up while it runs, and the pack applied again."""
    gateway, everything = stack.gateway, Everything()
    before = gateway.file.read_text()
    servers = stack.open_webui.request("GET", "/api/v1/configs/tool_servers")
    route = Route("/v1/chat/completions", calls_what_it_is_told, methods=["POST"])
    with (
        serving(Starlette(routes=[route])) as address,
        serving(everything_app("modern", everything), lifespan="on") as url,
    ):
        config = YAML(typ="safe").load(before)
        models = [*config["models"], model(HUB_MODEL, deployment(address), mode="chat")]
        hub = {"servers": {"x": {"url": f"{url}/mcp"}}}
        # Other modules set the key; a configuration from which it vanished is refused.
        gateway.configure({**config, "admin_key": "${ADMIN_KEY}", "models": models, "mcp": hub})
        key = gateway.key("tools", "--identity", "open-webui")
        bearer = {"Authorization": f"Bearer {key}"}
        until(lambda: HUB_MODEL in httpx2.get(f"{gateway.url}/v1/models", headers=bearer).text, "not taken up")
        apply_pack(stack.open_webui, gateway, key)
        yield everything
    gateway.file.write_text(before)
    stack.open_webui.request("POST", "/api/v1/configs/tool_servers", servers)


def test_a_tool_with_progress_in_a_chat(stack: Stack, tools: Everything, hanako: Person) -> None:
    turn = hanako.ask("call hub_x__test_tool_with_progress {}", model=HUB_MODEL, tool_ids=[HUB])
    assert "x: test_tool_with_progress：0 of 100（0%）" in turn.statuses
    assert turn.statuses[-1] == "x: test_tool_with_progress：完了"
    assert turn.message["content"].endswith(ANSWER)

    def recorded() -> Any:
        return [row for row in stack.gateway.records() if row.api == "mcp" and row.user_id == hanako.id]

    [row, *_] = until(recorded, "no record of the call")
    assert (row.model, row.upstream_model, row.client) == ("x", "test_tool_with_progress", "open-webui")


def has_tools(chat: ChatPage, url: str) -> bool:
    """Open a new chat; return whether the tools are chosen there. A page that is still loading forgets its address."""
    chat.page.goto(f"{url}/?models={HUB_MODEL}&tools={HUB}")
    expect(chat.page.locator("#chat-input")).to_be_visible()
    try:
        chat.composer.get_by_text("1", exact=True).wait_for(timeout=20_000)
    except PageTimeout:
        return False
    return True


@pytest.mark.needs_browser
@pytest.mark.parametrize(
    ("language", "stopped"), [(JAPANESE, "x: slow：停止しました"), (ENGLISH, "x: slow: stopped")], ids=["ja", "en"]
)
def test_a_call_is_stopped(
    tools: Everything, hanako: Person, browser: Browser, language: Language, stopped: str
) -> None:
    tools.happened.cancelled.clear()
    with opened(browser, language) as chat:
        chat.sign_in(hanako)
        until(lambda: has_tools(chat, hanako.server.url), "the page does not take up the tools")
        chat.send('call hub_x__slow {"seconds": 600, "steps": 3}')
        expect(chat.statuses.last).to_contain_text("step 0")
        chat.page.keyboard.press("Escape")
        until(lambda: tools.happened.cancelled == ["slow"], "the server does not know of the stop")
        expect(chat.statuses.last).to_contain_text(stopped)
