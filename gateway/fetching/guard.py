"""One address of a medium: checked, its host resolved once, and asked at the address that was checked."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import msgspec

from gateway.fetching.addresses import Network, is_public
from gateway.upstream.destination import Destination, Proxy, is_internal

_LONGEST_URL = 8192
_PORTS = {"http": 80, "https": 443}
_INTERNAL = ("internal", "local", "localhost", "localdomain", "lan", "corp", "home", "intranet", "private", "arpa")
"""Domains that no public host is in; a proxy might know some of theirs that we cannot resolve."""
_SAFE = "!#$%&'()*+,/:;=?@[]~"
"""What stays in a path or query as it is."""


class NotFetched(Exception):
    """A medium cannot be had; its words say why to who named it, and nothing of our network."""


class Place(msgspec.Struct, frozen=True):
    """Where a medium is asked for."""

    url: str
    """As it is shown, and the base of redirects."""
    host: str
    """For the certificate."""
    authority: str
    """For the `host` header."""
    target: str
    port: int
    tls: bool


def place_of(url: str) -> Place:
    """Return where an address points. Raises `NotFetched` for what is no plain web address."""
    if len(url) > _LONGEST_URL or not url.isprintable():
        raise NotFetched("it is no web address")
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise NotFetched("it is no web address") from None
    if parts.scheme not in _PORTS or not host:
        raise NotFetched("only addresses that begin with https:// or http:// are fetched")
    if parts.username is not None or parts.password is not None:
        raise NotFetched("it holds a name or a password; leave them out")
    if port == 0:
        raise NotFetched("it is no web address")
    return _placed(url, parts, _ascii(host), port)


def _placed(url: str, parts: SplitResult, host: str, port: int | None) -> Place:
    standard = _PORTS[parts.scheme]
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port in (None, standard) else f"{shown}:{port}"
    target = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    return Place(url, host, authority, target, port or standard, parts.scheme == "https")


def _ascii(host: str) -> str:
    """Return a host's name as the network knows it."""
    if ":" in host:
        return host
    try:
        return host.encode("ascii").decode() if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise NotFetched("its host has a name that cannot be") from None


def redirected(place: Place, location: str) -> str:
    """Return the address that a redirect names. Raises `NotFetched`."""
    try:
        return urljoin(place.url, location)
    except ValueError:
        raise NotFetched("it redirects to what is no address") from None


def _is_internal_name(host: str) -> bool:
    return host.rstrip(".").rpartition(".")[2].lower() in _INTERNAL


class Guard(msgspec.Struct, frozen=True):
    """What may be asked."""

    networks: tuple[Network, ...] = ()
    """That may be asked though they are not public."""
    hosts: tuple[str, ...] = ()
    """Hosts and domains that may be asked wherever they are."""
    proxy: Proxy | None = None
    no_proxy: tuple[str, ...] = ()

    async def destination(self, place: Place) -> tuple[Destination, Sequence[Any]]:
        """Return where a connection goes, with the addresses that were checked; none where a proxy is asked by name.

        Raises `NotFetched` where one of the host's addresses is not public: it might be chosen the next time.
        """
        addresses = await self._resolved(place)
        proxy = None if is_internal(place.host, self.no_proxy) else self.proxy
        if not addresses and (proxy is None or _is_internal_name(place.host)):
            raise NotFetched("its host is not a public one")
        free = self.allows(place.host)
        if not free and not all(is_public(str(each[4][0]), self.networks) for each in addresses):
            raise NotFetched("its host is not a public one")
        if proxy is None:
            return Destination(place.host, place.port, place.tls), addresses
        host = str(addresses[0][4][0]) if addresses else place.host
        return Destination(host, place.port, place.tls, proxy), ()

    async def _resolved(self, place: Place) -> Sequence[Any]:
        try:
            return await asyncio.get_running_loop().getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return ()

    def allows(self, host: str) -> bool:
        """Return whether a host may be asked wherever it is."""
        names = [name.lstrip(".").lower() for name in self.hosts]
        return any(host.lower() == name or host.lower().endswith(f".{name}") for name in names)
