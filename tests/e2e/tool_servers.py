"""The running stack with tool servers behind the gateway, and a model that calls the tool that it is told to call."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import httpx2
from mcp_types import ToolAnnotations
from ruamel.yaml import YAML
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from gateway.secret import Secret
from install.doctor.ledger import Gateway
from tests.e2e.conftest import apply_pack
from tests.e2e.stack import Stack, until
from tests.e2e.test_doctor import envelope
from tests.fakes.mcp_everything.call import Call, Offer, offering
from tests.fakes.mcp_everything.serving import Everything, everything_app
from tests.fakes.mcp_library import Library
from tests.fakes.oauth import issuing, protected
from tests.fakes.serving import free_port, serving
from tests.fixtures.gateway import deployment, model

HUB_MODEL = "hub-model"
HUB = "server:mcp:hub"
OFFERS = "mcp"
"""The tool that shows prompts and documents."""
ANSWER = "It is done."
FRAGILE: dict[str, Offer] = {}
offer = offering(FRAGILE)


@offer(annotations=ToolAnnotations(read_only_hint=True))
async def breaks(call: Call) -> Any:
    """Is listed, and away before anybody calls it."""
    return ""


async def calls_what_it_is_told(request: Request) -> Response:
    """Answer with the call which the question names, once: `call NAME {arguments}`, or as the doctor asks."""
    body = await request.json()
    asked = [message for message in body["messages"] if message["role"] == "user"][-1]["content"]
    called = body["messages"][-1]["role"] == "tool"
    words = asked if isinstance(asked, str) else json.dumps(asked)
    wanted = re.search(r"call (\w+) (\{.*?\})", words) or re.search(r"Call the tool (\w+)()", words)
    if not body.get("stream"):
        message = {"role": "assistant", "content": ANSWER}
        return JSONResponse(envelope([{"index": 0, "message": message, "finish_reason": "stop"}]))
    function = {"name": wanted[1], "arguments": wanted[2] or "{}"} if wanted and not called else None
    return StreamingResponse(chunks(function), media_type="text/event-stream")


async def chunks(function: dict[str, Any] | None) -> AsyncIterator[bytes]:
    calls = [{"index": 0, "id": "call_1", "type": "function", "function": function}]
    delta: dict[str, Any] = {"role": "assistant", **({"tool_calls": calls} if function else {"content": ANSWER})}
    last: dict[str, Any] = {"delta": {}, "finish_reason": "tool_calls" if function else "stop"}
    for choice in ({"delta": delta}, last):
        yield b"data: " + json.dumps(envelope([{"index": 0, **choice}])).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


@contextmanager
def tool_servers(stack: Stack, extra: Any = None) -> Iterator[Everything]:
    """Give the gateway tool servers while it runs, and apply the pack again.

    `x` works, `wiki` never answered, `fragile` answered once, `crm` wants a sign-in.
    """
    gateway, everything = stack.gateway, Library(extra)
    before = gateway.file.read_text()
    servers = stack.open_webui.request("GET", "/api/v1/configs/tool_servers")
    routes = [Route("/v1/chat/completions", calls_what_it_is_told, methods=["POST"])]
    with ExitStack() as served:
        address = served.enter_context(serving(Starlette(routes=routes)))
        url = served.enter_context(serving(everything_app("modern", everything), lifespan="on"))
        config = YAML(typ="safe").load(before)
        models = [*config["models"], model(HUB_MODEL, deployment(address), mode="chat")]
        down = f"http://127.0.0.1:{free_port()}/mcp"
        fragile = served.enter_context(ExitStack())
        brief = fragile.enter_context(serving(everything_app("modern", Everything(FRAGILE)), lifespan="on"))
        crm = served.enter_context(protected(served.enter_context(issuing())))
        urls = {"x": f"{url}/mcp", "wiki": down, "fragile": f"{brief}/mcp"}
        plain = {name: {"url": each} for name, each in urls.items()}
        hub = {"servers": {**plain, "crm": {"url": crm.url, "auth": {"oauth": {}}}}}
        # Other modules set the key; a configuration from which it vanished is refused.
        gateway.configure({**config, "admin_key": "${ADMIN_KEY}", "models": models, "mcp": hub})
        key = gateway.key("tools", "--identity", "open-webui")
        bearer = {"Authorization": f"Bearer {key}"}
        until(lambda: HUB_MODEL in httpx2.get(f"{gateway.url}/v1/models", headers=bearer).text, "not taken up")
        with closing(Gateway(gateway.url, None)) as seen:
            until(lambda: "fragile__breaks" in seen.harmless_tools("/mcp", Secret(key)), "its tools are not listed")
        fragile.close()
        apply_pack(stack.open_webui, gateway, key)
        yield everything
    gateway.file.write_text(before)
    stack.open_webui.request("POST", "/api/v1/configs/tool_servers", servers)
