"""Reading a request's body as its endpoint takes it: JSON into memory, forms with their files onto disk."""

import asyncio
from collections.abc import AsyncGenerator

import msgspec
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive, Scope

from gateway import wire
from gateway.api.client import ClientGone, read_body, too_large
from gateway.api.exchange import Exchange
from gateway.bodies import Share
from gateway.errors import InvalidRequest
from gateway.payload import FormPayload, JsonPayload, Payload
from gateway.wire import Members

_MOST_FILES, _MOST_TEXTS = 16, 200
_LONGEST_TEXT_BYTES = 1024 * 1024


async def read_payload(exchange: Exchange, scope: Scope, receive: Receive, share: Share) -> Payload:
    """Return the body of a request, to be closed at its end. Raises `InvalidRequest`, `TooLarge`, `Overloaded`."""
    if exchange.endpoint.body == "multipart":
        return await _read_form(exchange, scope, receive)
    return await _read_json(exchange, scope, receive, share)


async def _read_json(exchange: Exchange, scope: Scope, receive: Receive, share: Share) -> Payload:
    """Read a body into memory. Long ones are worked on one at a time, with pauses for other requests."""
    body = await read_body(scope, receive, exchange.snapshot.config.server.max_body_bytes, share)
    if len(body) <= wire.LARGE_BYTES:
        return _json_payload(exchange, body)
    async with exchange.runtime.bodies.turn:
        await wire.check_utf8(body, _let_others_run)
        payload = _json_payload(exchange, body)
        await _let_others_run()
        return payload


def _json_payload(exchange: Exchange, body: bytes) -> Payload:
    caller, contents = exchange.recorder.caller, exchange.runtime.contents
    if caller and contents.wants(caller.key.alias):
        exchange.content = exchange.answer.capture(contents, body)
    return JsonPayload(wire.request_members(body), len(body))


async def _let_others_run() -> None:
    """Give the event loop to other requests."""
    await asyncio.sleep(0)


async def _read_form(exchange: Exchange, scope: Scope, receive: Receive) -> Payload:
    """Read a form. Files beyond a megabyte lie on disk, so it takes little memory and needs no share of it."""
    headers = Headers(scope=scope)
    if not headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise InvalidRequest(
            f"'/v1{exchange.endpoint.path}' takes a form: send 'Content-Type: multipart/form-data'.",
            code="invalid_content_type",
            param="content-type",
        )
    pieces = _Pieces(receive, exchange.snapshot.config.server.max_body_bytes)
    parser = MultiPartParser(
        headers, pieces.read(), max_files=_MOST_FILES, max_fields=_MOST_TEXTS, max_part_size=_LONGEST_TEXT_BYTES
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        reason = getattr(error, "message", "it is not well formed").rstrip(".")
        raise InvalidRequest(f"The form cannot be read: {reason}.", code="invalid_form") from error
    files = tuple((name, part) for name, part in form.multi_items() if isinstance(part, UploadFile))
    return FormPayload(_texts(form), pieces.size, files)


def _texts(form: FormData) -> Members:
    """Return the texts of a form as members; a name that comes more than once as a list."""
    found: dict[str, list[str]] = {}
    for name, part in form.multi_items():
        if isinstance(part, str):
            found.setdefault(name, []).append(part)
    return {name: msgspec.Raw(wire.encode(texts if len(texts) > 1 else texts[0])) for name, texts in found.items()}


class _Pieces:
    """The pieces of a body as they arrive."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self.size = 0

    async def read(self) -> AsyncGenerator[bytes, None]:
        """Yield the pieces. Raises `TooLarge`, `ClientGone`."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece = message.get("body", b"")
            self.size += len(piece)
            if self.size > self._limit:
                raise too_large(self._limit)
            yield piece
            if not message.get("more_body"):
                return
