"""Which addresses of the network are public: none of this machine, its neighbours, the company or a cloud's own."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_CLOSED = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carriers' own (RFC 6598); some clouds' metadata
        "168.63.129.16/32",  # Azure's own server, at a public address
        "192.0.0.0/24",  # protocols; Oracle's metadata
        "192.88.99.0/24",  # relays to IPv6
        "198.18.0.0/15",
        "224.0.0.0/3",  # groups, reserved, broadcast
    )
)
_CLOSED_6 = tuple(
    IPv6Network(each)
    for each in (
        "::/96",  # IPv4 in an old form
        "64:ff9b:1::/48",  # translation to a network's own IPv4
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/9",  # the link, and old site-local ones
        "ff00::/8",
    )
)
_TRANSLATED = IPv6Network("64:ff9b::/96")


def is_public(address: str, allowed: Sequence[Network] = ()) -> bool:
    """Return whether an address may be asked; `allowed` are networks that may be, though they are not public."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_open(each) or _inside(each, allowed) for each in _meanings(found))


def _meanings(address: Address) -> Iterator[Address]:
    """Yield an address and those of IPv4 that it stands for."""
    if isinstance(address, IPv4Address):
        yield address
        return
    inner = address.ipv4_mapped
    if inner is not None:
        yield inner
        return
    yield address
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _TRANSLATED:
        yield IPv4Address(int(address) & 0xFFFFFFFF)


def _is_open(address: Address) -> bool:
    if address in _TRANSLATED:
        return True  # what it stands for decides
    return address.is_global and not address.is_multicast and not _inside(address, (*_CLOSED, *_CLOSED_6))


def _inside(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)
