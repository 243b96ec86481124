"""Cookies of the console: the session's, and the one that forms have before anybody is signed in."""

import re

from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

from gateway.config.schema import Config

SESSION = "sekisho-session"
START = "sekisho-start"
_LONGEST = 32 * 1024
"""Characters of all cookies; other programs of the same host have some, too, whatever port they are on."""
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?|\[[0-9a-fA-F:.]{2,45}\](:[0-9]{1,5})?")


def public_url(config: Config, scope: Scope | None = None) -> str:
    """Return the address that browsers use, without a slash at its end: the configured one, or the one listened on."""
    if config.server.public_url:
        return config.server.public_url
    host, port = config.server.host, config.server.port
    if scope and scope.get("server"):
        port = scope["server"][1] or port
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
    host = everywhere.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{host}:{port}"


def address_of(config: Config, scope: Scope) -> str:
    """Return the address to show to the person of a request: the configured one, or the one that they asked."""
    if config.server.public_url:
        return config.server.public_url
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    return f"{scope.get('scheme', 'http')}://{host}" if _HOST.fullmatch(host) else public_url(config, scope)


def is_https(config: Config, scope: Scope) -> bool:
    """Return whether browsers reach the gateway over TLS."""
    return (config.server.public_url or "").startswith("https:") or scope.get("scheme") == "https"


def cookie(config: Config, scope: Scope, name: str) -> str | None:
    """Return the value of one of our cookies."""
    header = b"; ".join(value for key, value in scope["headers"] if key == b"cookie")
    if len(header) > _LONGEST:
        return None
    return cookie_parser(header.decode("latin-1")).get(_full(config, scope, name))


def set_cookie(response: Response, config: Config, scope: Scope, name: str, value: str, seconds: int | None) -> None:
    """Set one of our cookies: for this host alone, out of reach of scripts, not sent with other sites' posts."""
    response.set_cookie(
        _full(config, scope, name),
        value,
        max_age=seconds,
        path="/",
        secure=is_https(config, scope),
        httponly=True,
        samesite="lax",
    )


def drop_cookie(response: Response, config: Config, scope: Scope, name: str) -> None:
    """Delete one of our cookies."""
    secure = is_https(config, scope)
    response.delete_cookie(_full(config, scope, name), path="/", secure=secure, httponly=True, samesite="lax")


def _full(config: Config, scope: Scope, name: str) -> str:
    """Return the name in the browser; it takes `__Host-` only from this very host, over TLS."""
    return f"__Host-{name}" if is_https(config, scope) else name
