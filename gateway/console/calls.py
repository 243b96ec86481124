"""Ask our own routes in this process, as the person who is signed in: pages know nothing but what these answer."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlencode

import msgspec
from starlette.requests import Request
from starlette.types import Message, Scope

from gateway.api.client import ClientGone
from gateway.errors import ApiError
from gateway.sessions.session import SCOPE, Session

_PASSED_ON = (b"x-forwarded-for", b"user-agent", b"host")
Query = Mapping[str, Any] | Sequence[tuple[str, Any]]


class Reply(msgspec.Struct):
    """The answer of a route."""

    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def data(self) -> Any:
        """Return the answer's JSON. Raises `ApiError`, as the route refused."""
        if self.ok:
            return msgspec.json.decode(self.body) if self.body else None
        raise self.error()

    def error(self) -> ApiError:
        """Return the refusal of the route."""
        try:
            said = msgspec.json.decode(self.body)["error"]
            words = {name: str(said[name]) if said.get(name) else None for name in ("message", "code", "param")}
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
            words = {"message": None, "code": None, "param": None}
        error = ApiError(words["message"] or f"Status {self.status}.", code=words["code"], param=words["param"])
        error.status = self.status  # type: ignore[misc]  # that of the route
        return error


def path_of(*parts: str) -> str:
    """Return a path of parts, each of which may hold anything."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


async def call(
    request: Request,
    session: Session,
    language: str,
    method: str,
    path: str,
    *,
    query: Query = (),
    json: Any = None,
    until_gone: bool = False,
) -> Reply:
    """Ask a route of ours. `path` is percent-encoded, as `path_of` makes it.

    `until_gone`: the call ends when the browser leaves; the page's own body must have been read. Raises `ClientGone`.
    """
    body = b"" if json is None else msgspec.json.encode(json)
    scope = _scope(request, session, language, method, path, urlencode(query, doseq=True))
    reply, sent = Reply(), False

    async def receive() -> Message:
        nonlocal sent
        if not sent:
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}
        while until_gone:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                return message
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            reply.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
        else:
            reply.body += message.get("body", b"")

    await request.app(scope, receive, send)
    if not reply.status:
        raise ClientGone
    return reply


def _scope(request: Request, session: Session, language: str, method: str, path: str, query: str) -> Scope:
    outer = request.scope
    headers = [(name, value) for name, value in outer["headers"] if name in _PASSED_ON]
    headers += [(b"accept-language", language.encode()), (b"content-type", b"application/json")]
    kept = ("type", "asgi", "http_version", "scheme", "client", "server", "state")
    return {
        **{name: outer[name] for name in kept if name in outer},
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": headers,
        SCOPE: session,
    }
