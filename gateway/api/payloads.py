"""Reading a request's body as its endpoint takes it: JSON into memory, forms with their files onto disk."""

import asyncio
import logging
from collections.abc import AsyncGenerator

import msgspec
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive, Scope

from gateway import wire
from gateway.api.client import ClientGone, read_body, too_large
from gateway.api.exchange import Exchange
from gateway.bodies import Share
from gateway.errors import InvalidRequest, Overloaded
from gateway.payload import FormPayload, JsonPayload, Payload
from gateway.wire import Members

log = logging.getLogger("sekisho.requests")

_MOST_FILES, _MOST_TEXTS = 16, 200
_MOST_TEXT_BYTES = 160 * 1024
"""Of all texts of a form together, which stand in memory. A prompt for an image has up to 32,000 characters."""
_RETRY_AFTER_SECONDS = 30.0
_FORBIDDEN_IN_BOUNDARY = frozenset(b'"\\')


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
    media_type, options = parse_options_header(Headers(scope=scope).get("content-type", ""))
    if media_type != b"multipart/form-data":
        raise InvalidRequest(
            f"'/v1{exchange.endpoint.path}' takes a form: send 'Content-Type: multipart/form-data'.",
            code="invalid_content_type",
            param="content-type",
        )
    pieces = _Pieces(receive, exchange.snapshot.config.server.max_body_bytes)
    form = await _parsed(_FormParser(options.get(b"boundary", b""), pieces.read()))
    files = tuple((name, part) for name, part in form.multi_items() if isinstance(part, UploadFile))
    return FormPayload(_texts(form), pieces.size, files)


async def _parsed(parser: "_FormParser") -> FormData:
    """Return a form. Raises `InvalidRequest`; `Overloaded` where a file finds no room on the disk."""
    try:
        return await parser.parse()
    except (MultiPartException, ValueError) as error:
        reason = getattr(error, "message", "it is not well formed").rstrip(".")
        raise InvalidRequest(f"The form cannot be read: {reason}.", code="invalid_form") from error
    except OSError as error:
        log.error("an upload cannot be kept: %s", error)
        raise Overloaded(
            "The gateway's disk is full. Try again later, or tell the administrator.", retry_after=_RETRY_AFTER_SECONDS
        ) from error


class _FormParser(MultiPartParser):
    """Refuses what Starlette's lets through: texts that are much together, forms without an end, odd charsets."""

    def __init__(self, boundary: bytes, stream: AsyncGenerator[bytes, None]) -> None:
        # Without the charset, which browsers do not send: some of Python's take minutes for a megabyte.
        allowed = boundary and not _FORBIDDEN_IN_BOUNDARY.intersection(boundary)
        content_type = b"multipart/form-data" + (b'; boundary="%s"' % boundary if allowed else b"")
        headers = Headers(raw=[(b"content-type", content_type)])
        super().__init__(headers, _until_end(stream, self), max_files=_MOST_FILES, max_fields=_MOST_TEXTS)
        self.complete = False
        self._text_bytes = 0

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._current_part.file is None:
            self._text_bytes += end - start
            if self._text_bytes > _MOST_TEXT_BYTES:
                raise MultiPartException(f"its texts have more than {_MOST_TEXT_BYTES:,} bytes")
        super().on_part_data(data, start, end)

    def on_end(self) -> None:
        self.complete = True


async def _until_end(stream: AsyncGenerator[bytes, None], parser: _FormParser) -> AsyncGenerator[bytes, None]:
    """Pass a form on. Raises `MultiPartException` where it stops before its last boundary."""
    async for piece in stream:
        yield piece
    if not parser.complete:
        raise MultiPartException("it ends before its last boundary")


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
