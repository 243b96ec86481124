"""A request that reached a process without the hub: handed over to the one with it, and its answer streamed back."""

import asyncio

import msgspec
from starlette.types import Receive, Scope, Send

from gateway.api.client import Answer, ClientGone, Headers, UntilGone
from gateway.errors import NotFound, Overloaded
from gateway.mcp.workers.place import Place
from gateway.mcp.workers.taking_over import HEADER, Origin
from gateway.upstream.connection import Connection

_SILENCE_SECONDS = 24 * 3600.0
"""The hub ends what lasts too long."""
_BUSY_TRIES, _BUSY_PAUSE = 100, 0.01
_OWN = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"expect", b"te", HEADER})
"""Request headers that belong to one connection."""
_OF_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "date", "server"})
"""Headers of an answer that belong to one connection."""


class NobodyLeads(Exception):
    """No process runs the hub at this moment; nothing of a request was sent."""


async def hand_over(scope: Scope, receive: Receive, send: Send, body: bytes, place: Place, token: str) -> None:
    """Send a request to the hub, and its answer to the client.

    Raises `NobodyLeads`; `NotFound` or `Overloaded` where the hub's process ended before it answered; `ClientGone`.
    """
    connection = await _connected(place)
    answer = Answer(send)
    try:
        connection.send(_head(scope, len(body), token), body, _SILENCE_SECONDS, total=False)
        async with UntilGone(receive, answer):
            await connection.head()
            await _stream(connection, send, answer)
    except OSError as error:
        if not answer.started:
            raise _ended(scope) from error
        raise ClientGone from error  # an answer that has begun can only break off
    finally:
        connection.abort()


async def _connected(place: Place) -> Connection:
    loop = asyncio.get_running_loop()
    for _ in range(_BUSY_TRIES):
        try:
            found = place.connect()
        except BlockingIOError:
            await asyncio.sleep(_BUSY_PAUSE)
            continue
        except OSError as error:
            raise NobodyLeads from error
        return (await loop.create_unix_connection(Connection, sock=found))[1]
    raise Overloaded("The process that serves tool servers is overloaded. Try again in a moment.", retry_after=1)


def _head(scope: Scope, length: int, token: str) -> bytes:
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    origin = msgspec.json.encode(Origin(token, scope["client"]))
    lines = [
        b"%s %s%s HTTP/1.1" % (scope["method"].encode(), scope["raw_path"], query),
        *(b"%s: %s" % (name, value) for name, value in scope["headers"] if name not in _OWN),
        b"%s: %s" % (HEADER, origin),
        b"connection: close",
        b"content-length: %d" % length,
    ]
    return b"\r\n".join([*lines, b"", b""])


async def _stream(connection: Connection, send: Send, answer: Answer) -> None:
    headers: Headers = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in connection.headers.items()
        if name not in _OF_CONNECTION
    ]
    answer.started = True
    await send({"type": "http.response.start", "status": connection.status, "headers": headers})
    if (b"content-type", b"text/event-stream") in headers:  # the first event may come late
        await send({"type": "http.response.body", "body": b"", "more_body": True})
    while part := await connection.read():
        await send({"type": "http.response.body", "body": part, "more_body": True})
    answer.ended = True
    await send({"type": "http.response.body", "body": b""})


def _ended(scope: Scope) -> NotFound | Overloaded:
    """Return what a client can go on from: one with a session opens another, one without sends its request again."""
    if any(name == b"mcp-session-id" for name, _ in scope["headers"]):
        return NotFound("The session has ended. Open a new one.", code="mcp_session_ended")
    return Overloaded(
        "The process that served this request ended before it answered. Call again; a tool may have run already.",
        code="mcp_process_ended",
        retry_after=1,
    )
