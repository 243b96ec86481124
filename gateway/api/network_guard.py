"""`server.allowed_networks` in front of every route."""

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api.client import Answer, headers_of
from gateway.api.telling import refuse
from gateway.errors import Forbidden
from gateway.network import check_server, client_address
from gateway.runtime import Runtime

PROBES = ("/healthz", "/readyz")
"""Open to every network: balancers and orchestrators probe from addresses of their own, and learn no more than
whether the process should get requests."""


class NetworkGuard:
    """ASGI middleware that answers 403 to callers outside `server.allowed_networks`."""

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self._app = app
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = self._runtime.current.config.server
        if server.allowed_networks and scope["type"] == "http" and scope["path"] not in PROBES:
            try:
                check_server(client_address(scope, headers_of(scope), server), server)
            except Forbidden as error:
                await refuse(Answer(send), error, scope)
                return
        await self._app(scope, receive, send)
