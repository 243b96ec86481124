"""`shared_state` as data: one Redis or Valkey server, a group behind Sentinels, or a cluster. Connects to nothing."""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from gateway.errors import ConfigError

Kind = Literal["server", "socket", "sentinel", "cluster"]
_KINDS: dict[str, tuple[Kind, bool, int]] = {
    "redis": ("server", False, 6379),
    "rediss": ("server", True, 6379),
    "unix": ("socket", False, 0),
    "redis+sentinel": ("sentinel", False, 26379),
    "rediss+sentinel": ("sentinel", True, 26379),
    "redis+cluster": ("cluster", False, 6379),
    "rediss+cluster": ("cluster", True, 6379),
}
"""By scheme: kind of store, whether under TLS, default port."""
_ALLOWED = (
    "Allowed: redis://[USER:PASSWORD@]HOST:PORT/0, the same with rediss:// for TLS, unix:///PATH, "
    "redis+sentinel://HOST:26379,HOST:26379/SERVICE/0, redis+cluster://HOST:6379,HOST:6379 (rediss+… for TLS)"
)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_OPTIONS: dict[Kind, tuple[str, ...]] = {
    "server": ("db", "client_name"),
    "socket": ("db", "client_name"),
    "sentinel": ("db", "client_name", "sentinel_username", "sentinel_password"),
    "cluster": ("client_name",),
}
_TLS_OPTIONS = ("ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_REQUIREMENTS = ("none", "optional", "required")


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Address of the shared store; `options` are keyword arguments of redis-py."""

    kind: Kind
    tls: bool
    hosts: tuple[tuple[str, int], ...]
    options: dict[str, str | int | bool]
    service: str = ""
    """Name of the Sentinels' service."""
    path: str = ""
    """Path of the Unix socket."""

    @property
    def name(self) -> str:
        """Return the address for people, without a password."""
        first = self.path or "{}:{}".format(*self.hosts[0])
        return f"{self.service} at {first}" if self.service else first


def store_address(text: str) -> StoreAddress:
    """Read `shared_state`. Raises `ConfigError`, which never quotes the address."""
    try:
        parts = urlsplit(text.strip())
        kind, tls, port = _KINDS[parts.scheme]
        credentials, _, places = parts.netloc.rpartition("@")
        hosts = () if kind == "socket" else tuple(_host(each, port) for each in places.split(","))
        options = _options(parts, kind, tls) | _credentials(credentials)
        path = [unquote(each) for each in parts.path.split("/")[1:] if each]
    except KeyError:
        raise ConfigError(f"shared_state: its scheme is none of {', '.join(_KINDS)}. {_ALLOWED}") from None
    except ValueError as error:
        raise ConfigError(f"shared_state: {error}. {_ALLOWED}") from None
    return _placed(StoreAddress(kind, tls, hosts, options), path, unquote(parts.path))


def _placed(address: StoreAddress, path: list[str], whole: str) -> StoreAddress:
    """Return the address with service, socket and database number from the path."""
    options, service = dict(address.options), ""
    if address.kind == "socket":
        if not whole.strip("/"):
            raise ConfigError(f"shared_state: the path of the socket is missing. {_ALLOWED}")
        return StoreAddress("socket", False, (), options, path=whole)
    if address.kind == "sentinel":
        if not path:
            raise ConfigError(f"shared_state: the name of the Sentinels' service is missing. {_ALLOWED}")
        service = path.pop(0)
    elif address.kind == "server" and len(address.hosts) > 1:
        raise ConfigError(f"shared_state: several hosts are a cluster, or Sentinels. {_ALLOWED}")
    if len(path) > 1 or (path and not re.fullmatch(r"[0-9]{1,4}", path[0])):
        raise ConfigError(f"shared_state: the path is not the number of a database. {_ALLOWED}")
    if path:
        options["db"] = int(path[0])
    if address.kind == "cluster" and options.pop("db", 0):
        raise ConfigError(f"shared_state: a cluster has only the database 0. {_ALLOWED}")
    return StoreAddress(address.kind, address.tls, address.hosts, options, service)


def _host(text: str, port: int) -> tuple[str, int]:
    match = _HOST.fullmatch(text)
    number = int(match[2] or port) if match else 0
    if not match or not 0 < number < 65536:
        raise ValueError("a host or port is missing or is none")
    return match[1].strip("[]"), number


def _credentials(text: str) -> dict[str, str | int | bool]:
    user, _, password = text.partition(":")
    credentials = {"username": unquote(user), "password": unquote(password)}
    return {name: value for name, value in credentials.items() if value}


def _options(parts: SplitResult, kind: Kind, tls: bool) -> dict[str, str | int | bool]:
    """Return the options of the query. Raises `ValueError` for what redis-py would reject at the first connection."""
    allowed = (*_OPTIONS[kind], *(_TLS_OPTIONS if tls else ()))
    options: dict[str, str | int | bool] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True, max_num_fields=20):
        if name not in allowed:
            raise ValueError(f"its query has an option that is none of {', '.join(allowed)}")
        options[name] = _value(name, value)
    if parts.fragment:
        raise ValueError("it has a '#'; write it as %23")
    return options


def _value(name: str, value: str) -> str | int | bool:
    if name == "db":
        if not re.fullmatch(r"[0-9]{1,4}", value):
            raise ValueError("db is not the number of a database")
        return int(value)
    if name == "ssl_check_hostname":
        if value.lower() not in ("true", "false"):
            raise ValueError(f"{name} is neither true nor false")
        return value.lower() == "true"
    if not value or (name == "ssl_cert_reqs" and value not in _REQUIREMENTS):
        raise ValueError(f"{name} is empty, or none of {', '.join(_REQUIREMENTS)}")
    return value
