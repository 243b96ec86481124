"""The hub's socket: requests that reached another process of the machine, served as if they had come here."""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from gateway.config.schema import Server
from gateway.mcp.workers.place import Place
from gateway.serving.connections import Connections
from gateway.serving.protocol import HttpProtocol

HEADER = b"x-sekisho-handed-over"


class Origin(msgspec.Struct, frozen=True, array_like=True):
    """What a process says of a request that it hands over: that it may, and from where the request came."""

    token: str
    client: tuple[str, int] | None


class HandedOver:
    """An ASGI application for the hub's socket: takes what the other processes hand over, and nothing else."""

    def __init__(self, app: ASGIApp, token: str, connections: Connections) -> None:
        self._app = app
        self._token = token.encode()
        self.connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = _origin_of(scope)
        if origin is None or not hmac.compare_digest(origin.token.encode(), self._token):
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        headers = [(name, value) for name, value in scope["headers"] if name != HEADER]
        await self._app({**scope, "client": origin.client, "headers": headers}, receive, send)


def _origin_of(scope: Scope) -> Origin | None:
    found = [value for name, value in scope["headers"] if name == HEADER]
    try:
        return msgspec.json.decode(found[0], type=Origin) if len(found) == 1 else None
    except msgspec.DecodeError:
        return None


class _Config(msgspec.Struct, frozen=True):
    """What the protocol of a connection needs of uvicorn's configuration."""

    loaded_app: HandedOver


@asynccontextmanager
async def taking_over(app: ASGIApp, place: Place, token: str, limits: Server) -> AsyncIterator[None]:
    """Serve what other processes hand over, as long as the block runs; then let running requests end."""
    connections, state = Connections(lambda: limits), ServerState()
    config = _Config(HandedOver(app, token, connections))
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(lambda: HttpProtocol(config, state, {}), sock=place.listen())
    try:
        async with connections.sweeping():
            yield
            place.leave()
            server.close()
            connections.stopping = True
            for connection in list(state.connections):
                connection.shutdown()
            if state.tasks:
                await asyncio.wait(state.tasks, timeout=limits.shutdown_grace_seconds)
    finally:
        place.leave()
        server.close()
        for task in list(state.tasks):
            task.cancel()
        for connection in list(state.connections):
            connection.close_idle()  # type: ignore[union-attr]
