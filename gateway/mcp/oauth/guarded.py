"""Fetches what discovery and token endpoints answer, from no address that is private unless the server is there too."""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from functools import cached_property
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from gateway.config.schema import Server
from gateway.fetching.addresses import Network, is_public
from gateway.fetching.guard import Guard, NotFetched, Place, place_of
from gateway.mcp.oauth.failures import OAuthFailed
from gateway.tls import http_context
from gateway.upstream.connecting import connect_first, tunnel
from gateway.upstream.connection import Connection
from gateway.upstream.destination import proxy_of

LARGEST_ANSWER = 256 * 1024
_SECONDS = 10.0
_LOOPBACK = tuple(ip_network(each) for each in ("127.0.0.0/8", "::1/128"))
_LONGEST_HOST = 100


class Reply(msgspec.Struct, frozen=True):
    """A whole answer, whatever its status. `headers`: by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content(self) -> dict[str, Any]:
        """Return the body's JSON object, an empty one where it is none."""
        try:
            found = msgspec.json.decode(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


class Fetcher:
    """One for a process. It follows no redirects, and waits for nothing longer than ten seconds."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._proxy = proxy_of(server.outbound_proxy)

    async def guard(self, address: str, hosts: tuple[str, ...]) -> Guard:
        """Return what may be asked on behalf of a tool server: public addresses, the server's own, and `hosts`."""
        networks = await _networks(urlsplit(address).hostname or "")
        return Guard(networks, hosts, self._proxy, self._server.no_proxy)

    async def get(self, url: str, guard: Guard) -> Reply:
        """Raises `OAuthFailed` where nothing answers."""
        return await self._fetch("GET", url, guard, b"", {})

    async def post_form(self, url: str, guard: Guard, form: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
        """Send a form. Raises `OAuthFailed` where nothing answers."""
        sent = {**headers, "content-type": "application/x-www-form-urlencoded"}
        return await self._fetch("POST", url, guard, urlencode(form).encode(), sent)

    async def post_json(self, url: str, guard: Guard, content: object, headers: Mapping[str, str]) -> Reply:
        """Send JSON. Raises `OAuthFailed` where nothing answers."""
        sent = {**headers, "content-type": "application/json"}
        return await self._fetch("POST", url, guard, msgspec.json.encode(content), sent)

    async def _fetch(self, method: str, url: str, guard: Guard, body: bytes, headers: Mapping[str, str]) -> Reply:
        host = (_host(url) or "?")[:_LONGEST_HOST]
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._asked(method, url, guard, body, headers)
        except NotFetched:
            raise OAuthFailed("address_refused", host=host) from None
        except (OSError, UnicodeError, TimeoutError):
            raise OAuthFailed("unreachable", host=host) from None

    async def _asked(self, method: str, url: str, guard: Guard, body: bytes, headers: Mapping[str, str]) -> Reply:
        place = place_of(url)
        connection = await self._connected(place, guard)
        try:
            sent = {"accept": "application/json", **headers}
            fields = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
            head = (
                f"{method} {place.target} HTTP/1.1\r\nhost: {place.authority}\r\nuser-agent: sekisho\r\n{fields}"
                f"accept-encoding: identity\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
            )
            connection.send(head.encode("latin-1"), body, _SECONDS, total=True)
            await connection.head()
            return Reply(connection.status, dict(connection.headers), await _body(connection))
        finally:
            connection.abort()

    async def _connected(self, place: Place, guard: Guard) -> Connection:
        destination, addresses = await guard.destination(place)
        if not place.tls and not guard.allows(place.host) and any(is_public(str(each[4][0])) for each in addresses):
            raise NotFetched("it is asked without TLS")
        trusted = self._trusted if destination.tls else None
        if destination.proxy:
            if not place.tls and not addresses:
                raise NotFetched("it is asked without TLS")
            return await tunnel(destination.host, destination.port, destination.proxy, trusted, place.host)
        tls = {"ssl": trusted, "server_hostname": place.host} if trusted else {}
        return (await connect_first(Connection, addresses, **tls))[1]

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        return http_context(self._server.custom_ca)


async def _body(connection: Connection) -> bytes:
    parts, size = [], 0
    while part := await connection.read():
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER:
            raise NotFetched("its answer is too large")
    return b"".join(parts)


async def _networks(host: str) -> tuple[Network, ...]:
    """Return the addresses of a tool server where none of them is public: the company's own, or this machine's.

    Loopback is one only under a name that says so: another name may point anywhere tomorrow.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    addresses = {ip_address(str(each[4][0]).partition("%")[0]) for each in found}
    if any(is_public(str(each)) for each in addresses):
        return ()
    if all(each.is_loopback for each in addresses):
        return _LOOPBACK if _is_loopback_name(host) else ()
    return tuple(ip_network(each) for each in addresses if not each.is_loopback)


def _is_loopback_name(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost" or host.lower().rstrip(".").endswith(".localhost")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
