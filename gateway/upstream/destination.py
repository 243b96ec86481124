"""Where connections go for a URL: directly or through the company's proxy, in the open or under TLS. Pure."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from gateway.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Proxy:
    """A web proxy that speaks HTTP; what it carries may be TLS."""

    host: str
    port: int
    authorization: str | None = None

    @property
    def header(self) -> str:
        return f"proxy-authorization: {self.authorization}\r\n" if self.authorization else ""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a connection goes. Requests with equal destinations share connections."""

    host: str
    port: int
    tls: bool
    proxy: Proxy | None = None


def proxy_of(address: str | None) -> Proxy | None:
    """Return `server.outbound_proxy` as data. Raises `ConfigError`."""
    if address is None:
        return None
    try:
        parts = urlsplit(address)
        usable = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not all("!" <= each <= "~" for each in address):
        raise ConfigError("server.outbound_proxy: must be http://[USER:PASSWORD@]HOST:PORT")
    secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    authorization = f"Basic {b64encode(secret.encode()).decode()}" if secret else None
    return Proxy(parts.hostname or "", parts.port or 80, authorization)


def destination_of(url: str, proxy: Proxy | None, direct: Sequence[str]) -> Destination:
    """Return where connections for a URL go. `direct`: hosts and domains for which the proxy is not asked."""
    parts = urlsplit(url)
    host, tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    return Destination(host, port, tls, None if is_internal(host, direct) else proxy)


def is_internal(host: str, direct: Sequence[str]) -> bool:
    """Return whether a host is the company's: a private address, a name without a domain, or one that is listed."""
    try:
        return ip_address(host).is_private
    except ValueError:
        pass
    names = [name.lstrip(".").lower() for name in direct]
    return "." not in host or any(host == name or host.endswith(f".{name}") for name in names)


def request_target(url: str, destination: Destination) -> tuple[str, str]:
    """Return the target of the request line and the `host` header."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    inside = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    absolute = destination.proxy is not None and not destination.tls
    return (f"http://{host}{inside}" if absolute else inside), host
