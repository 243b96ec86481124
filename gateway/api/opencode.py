"""`/.well-known/opencode`: what opencode asks of a gateway, so that a person types its address and nothing else.

The file itself is open: it names the command that prints a person's key, and the address of the configuration, which
opencode then asks for with that key (seen with opencode 1.18.33).
"""

from typing import Any

from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from gateway import wire
from gateway.api.authenticate import authenticate_reader
from gateway.api.client import Answer
from gateway.api.telling import refuse
from gateway.api.tool_models import tool_models
from gateway.errors import ApiError
from gateway.identity.client import CLIENT_HEADER
from gateway.identity.keys import Key
from gateway.presets.opencode import SCHEMA, configuration
from gateway.runtime import Runtime
from gateway.sessions.cookies import public_url

PATH = "/.well-known/opencode"
_CONFIGURATION = f"{PATH}/config"
_VARIABLE = "SEKISHO_TOKEN"
"""The variable into which opencode puts the key that the command printed."""


class OpenCode:
    """The ASGI application of both routes: `whole` is the configuration, for a key."""

    def __init__(self, runtime: Runtime, whole: bool) -> None:
        self._runtime, self._whole = runtime, whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send)
        root = public_url(self._runtime.current.config, scope)
        try:
            key = await authenticate_reader(self._runtime, scope) if self._whole else None
            content = self._configuration(key, root) if key else _told(root)
            await answer.whole(200, [(b"cache-control", b"private, no-cache")], wire.encode(content))
        except ApiError as error:
            await refuse(answer, error, scope)

    def _configuration(self, key: Key, root: str) -> dict[str, Any]:
        found = tool_models(self._runtime.current.routes, key.policy)
        if found is None:
            return {"$schema": SCHEMA}
        headers = {CLIENT_HEADER: "opencode"}
        known = configuration(f"{root}/v1", f"{{env:{_VARIABLE}}}", headers, *found)
        return {"$schema": SCHEMA, **known}


def opencode_routes(runtime: Runtime) -> list[BaseRoute]:
    return [
        Route(PATH, OpenCode(runtime, whole=False), methods=["GET"]),
        Route(_CONFIGURATION, OpenCode(runtime, whole=True), methods=["GET"]),
    ]


def _told(root: str) -> dict[str, Any]:
    return {
        "auth": {"command": ["sekisho", "key", root, "--for", "opencode"], "env": _VARIABLE},
        "config": {"$schema": SCHEMA},
        "remote_config": {
            "url": f"{root}{_CONFIGURATION}",
            "headers": {"Authorization": f"Bearer {{env:{_VARIABLE}}}"},
        },
    }
