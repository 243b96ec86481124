"""A model of the gateway, asked in the name of a client: with its key, on its budget, with a record of its own."""

import asyncio
from dataclasses import replace

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR
from starlette.types import Message

from gateway.api.generate import Generate
from gateway.config.mcp import McpSampling
from gateway.dialects.chat import CHAT
from gateway.mcp.front.client import Client
from gateway.mcp.front.exchange import exchange_of
from gateway.mcp.protocol import Params, Result
from gateway.mcp.relay.sampling import chat_request, sampled
from gateway.mcp.relay.sink import AskModel
from gateway.runtime import Runtime

_MOST_BYTES = 16 * 1024 * 1024
_TASK = "mcp_sampling"
_OF_BODY = frozenset({b"content-length", b"content-type", b"accept", b"transfer-encoding", b"content-encoding"})


def model_asker(runtime: Runtime) -> AskModel:
    """Return what puts a server's question to a model of this gateway, as a request of the client."""
    chat = Generate(replace(CHAT, task=_TASK), runtime)

    async def ask(client: Client, params: Params, settings: McpSampling) -> Result:
        body, own = chat_request(params, settings), exchange_of(client.ctx).scope
        sent = [(name, value) for name, value in own["headers"] if name not in _OF_BODY and name[:4] != b"mcp-"]
        headers = [*sent, (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        path = {"path": "/v1/chat/completions", "raw_path": b"/v1/chat/completions", "query_string": b""}
        scope = {**own, **path, "method": "POST", "headers": headers}
        given, answer = False, _Answer()

        async def receive() -> Message:
            nonlocal given
            if given:
                await asyncio.Event().wait()  # the call is cancelled with its task
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await chat(scope, receive, answer)
        return sampled(answer.status, bytes(answer.body), settings.model)

    return ask


class _Answer:
    """Takes an answer that is kept whole."""

    def __init__(self) -> None:
        self.status = 0
        self.body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.body += message.get("body", b"")
        if len(self.body) > _MOST_BYTES:
            raise MCPError(INTERNAL_ERROR, "The model's answer is too long.")
