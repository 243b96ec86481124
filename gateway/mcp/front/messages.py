"""ASGI messages around the SDK: the answer on its way."""

from starlette.types import Message, Send

from gateway.mcp.front.exchange import McpExchange
from gateway.mcp.front.whose import with_hub


def noting(exchange: McpExchange, send: Send, hub: str) -> Send:
    """Return a `send` that notes the status, and tells the request's id.

    `hub`: what ids of sessions tell of the machine; empty where there is only one.
    """

    async def noted(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.answered = message["status"]
            named = [(b"x-sekisho-request-id", exchange.recorder.request_id.encode())]
            headers = [*message.get("headers", ()), *named]
            message = {**message, "headers": with_hub(headers, hub) if hub else headers}
        await send(message)

    return noted
