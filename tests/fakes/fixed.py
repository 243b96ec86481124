"""An upstream that answers each address with bytes of its own, and remembers what it was asked."""

from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


@dataclass(frozen=True)
class Answer:
    body: bytes
    media_type: str = "application/json"
    status: int = 200
    cut: bool = False
    """The connection ends in the middle of the body."""


@dataclass
class Fixed:
    """The ASGI application. `answers` by path; an unknown one gets 404."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    """Path, headers and body of every request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = request.url.path
        self.asked.append((path, dict(request.headers), await request.body()))
        found = self.answers.get(path, Answer(b'{"detail":"Not Found"}', status=404))
        if found.cut:
            head = [(b"content-type", found.media_type.encode())]
            await send({"type": "http.response.start", "status": found.status, "headers": head})
            await send({"type": "http.response.body", "body": found.body, "more_body": True})
            return
        await Response(found.body, found.status, media_type=found.media_type)(scope, receive, send)
