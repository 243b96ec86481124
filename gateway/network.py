"""Address of a caller: the peer, or the one that a trusted proxy reports."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from starlette.types import Scope

from gateway.config.schema import Server
from gateway.errors import Forbidden
from gateway.identity.policy import Policy, parse_address

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]

_MOST_HOPS = 32
_HOST_BITS = 64


def client_address(scope: Scope, headers: Mapping[str, str], server: Server) -> Address | None:
    """Return the caller's address; None where a trusted proxy tells one that cannot be read.

    `X-Forwarded-For` is read from the right, as far as the proxies are trusted.
    """
    peer = _plain(parse_address(scope["client"][0])) if scope.get("client") else None
    forwarded = headers.get("x-forwarded-for", "")
    hops = forwarded.split(",")[-_MOST_HOPS:] if forwarded.strip() else []
    while peer and hops and inside_any(peer, server.trusted_proxies):
        peer = _plain(parse_address(hops.pop()))
    return peer


def counted_as(address: Address | str | None) -> str:
    """Return the name under which is counted what comes from an address; of IPv6 that of the /64.

    So many addresses one subscriber has at will.
    """
    read = _plain(parse_address(address)) if isinstance(address, str) else address
    if isinstance(read, IPv6Address):
        return str(IPv6Network((int(read) >> _HOST_BITS << _HOST_BITS, 128 - _HOST_BITS)))
    return str(read) if read else "unknown"


def check_server(address: Address | None, server: Server) -> None:
    """Raise `Forbidden` outside `server.allowed_networks`."""
    if server.allowed_networks and (address is None or not inside_any(address, server.allowed_networks)):
        raise Forbidden(
            f"Requests from {address or 'this address'} are not allowed. "
            "An administrator adds networks in 'server.allowed_networks'.",
            code="network_not_allowed",
        )


def check_key(address: Address | None, policy: Policy) -> None:
    """Raise `Forbidden` outside the key's own networks."""
    if not policy.allows_from(address):
        raise Forbidden(
            f"This API key may not be used from {address or 'this address'}. An administrator changes its networks.",
            code="network_not_allowed",
        )


def inside_any(address: Address, networks: Networks) -> bool:
    """Return whether an address is in one of the networks."""
    return any(address in network for network in networks)


def _plain(address: Address | None) -> Address | None:
    """Unwrap an IPv4-mapped IPv6 address."""
    return getattr(address, "ipv4_mapped", None) or address
