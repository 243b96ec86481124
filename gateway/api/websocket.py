"""A WebSocket where only HTTP is spoken: refused so that Codex goes on over HTTP at once.

Codex tries `ws://…/v1/responses` where its provider entry does not say `supports_websockets = false`. 426 makes it
use HTTP in the same turn; any other status makes it try seven times first, six seconds long (codex-cli 0.169).
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from gateway.dialects.chat import error_body
from gateway.errors import MethodNotAllowed

UPGRADE_REQUIRED = 426


def no_websocket(path: str) -> list[BaseRoute]:
    """Routes for `path`, whether or not the server hands upgrades on as WebSockets."""
    return [Route(path, _answer, methods=["GET"]), WebSocketRoute(path, _deny)]


async def _answer(request: Request) -> Response:
    if request.headers.get("upgrade", "").lower() == "websocket":
        return _no_upgrade()
    error = MethodNotAllowed(f"'GET {request.url.path}' is not allowed; allowed: POST.")
    return Response(error_body(error), error.status, headers={"allow": "POST"}, media_type="application/json")


async def _deny(websocket: WebSocket) -> None:
    await websocket.send_denial_response(_no_upgrade())


def _no_upgrade() -> Response:
    error = MethodNotAllowed(
        "There is no WebSocket here: POST to the same address and read server-sent events.",
        code="websocket_not_supported",
    )
    return Response(error_body(error), UPGRADE_REQUIRED, media_type="application/json")
