"""A server that answers each model with the bytes that a test gives it, on any path."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

JSON, EVENTS = "application/json", "text/event-stream"


@dataclass(frozen=True)
class Script:
    """One response. `pieces` are sent one after another."""

    pieces: tuple[bytes, ...]
    status: int = 200
    media_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    unless: str | None = None
    """The script holds only for requests without this member; others get `otherwise`."""
    otherwise: "Script | None" = None


class Scripted:
    """The ASGI application. `calls` counts requests by model; `bodies` are the requests."""

    def __init__(self, scripts: dict[str, Script]) -> None:
        self.scripts = scripts
        self.calls: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw, more = b"", True
        while more:
            message = await receive()
            raw += message.get("body", b"")
            more = message.get("more_body", False)
        body = json.loads(raw)
        self.bodies.append(body)
        self.calls[body["model"]] += 1
        script = self.scripts[body["model"]]
        if script.unless in body and script.otherwise:
            script = script.otherwise
        headers = {"content-type": script.media_type, **script.headers}
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": script.status, "headers": sent})
        for piece in script.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def whole(content: Any, status: int = 200, **more: Any) -> Script:
    """A response in one piece, as JSON or as the bytes given."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Script((body,), status, **more)


def events(*contents: Any, **more: Any) -> Script:
    """A stream of these events; bytes and texts are sent as they are."""
    return Script(tuple(map(_event, contents)), media_type=EVENTS, **more)


def _event(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    name = f"event: {content['type']}\n" if "type" in content else ""
    return f"{name}data: {json.dumps(content)}\n\n".encode()
