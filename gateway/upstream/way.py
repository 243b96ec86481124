"""How a server is reached: directly or through the company's proxy, in the open or under TLS. Pure."""

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
class Way:
    """Where connections go; equal ways share them."""

    host: str
    port: int
    tls: bool
    proxy: Proxy | None = None


def proxy_of(address: str | None) -> Proxy | None:
    """`server.outbound_proxy` as data. Raises `ConfigError`."""
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
    told = f"Basic {b64encode(secret.encode()).decode()}" if secret else None
    return Proxy(parts.hostname or "", parts.port or 80, told)


def way_to(base_url: str, proxy: Proxy | None, direct: Sequence[str]) -> Way:
    """`direct`: hosts and domains for which the proxy is not asked."""
    parts = urlsplit(base_url)
    host, tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    return Way(host, port, tls, None if is_near(host, direct) else proxy)


def is_near(host: str, direct: Sequence[str]) -> bool:
    """Inside the company: a private address, a name without a domain, or one that the configuration lists."""
    try:
        return ip_address(host).is_private
    except ValueError:
        pass
    names = [name.lstrip(".").lower() for name in direct]
    return "." not in host or any(host == name or host.endswith(f".{name}") for name in names)


def request_target(base_url: str, path: str, way: Way) -> tuple[str, str]:
    """Return the target of the request line and the `host` header. A query of the base URL is part of every request."""
    parts = urlsplit(base_url)
    place = parts.netloc.rpartition("@")[2]
    inside = parts.path.rstrip("/") + path
    if parts.query:
        inside += ("&" if "?" in path else "?") + parts.query
    whole = way.proxy is not None and not way.tls
    return (f"http://{place}{inside}" if whole else inside), place
