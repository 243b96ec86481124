"""Check that the server of `shared_state` is of the kind that its address says."""

import contextlib
import socket
import ssl

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from gateway.limits.address import StoreAddress, store_address

_SECONDS = 1.0
_OTHER = {
    "sentinel": "a Sentinel answers there: write redis+sentinel://HOST:PORT/SERVICE/0",
    "cluster": "it is part of a cluster: write redis+cluster://HOST:PORT",
}
_EXPECTED = {"server": "standalone", "cluster": "cluster", "sentinel": "sentinel"}


def store_problem(url: str) -> str | None:
    """Return what the address should say instead; None where it is right, or nobody answers. Raises `ConfigError`."""
    address = store_address(url)
    if problem := tls_problem(address):
        return problem
    mode = None if address.kind == "socket" else _mode(address)
    if mode is None or mode == _EXPECTED[address.kind]:
        return None
    return f"{address.name}: {_OTHER.get(mode, 'one server answers there: write redis://HOST:PORT/0')}"


def tls_problem(address: StoreAddress) -> str | None:
    """Return what the scheme should be where the server speaks TLS and the address says no, or the other way round."""
    if address.kind == "socket" or not _answers(address):
        return None
    tls = _speaks_tls(*address.hosts[0])
    if tls is address.tls:
        return None
    suffix = "" if address.kind == "server" else f"+{address.kind}"
    return f"{address.name} speaks {'TLS' if tls else 'no TLS'}: write {'rediss' if tls else 'redis'}{suffix}://"


def _speaks_tls(host: str, port: int) -> bool:
    """Return whether a server completes a TLS handshake, whoever signed for it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.suppress(OSError, ValueError), socket.create_connection((host, port), _SECONDS) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=host):
                return True
        except ssl.SSLError as error:
            # One that wants a certificate of ours speaks TLS, too.
            return error.reason not in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", None)
    return False


def _answers(address: StoreAddress) -> bool:
    with contextlib.suppress(OSError, ValueError), socket.create_connection(address.hosts[0], _SECONDS):
        return True
    return False


def _mode(address: StoreAddress) -> str | None:
    """Return `standalone`, `sentinel` or `cluster`; None if unknown."""
    host, port = address.hosts[0]
    names = ("sentinel_username", "sentinel_password") if address.kind == "sentinel" else ("username", "password")
    user, password = (address.options.get(name) for name in names)
    tls = {"ssl": True, "ssl_cert_reqs": "none", "ssl_check_hostname": False} if address.tls else {}
    client = Redis(
        host,
        port,
        username=str(user) if user else None,
        password=str(password) if password else None,
        socket_timeout=_SECONDS,
        socket_connect_timeout=_SECONDS,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        **tls,  # type: ignore[arg-type]
    )
    with contextlib.suppress(RedisError, OSError), client:
        info = client.info("server")
        return str(info["redis_mode"]) if isinstance(info, dict) and "redis_mode" in info else None
    return None
