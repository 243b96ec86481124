"""Headers that a browser sends when a page tries to reach a server that it should not (DNS rebinding). Pure."""

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway.config.mcp import Mcp
from gateway.errors import Forbidden, Misdirected

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SHOWN = 80


def check_headers(headers: Mapping[str, str], mcp: Mcp, listens_on: str) -> None:
    """Check `Host` and `Origin` of a request. Raises `Misdirected`, `Forbidden`."""
    host = headers.get("host", "")
    if not _host_allowed(host, mcp, listens_on):
        raise Misdirected(
            f"The gateway is not known as '{host[:_SHOWN]}'. An administrator adds the name to 'mcp.allowed_hosts'."
        )
    origin = headers.get("origin")
    if origin is not None and not _origin_allowed(origin, host, mcp):
        raise Forbidden(
            f"Pages of '{origin[:_SHOWN]}' may not use the gateway. An administrator adds it to 'mcp.allowed_origins'.",
            code="wrong_origin",
        )


def _host_allowed(host: str, mcp: Mcp, listens_on: str) -> bool:
    name = _name_of(f"//{host}")
    if name is None:
        return False
    if mcp.allowed_hosts is not None:
        return name in {each.lower() for each in mcp.allowed_hosts} or host.lower() in mcp.allowed_hosts
    return name in _LOOPBACK if _is_loopback(listens_on) else True


def _origin_allowed(origin: str, host: str, mcp: Mcp) -> bool:
    if origin in mcp.allowed_origins:
        return True
    name = _name_of(origin)
    if name is None:
        return False
    own = _name_of(f"//{host}")
    return urlsplit(origin).netloc.lower() == host.lower() or (name in _LOOPBACK and own in _LOOPBACK)


def _name_of(address: str) -> str | None:
    try:
        return (urlsplit(address).hostname or "").lower() or None
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
