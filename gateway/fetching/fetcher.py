"""Fetches media within limits of size, time and number, through the guard, again on every redirect."""

import asyncio
import base64
import ssl
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import msgspec

from gateway.errors import InvalidRequest
from gateway.fetching.guard import Guard, NotFetched, Place, place_of, redirected
from gateway.fetching.kinds import media_type_of
from gateway.tls import http_context
from gateway.upstream.connecting import connect_first, tunnel
from gateway.upstream.connection import Connection

MOST_MEDIA = 50
"""Media of one request that are fetched."""
_MOST_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_AT_ONCE, _OF_A_REQUEST = 16, 4
"""Media that are fetched at the same time: by the process, and for one request."""
_PLAIN = ("", "identity")
_LONGEST_SHOWN = 200
_HEADERS = "user-agent: sekisho\r\naccept: */*\r\naccept-encoding: identity\r\nconnection: close\r\n\r\n"


class Wanted(msgspec.Struct, frozen=True):
    """A medium that a request names by its address."""

    kind: str
    """`image`, `audio`, `document`."""
    url: str


class Fetched(msgspec.Struct, frozen=True):
    media_type: str
    data: str
    """Base64."""


class MediaFetcher:
    """One for a process."""

    def __init__(self, custom_ca: Path | None = None) -> None:
        self._custom_ca = custom_ca
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def fetch(
        self, wanted: Sequence[Wanted], guard: Guard, most_bytes: int, seconds: float
    ) -> dict[Wanted, Fetched]:
        """Return media, `most_bytes` in all. Raises `InvalidRequest` naming the address that cannot be had."""
        if len(wanted) > MOST_MEDIA:
            raise InvalidRequest(
                f"The request names {len(wanted)} files by their addresses; at most {MOST_MEDIA} are fetched. Send the "
                "others as base64.",
                code=_CODE,
                param="messages",
            )
        budget, own = _Budget(most_bytes), asyncio.Semaphore(_OF_A_REQUEST)

        async def one(each: Wanted) -> Fetched:
            async with own:
                return await self._within(each, guard, budget, seconds)

        tasks = [asyncio.ensure_future(one(each)) for each in wanted]
        try:
            return dict(zip(wanted, await asyncio.gather(*tasks), strict=True))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _within(self, wanted: Wanted, guard: Guard, budget: "_Budget", seconds: float) -> Fetched:
        try:
            async with asyncio.timeout(seconds), self._places:
                return await self._fetched(wanted, guard, budget)
        except NotFetched as error:
            raise _refused(wanted, str(error)) from None
        except TimeoutError:
            raise _refused(wanted, "its server did not answer in time") from None
        except (OSError, UnicodeError) as error:
            raise _refused(wanted, "its server cannot be reached") from error

    async def _fetched(self, wanted: Wanted, guard: Guard, budget: "_Budget") -> Fetched:
        url = wanted.url
        for _ in range(_MOST_REDIRECTS + 1):
            place = place_of(url)
            connection = await self._connected(place, guard)
            try:
                location = await _asked(connection, place)
                if location is None:
                    data = await budget.read(connection)
                    media_type = media_type_of(wanted.kind, data, connection.headers.get("content-type", ""))
                    return Fetched(media_type, base64.b64encode(data).decode())
            finally:
                connection.abort()
            url = redirected(place, location)
            if place.tls and not url.startswith("https:"):
                raise NotFetched("it redirects from https to http")
        raise NotFetched(f"it redirects more than {_MOST_REDIRECTS} times")

    async def _connected(self, place: Place, guard: Guard) -> Connection:
        destination, addresses = await guard.destination(place)
        trusted = self._trusted if destination.tls else None
        if destination.proxy:
            return await tunnel(destination.host, destination.port, destination.proxy, trusted, place.host)
        tls = {"ssl": trusted, "server_hostname": place.host} if trusted else {}
        return (await connect_first(Connection, addresses, **tls))[1]

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        return http_context(self._custom_ca)


class _Budget:
    """Bytes that the media of one request may have together."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most

    async def read(self, connection: Connection) -> bytes:
        """Read a body. Raises `NotFetched` as soon as it is too large."""
        length = connection.headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self._left:
            raise self._too_large()
        parts = []
        while part := await connection.read():
            self._left -= len(part)
            if self._left < 0:
                raise self._too_large()
            parts.append(part)
        return b"".join(parts)

    def _too_large(self) -> NotFetched:
        return NotFetched(f"the request's files are larger than {self._most:,} bytes together")


async def _asked(connection: Connection, place: Place) -> str | None:
    """Ask for a medium and read the head of the answer. Return where it redirects to, or None where it is there."""
    head = f"GET {place.target} HTTP/1.1\r\nhost: {place.authority}\r\n{_HEADERS}"
    connection.send(head.encode("latin-1"), b"", 3600, total=True)  # the time of all is limited outside
    await connection.head()
    if connection.status in _REDIRECTS:
        return connection.headers.get("location") or ""
    if connection.status != 200:
        raise NotFetched(f"its server answered with status {connection.status}")
    if connection.headers.get("content-encoding", "").strip().lower() not in _PLAIN:
        raise NotFetched("its server compresses it although it was asked not to")
    return None


_CODE = "media_not_fetched"


def _refused(wanted: Wanted, why: str) -> InvalidRequest:
    shown = wanted.url[:_LONGEST_SHOWN] + ("…" if len(wanted.url) > _LONGEST_SHOWN else "")
    return InvalidRequest(
        f"The {wanted.kind} at '{shown}' cannot be fetched: {why}. Check its address, or send it as base64.",
        code=_CODE,
        param="messages",
    )
