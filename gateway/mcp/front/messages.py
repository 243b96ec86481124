"""ASGI messages around the SDK: the answer on its way."""

from starlette.types import Message, Send

from gateway.mcp.front.exchange import McpExchange


def noting(exchange: McpExchange, send: Send) -> Send:
    """Return a `send` that notes the status, and tells the request's id."""

    async def noted(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.answered = message["status"]
            named = [(b"x-sekisho-request-id", exchange.recorder.request_id.encode())]
            message = {**message, "headers": [*message.get("headers", ()), *named]}
        await send(message)

    return noted
